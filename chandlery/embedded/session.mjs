// One client: the start of its connection, its messages one by one, its turn at the engine. The rule of turns and of
// session state stands in front.mjs.

import { createHash, timingSafeEqual } from 'node:crypto'
import { IN_HIGH, MESSAGE_MAX, OVERHEAD, STARTUP_MAX } from './limits.mjs'
import * as wire from './wire.mjs'

const HEADER = 5
const FAREWELL_MS = 1000
const FRONTEND = 'QPBDECHSFdcfX'
const ENCRYPTIONS = new Set([wire.SSL_REQUEST, wire.GSS_REQUEST])
const NOT_SETTINGS = new Set(['user', 'database', 'replication', 'options', ''])

const quote = (text) => `'${text.replaceAll("'", "''")}'`
const digest = (text) => createHash('sha256').update(text).digest()

/** "-c name=value --other=value", a backslash before a blank, as libpq's `options` has it. */
function parseOptions(text) {
  const words = text.replace(/(^|\s)-c\s+/g, '$1-c').match(/(?:\\.|[^\s\\])+/g) ?? []
  const pairs = words.map((word) => word.replace(/\\(.)/g, '$1').replace(/^(-c|--)/, '').split(/=(.*)/s))
  return pairs.filter((pair) => pair.length > 1).map(([name, value]) => [name.replaceAll('-', '_'), value])
}

/** The settings in a startup packet, as one SQL text: they hold as long as the connection does. */
function settingsOf(pairs) {
  const named = [...pairs].filter(([name]) => !NOT_SETTINGS.has(name) && !name.startsWith('_pq_.'))
  const all = [...named, ...parseOptions(pairs.get('options') ?? '')]
  return all.map(([name, value]) => `select set_config(${quote(name)}, ${quote(value)}, false)`).join('; ')
}

/** Give a prepared statement a name no other client's can have; portals die with the turn and need none. */
function rename(type, body, prefix) {
  if (!'PBDC'.includes(type)) return { body }
  const start = type === 'B' ? body.indexOf(0) + 1 : type === 'P' ? 0 : 1
  const end = body.indexOf(0, start)
  const ofPortal = 'DC'.includes(type) && body[0] !== 'S'.charCodeAt(0)
  if (ofPortal || end <= start) return { body, unnamed: !ofPortal }
  const name = prefix + body.toString('utf8', start, end)
  return { name, body: Buffer.concat([body.subarray(0, start), Buffer.from(name), body.subarray(end)]) }
}

export class Session {
  dead = false
  /** What this client was told of the server's settings; the front tells it of changes. */
  known = new Map()
  settings = ''
  /** Sent to the engine when the turn comes. */
  pending = []
  #inbox = new wire.Inbox()
  #expect = () => this.#startup()
  #declined = new Set()
  #copyLeft = 0
  #copied = []
  #held = 0
  #statements = new Set()
  #unnamed = null
  #problem = null

  constructor(socket, front, { id, password }) {
    this.socket = socket
    this.front = front
    this.id = id
    this.password = password
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#gone())
  }

  #receive(chunk) {
    if (this.dead) return
    this.#inbox.push(chunk)
    this.#work()
  }

  #work() {
    try {
      while (!this.dead && this.#inbox.length && this.#expect());
      this.#flushCopied()
    } catch (problem) {
      if (!(problem instanceof wire.ProtocolError)) throw problem
      this.refuse(problem.code, problem.message)
    }
  }

  /** Say why and hang up; do not wait for long until it is read. */
  refuse(code, text, hint) {
    this.#hangUp(wire.error('FATAL', code, text, hint))
  }

  #hangUp(words = '') {
    this.socket.end(words)
    setTimeout(() => this.socket.destroy(), FAREWELL_MS).unref()
    this.#gone()
  }

  /** A setting given at connect is wrong: say so when asked something. Before, a client would not read it. */
  refuseNext(code, text) {
    this.#problem = [code, text]
    if (this.pending.length) this.refuse(code, text)
  }

  // The start of a connection

  #startup() {
    if (this.#inbox.length < 8) return false
    const head = this.#inbox.peek(8)
    const length = head.readInt32BE(0)
    if (length < 8 || length > STARTUP_MAX) throw new wire.ProtocolError('this is not PostgreSQL: bad startup packet')
    if (this.#inbox.length < length) return false
    const code = head.readInt32BE(4)
    this.#started(code, this.#inbox.take(length).subarray(8))
    return true
  }

  #started(code, body) {
    if (ENCRYPTIONS.has(code) && !this.#declined.has(code)) this.#decline(code)
    else if (code === wire.CANCEL_REQUEST) this.#hangUp()
    else if (code >> 16 === wire.PROTOCOL_3) this.#begin(code & 0xffff, wire.strings(body))
    else throw new wire.ProtocolError(`unsupported frontend protocol ${code >> 16}.${code & 0xffff}`, '0A000')
  }

  /** Each is asked for once. */
  #decline(encryption) {
    this.#declined.add(encryption)
    this.socket.write('N')
  }

  #begin(minor, words) {
    const pairs = new Map()
    for (let at = 0; words[at]; at += 2) pairs.set(words[at], words[at + 1] ?? '')
    this.settings = settingsOf(pairs)
    const unknown = [...pairs.keys()].filter((name) => name.startsWith('_pq_.'))
    if (minor > 0 || unknown.length) this.socket.write(wire.negotiate(unknown))
    if (this.password === null) return this.#enter()
    this.socket.write(wire.authentication(3))
    this.#expect = () => this.#checkPassword()
  }

  #checkPassword() {
    const answer = this.#message(STARTUP_MAX)
    if (!answer) return false
    const given = wire.strings(answer.body)[0]
    if (answer.type !== 'p' || !timingSafeEqual(digest(given), digest(this.password))) {
      throw new wire.ProtocolError('password authentication failed for user "postgres"', '28P01')
    }
    this.#enter()
    return true
  }

  /** Greet at once, however long another client has the engine: connecting takes no turn, its settings do. */
  #enter() {
    this.socket.write(wire.authentication(0))
    this.tell(this.front.status)
    this.socket.write(Buffer.concat([wire.keyData(process.pid, this.id), wire.readyForQuery('I')]))
    this.#expect = () => this.#command()
    if (this.settings) this.front.request(this)
  }

  tell(status) {
    for (const [name, value] of status) {
      if (this.known.get(name) !== value) this.socket.write(wire.parameterStatus(name, value))
      this.known.set(name, value)
    }
  }

  // Messages

  #message(most = MESSAGE_MAX) {
    if (this.#inbox.length < HEADER) return null
    const head = this.#inbox.peek(HEADER)
    const length = head.readUInt32BE(1) + 1
    if (length < HEADER) throw new wire.ProtocolError('a message with an impossible length')
    if (length > most) throw new wire.ProtocolError(tooLarge(length, most), '54000')
    if (this.#inbox.length < length) return null
    return { type: String.fromCharCode(head[0]), body: this.#inbox.take(length).subarray(HEADER) }
  }

  #command() {
    if (this.#copyLeft) return this.#copyData()
    if (this.#inbox.length < HEADER) return false
    const head = this.#inbox.peek(HEADER)
    const type = String.fromCharCode(head[0])
    if (!FRONTEND.includes(type)) throw new wire.ProtocolError(`invalid frontend message type ${head[0]}`)
    if (type === 'd') return this.#startCopyData(head.readUInt32BE(1) - 4)
    const got = this.#message()
    if (!got) return false
    this.#flushCopied()
    if (type === 'X') this.#hangUp() // Whatever follows is nobody's.
    else this.#send(got.type, got.body)
    return true
  }

  #startCopyData(length) {
    if (length < 0) throw new wire.ProtocolError('a message with an impossible length')
    this.#inbox.take(HEADER)
    this.#copyLeft = length
    return true
  }

  /** The cuts between CopyData messages mean nothing: what has arrived goes on as one, whatever is still to come. */
  #copyData() {
    const part = this.#inbox.some(this.#copyLeft)
    this.#copyLeft -= part.length
    this.#copied.push(part)
    return true
  }

  #flushCopied() {
    if (!this.#copied.length) return
    this.#emit('d', wire.message('d', ...this.#copied))
    this.#copied = []
  }

  #send(type, raw) {
    const { name, body, unnamed } = rename(type, raw, `c${this.id}_`)
    if (type === 'P' && unnamed) this.#unnamed = body
    if (type === 'P' && name) this.#statements.add(name)
    if (type === 'C' && name) this.#statements.delete(name)
    this.#emit(type, wire.message(type, body))
  }

  #emit(type, bytes) {
    if (this.#problem) return this.refuse(...this.#problem)
    this.#hold(bytes.length + OVERHEAD)
    this.pending.push({ type, bytes })
    this.front.request(this)
  }

  /** Bytes on their way to the engine: beyond the bound, the client waits. */
  #hold(change) {
    this.#held += change
    if (this.#held > IN_HIGH) this.socket.pause()
    else this.socket.resume()
  }

  taken(count) {
    this.#hold(-count - OVERHEAD)
  }

  /** A client that parses the unnamed statement in one turn and binds it in a later one: what to parse again. */
  lostStatement() {
    const first = this.pending[0]?.type
    return this.#unnamed && (first === 'B' || first === 'D') ? wire.message('P', this.#unnamed) : null
  }

  // The end

  #gone() {
    if (this.dead) return
    this.dead = true
    this.pending = []
    const farewell = [...this.#statements].map((name) => ['C', wire.closeStatement(name)])
    if (this.front.holds(this)) {
      // Whatever it was in the middle of: a COPY, a batch without Sync, a transaction.
      farewell.unshift(['f', wire.copyFail('the client has gone')], ['S', wire.sync()], ['Q', wire.query('rollback')])
    }
    if (farewell.length) farewell.push(['S', wire.sync()])
    for (const [type, bytes] of farewell) this.pending.push({ type, bytes })
    this.front.leave(this)
  }
}

const tooLarge = (length, most) =>
  `a message of ${Math.round(length / 2 ** 20)} MB: the embedded engine takes at most ${most / 2 ** 20} MB in one;` +
  ' send it in smaller pieces, or set DATABASE_URL to a TimescaleDB server'
