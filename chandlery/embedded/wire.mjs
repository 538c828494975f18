// PostgreSQL's wire protocol, version 3: the framing, and the few messages this front writes itself.

export const SSL_REQUEST = 80877103
export const GSS_REQUEST = 80877104
export const CANCEL_REQUEST = 80877102
export const PROTOCOL_3 = 3

const UTF8 = new TextDecoder()
const cstring = (text) => Buffer.from(`${text}\0`)

/** A whole message: its type letter, its length, its fields. */
export function message(type, ...fields) {
  const body = Buffer.concat(fields)
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

export const int32 = (value) => {
  const field = Buffer.alloc(4)
  field.writeInt32BE(value)
  return field
}

export const query = (sql) => message('Q', cstring(sql))
/** A password, for the engine to ignore: what it answers includes each reported setting that has changed. */
export const password = () => message('p', cstring('unused'))
export const sync = () => message('S')
export const copyFail = (reason) => message('f', cstring(reason))
export const closeStatement = (name) => message('C', Buffer.from('S'), cstring(name))
export const authentication = (code) => message('R', int32(code))
export const readyForQuery = (status) => message('Z', Buffer.from(status))
export const keyData = (pid, secret) => message('K', int32(pid), int32(secret))
export const parameterStatus = (name, value) => message('S', cstring(name), cstring(value))
/** "I speak 3.0, and know none of these extensions": the answer to a client that asks for more. */
export const negotiate = (unknown) => message('v', int32(0), int32(unknown.length), ...unknown.map(cstring))

export function error(severity, code, text, hint) {
  const fields = { S: severity, V: severity, C: code, M: text, ...(hint && { H: hint }) }
  const parts = Object.entries(fields).map(([letter, value]) => Buffer.concat([Buffer.from(letter), cstring(value)]))
  return message('E', ...parts, Buffer.from([0]))
}

/** The zero-terminated strings of a message's body, up to an empty one. */
export function strings(body) {
  return UTF8.decode(body).split('\0')
}

/** The fields of an ErrorResponse, by letter. */
export function errorFields(body) {
  return Object.fromEntries(strings(body).filter(Boolean).map((field) => [field[0], field.slice(1)]))
}

/** Cuts what an engine answers into messages, however it is chunked; keeps only small ones' bodies (see `wanted`). */
export class Scanner {
  #head = Buffer.alloc(0)
  #skip = 0
  #held = null
  #last = ''

  constructor(wanted, seen) {
    this.wanted = wanted
    this.seen = seen
  }

  /** Gives the type of the wanted message that the chunk ends with, if it does. */
  push(chunk) {
    this.#last = ''
    let at = 0
    while (at < chunk.length) at = this.#skip ? this.#body(chunk, at) : this.#header(chunk, at)
    return this.#skip || this.#head.length ? '' : this.#last
  }

  #header(chunk, at) {
    // Most headers lie whole in the chunk; only the one cut by its end is pieced together.
    const need = 5 - this.#head.length
    const part = chunk.subarray(at, at + need)
    const head = this.#head.length ? Buffer.concat([this.#head, part]) : part
    if (head.length < 5) {
      this.#head = Buffer.from(head)
      return chunk.length
    }
    this.#head = Buffer.alloc(0)
    const type = String.fromCharCode(head[0])
    this.#skip = (head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4]) - 4
    this.#held = this.wanted.includes(type) ? { type, parts: [] } : null
    if (!this.#skip) this.#finish()
    return at + part.length
  }

  #body(chunk, at) {
    const part = chunk.subarray(at, at + this.#skip)
    if (this.#held) this.#held.parts.push(Buffer.from(part))
    this.#skip -= part.length
    if (!this.#skip) this.#finish()
    return at + part.length
  }

  #finish() {
    this.#last = this.#held?.type ?? ''
    if (this.#held) this.seen(this.#held.type, Buffer.concat(this.#held.parts))
    this.#held = null
  }
}

/** Bytes as they arrive, however cut, until a whole message is there. */
export class Inbox {
  #chunks = []
  length = 0

  push(chunk) {
    this.#chunks.push(chunk)
    this.length += chunk.length
  }

  /** The first `count` bytes, left in place. */
  peek(count) {
    if (this.#chunks[0].length < count) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0].subarray(0, count)
  }

  /** At most `count` bytes, as they lie: never copied, so perhaps fewer. */
  some(count) {
    const first = this.#chunks[0]
    const part = first.subarray(0, count)
    if (part.length === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(count)
    this.length -= part.length
    return part
  }

  /** Exactly `count` bytes. */
  take(count) {
    const parts = []
    for (let left = count; left > 0; left -= parts.at(-1).length) parts.push(this.some(left))
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }
}

export class ProtocolError extends Error {
  constructor(text, code = '08P01') {
    super(text)
    this.code = code
  }
}
