// Writes down what a process asks the system to do to the files below RECORD_BELOW, into RECORD_INTO: each call as a line
// of JSON, and after a write its bytes. `NODE_OPTIONS=--import=…` has it at work in every thread before anything else.

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { resolve } from 'node:path'
import { isMainThread } from 'node:worker_threads'

const { RECORD_BELOW: below, RECORD_INTO: into } = process.env
const real = { ...fs }
const log = real.openSync(into, 'a', 0o600)
const open = new Map()
const isOurs = (path) => typeof path === 'string' && resolve(path).startsWith(below)

function note(call, bytes) {
  const head = Buffer.from(`${JSON.stringify({ ...call, bytes: bytes?.length ?? 0 })}\n`)
  real.writeSync(log, bytes ? Buffer.concat([head, bytes]) : head)
}

/** Wrap a call that names paths: it is noted once it was done. */
function onPaths(name, told) {
  fs[name] = (...given) => {
    const result = real[name](...given)
    if (isOurs(given[0])) note({ call: name, ...told(...given) })
    return result
  }
}

onPaths('renameSync', (path, to) => ({ path, to }))
onPaths('unlinkSync', (path) => ({ path }))
onPaths('rmdirSync', (path) => ({ path }))
onPaths('mkdirSync', (path) => ({ path }))
onPaths('truncateSync', (path, size) => ({ path, size }))
onPaths('writeFileSync', (path) => ({ path }))
fs.rmSync = (path, ...more) => {
  real.rmSync(path, ...more)
  if (isOurs(path)) note({ call: 'rmSync', path })
}

fs.openSync = (path, flags, ...more) => {
  const file = real.openSync(path, flags, ...more)
  if (isOurs(path)) {
    open.set(file, path)
    note({ call: 'openSync', path, file, folder: real.fstatSync(file).isDirectory(), empties: flags === 'w' || Boolean(flags & fs.constants.O_TRUNC) })
  }
  return file
}
fs.closeSync = (file) => {
  real.closeSync(file)
  if (open.delete(file)) note({ call: 'closeSync', file })
}
fs.writeSync = (file, buffer, offset, length, position) => {
  const count = real.writeSync(file, buffer, offset, length, position)
  if (open.has(file)) {
    if (typeof position !== 'number') throw new Error(`a write to ${open.get(file)} that says no position`)
    note({ call: 'writeSync', file, at: position }, Buffer.from(buffer.buffer.slice(buffer.byteOffset + offset, buffer.byteOffset + offset + count)))
  }
  return count
}
for (const name of ['fsyncSync', 'fdatasyncSync']) {
  fs[name] = (file) => {
    real[name](file)
    if (open.has(file)) note({ call: 'sync', file })
  }
}
syncBuiltinESMExports() // for who imports them by name
if (isMainThread) note({ call: 'start' })
