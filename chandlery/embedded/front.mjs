// The one engine and its many clients.
//
// There is one PostgreSQL session behind all clients. A client holds it from its first message until the engine is idle
// again (ReadyForQuery 'I'), so a transaction is never cut; the others wait in the order they asked. When the engine
// passes to another client, session state is reset as a pooler does it, and the settings which that client gave when it
// connected (`options`, TimeZone, application_name, …) are set again. So: settings given at connect hold for the
// connection; whatever else a session sets, its temporary tables and its LISTENs may be gone after the transaction.
// Named prepared statements live as long as their connection: each client's names are made its own.

import { Worker } from 'node:worker_threads'
import { OUT, OUT_HIGH, OVERHEAD, TURN } from './limits.mjs'
import * as wire from './wire.mjs'

// DISCARD ALL, but for other clients' prepared statements, and fit for an implicit transaction. PGlite starts PostgreSQL
// with settings of its own on the command line, which is what `reset all` leads back to: tables would land in pg_catalog,
// sequential scans are priced out of every plan. So a server's defaults are set.
const RESET = wire.query(
  'close all; set session authorization default; reset all; set search_path = "$user", public;' +
    " set enable_seqscan = on; set allow_system_table_mods = off; set timezone = 'UTC'; unlisten *;" +
    ' select pg_advisory_unlock_all(); discard plans; discard temp; discard sequences',
)

const NO_REQUEST = 'dcfH' // a COPY's data, and Flush, which PostgreSQL does not answer
const READY = wire.readyForQuery('I')
const ENDS_A_REQUEST = 'QSFp'

export class Front {
  #shared = new SharedArrayBuffer(8)
  #signals = new Int32Array(this.#shared)
  #worker
  #port
  #patience
  #becameReady
  #holder = null
  #granted = false
  #closing = false
  #last = null
  #queue = []
  #status = new Map()
  #transaction = 'I'
  #progress = 0
  #sent = 0
  #taken = 0
  #serving = false
  #open = false
  #types = [] // of what the engine has not taken yet
  #type = '' // of the request it took last
  #flush = false // whether what it took last is a Flush
  #changed = false
  #full = false // the log, so far that a checkpoint is due
  #heldBack = false
  #ends = ''
  #error = null
  #internal = null
  #scanner = new wire.Scanner('SZEC', (type, body) => this.#saw(type, body))

  /** `failed(problem)` is called when the engine dies: nothing can be served any more. */
  constructor(folder, { edition, patience }, failed) {
    this.#patience = patience
    setInterval(() => this.#checkPatience(), Math.min(1000, patience)).unref()
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#worker = new Worker(new URL('./backend.mjs', import.meta.url), {
      workerData: { port: port2, shared: this.#shared, folder, edition },
      transferList: [port2],
    })
    this.ready = new Promise((resolve) => (this.#becameReady = resolve)).then(() => this.#reset())
    this.closed = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.on('error', failed)
    this.#port.on('message', (report) => this.#report(report))
  }

  // Turns

  holds(session) {
    return this.#holder === session
  }

  /** What a client is told when it connects; the settings it asked for follow at its first turn. */
  get status() {
    return this.#status
  }

  request(session) {
    if (this.#holder === session) return this.#proceed(session)
    if (!this.#queue.includes(session)) this.#queue.push(session)
    this.#nextTurn()
  }

  #proceed(session) {
    if (this.#granted) this.#sendPending(session)
  }

  /** A client has gone. What it left to do (a rollback, its statements) is done in its name. */
  leave(session) {
    this.#queue = this.#queue.filter((other) => other !== session || session.pending.length)
    if (this.#holder === session) this.#proceed(session)
    else if (session.pending.length) this.request(session)
  }

  #nextTurn() {
    if (this.#holder || this.#closing || this.#internal) return
    if (this.#full) return void this.#checkpoint()
    this.#holder = this.#queue.shift() ?? null
    if (this.#holder) this.#grant(this.#holder)
  }

  /** PostgreSQL leaves it to a process that is not here; without one the log grows for as long as the engine lives. */
  async #checkpoint() {
    this.#full = false
    this.#last = null // a client may have taken on another role, which may not do it
    const problem = (await this.#reset()) ?? (await this.#run(wire.query('checkpoint')))
    if (problem) process.stderr.write(`no checkpoint: ${problem.M}\n`)
    this.#nextTurn()
  }

  async #grant(session) {
    this.#granted = false
    const problem = this.#last === session || session.dead ? null : await this.#handOver(session)
    this.#last = session
    this.#granted = true
    if (problem) session.refuseNext(problem.C, problem.M)
    this.#sendPending(session)
    this.#perhapsRelease()
  }

  async #handOver(session) {
    const problem = await this.#reset(session.settings)
    const lost = session.lostStatement()
    if (lost) await this.#run(lost, wire.sync())
    session.tell(this.#status)
    return problem
  }

  async #reset(settings) {
    await this.#run(RESET)
    const problem = settings ? await this.#run(wire.query(settings)) : null
    await this.#run(wire.password())
    return problem
  }

  /** PostgreSQL tells a client of a changed setting before it is ready again; PGlite when asked: so "ready" has to wait. */
  async #tellOfSettings(session) {
    this.#changed = false
    this.#granted = false
    await this.#run(wire.password())
    session.tell(this.#status)
    this.#sayReady()
    this.#granted = true
    this.#sendPending(session)
    this.#perhapsRelease()
  }

  /** Something of the front's own; the answer goes to nobody. Resolves to the error's fields, or null. */
  #run(...messages) {
    return new Promise((resolve) => {
      this.#internal = resolve
      this.#error = null
      for (const bytes of messages) this.#send(String.fromCharCode(bytes[0]), bytes)
    })
  }

  #sendPending(session) {
    for (const { type, bytes } of session.pending.splice(0)) this.#send(type, bytes)
  }

  #send(type, bytes) {
    this.#progress = Date.now()
    this.#sent += 1
    this.#types.push(type)
    // Handed over in a buffer of its own: small ones lie in a pool of Node's, all of which would be copied with each.
    const input = new Uint8Array(bytes)
    this.#post({ input }, [input.buffer])
  }

  #post(order, handedOver = []) {
    this.#port.postMessage(order, handedOver)
    Atomics.add(this.#signals, TURN, 1)
    Atomics.notify(this.#signals, TURN)
  }

  /** A client that keeps the engine and does nothing, with others waiting, is sent away: in a transaction, mostly. */
  #checkPatience() {
    const engineWaits = this.#sent === this.#taken && !this.#serving && !this.#internal
    const clientIsSlow = engineWaits || Atomics.load(this.#signals, OUT) > OUT_HIGH
    if (!this.#holder || !this.#queue.length || !clientIsSlow) return
    if (Date.now() - this.#progress > this.#patience) {
      const text = `terminating connection: it kept the embedded engine idle for ${this.#patience / 1000} s`
      this.#holder.refuse('25P03', text, 'Others wait: keep transactions short, or set DATABASE_URL to a server.')
    }
  }

  // What the engine reports

  #report({ output, taken, wants, served, full, ready }) {
    this.#progress = Date.now()
    if (output) this.#output(Buffer.from(output.buffer))
    if (taken) this.#took(taken)
    if (wants) this.#serving = false
    if (full) this.#full = true
    if (served) this.#served()
    if (ready) {
      // What the engine's thread took before came from itself.
      this.#taken = 0
      this.#open = false
      this.#becameReady()
    }
  }

  #took(count) {
    this.#taken += 1
    this.#serving = true
    this.#opens(this.#types.shift())
    if (!this.#internal && this.#holder && !this.#holder.dead) this.#holder.taken(count)
  }

  /**
   * A request is over with the "ready" that the engine says after it took it: one that was said before belongs to an
   * earlier request. After an error in a batch the engine heeds nothing, and says nothing, until Sync.
   */
  #opens(type) {
    this.#flush = type === 'H'
    if (NO_REQUEST.includes(type)) return
    this.#open = true
    this.#type = type
  }

  #served() {
    this.#serving = false
    if (!this.#internal && !this.#idle()) this.#sayReady()
    this.#perhapsRelease()
  }

  #output(bytes) {
    this.#ends = this.#scanner.push(bytes)
    const client = this.#internal ? null : this.#holder
    const release = () => {
      this.#progress = Date.now()
      Atomics.sub(this.#signals, OUT, bytes.length + OVERHEAD)
      Atomics.notify(this.#signals, OUT)
    }
    if (!client || client.dead || client.socket.destroyed) return release()
    this.#sayReady()
    const ready = this.#changed && this.#ends === 'Z' && this.#transaction === 'I' && bytes.length >= READY.length
    client.socket.write(ready ? bytes.subarray(0, -READY.length) : bytes, release)
    this.#heldBack = ready
  }

  #sayReady() {
    if (this.#heldBack) this.#holder.socket.write(READY)
    this.#heldBack = false
  }

  #saw(type, body) {
    if (type === 'S') {
      const [name, value] = wire.strings(body)
      this.#status.set(name, value)
      if (!this.#internal) this.#holder?.known.set(name, value)
    } else if (type === 'E') {
      this.#error ??= wire.errorFields(body)
      if (this.#flush && !this.#open) this.#opens('P') // malformed: as any message of a batch, it is over with Sync
    } else if (type === 'C') {
      // A client's own RESET ALL or DISCARD ALL: the defaults above are set again at its next turn.
      if (/^(RESET|DISCARD)/.test(body)) this.#last = null
      if (/^(SET|RESET|DISCARD)/.test(body) && !this.#internal) this.#changed = true
    } else {
      this.#transaction = String.fromCharCode(body[0])
      if (ENDS_A_REQUEST.includes(this.#type)) this.#open = false
    }
  }

  #idle() {
    return this.#sent === this.#taken && !this.#serving && !this.#open && this.#transaction === 'I'
  }

  #perhapsRelease() {
    if (!this.#idle()) return
    if (this.#internal) {
      const resolve = this.#internal
      this.#internal = null
      resolve(this.#error)
    } else if (this.#granted && this.#holder && !this.#holder.pending.length) {
      if (this.#changed) return void this.#tellOfSettings(this.#holder)
      this.#holder = null
      this.#granted = false
      this.#nextTurn()
    }
  }

  // The end

  /** Let the statement in hand finish, close the engine with a checkpoint. */
  async close() {
    this.#closing = true
    this.#post({ close: true })
    await this.closed
  }
}
