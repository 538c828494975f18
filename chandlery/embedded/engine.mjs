// The engine's process: listeners, the idle exit, a clean stop. Started by launch.py, which holds the folder's
// lock open in this process: the kernel frees it however the process ends.

import { fstatSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync, closeSync, chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Front } from './front.mjs'
import { Session } from './session.mjs'

const { values: given } = parseArgs({
  options: {
    home: { type: 'string' },
    socket: { type: 'string' },
    'lock-fd': { type: 'string' },
    'ready-fd': { type: 'string' },
    tcp: { type: 'string' },
    idle: { type: 'string' },
    edition: { type: 'string' },
    patience: { type: 'string' },
  },
})

const STATE = join(given.home, 'engine.json')
const EVICTION_LOOK = 250
const sessions = new Set()
const servers = []
let idleTimer
let stopping = false
let reported = false
let count = 0

const log = (text) => process.stderr.write(`${new Date().toISOString()} ${text}\n`)

/** Report to whoever started this; it waits for one line. Once closed, the number may be some client's socket. */
function report(line) {
  if (reported) return
  reported = true
  try {
    writeSync(Number(given['ready-fd']), `${line}\n`)
    closeSync(Number(given['ready-fd']))
  } catch (problem) {
    if (problem.code !== 'EPIPE') throw problem
  }
}

/** Whether the lock we hold is the one in the folder. */
function isOurs() {
  try {
    return fstatSync(Number(given['lock-fd'] ?? NaN)).ino === statSync(join(given.home, 'engine.lock')).ino
  } catch {
    return false
  }
}

/** The lock is the launcher's to take. Run by hand, without it, two engines could open one folder. */
function checkLock() {
  if (isOurs()) return
  log('not started by chandlery, which holds the lock of the folder: run `chandlery db start`')
  process.exit(2)
}

/** Who takes the folder away takes the lock along: a last checkpoint would go into whatever stands in its place now. */
function dieIfEvicted() {
  if (isOurs()) return
  log('the folder was taken away: nothing is written any more')
  die()
}

function accept(socket, password) {
  if (stopping) return socket.destroy()
  clearTimeout(idleTimer)
  count += 1
  const session = new Session(socket, front, { id: count, password })
  sessions.add(session)
  socket.on('close', () => {
    sessions.delete(session)
    if (!sessions.size) waitIdle()
  })
}

/** `first`: whoever started the engine is about to look whether it answers. */
function waitIdle(first = 0) {
  if (given.idle === undefined || stopping) return
  idleTimer = setTimeout(() => stop('nobody connected'), Math.max(first, Number(given.idle)) * 1000)
}

function listen(where, password) {
  const server = createServer({ noDelay: true }, (socket) => accept(socket, password))
  servers.push(server)
  return new Promise((resolve, reject) => server.once('error', reject).listen(where, resolve))
}

async function open() {
  rmSync(given.socket, { force: true })
  await listen({ path: given.socket }, null)
  chmodSync(given.socket, 0o600)
  if (given.tcp) {
    const password = readFileSync(join(given.home, 'pgpass'), 'utf8').trim().split(':').at(-1)
    await listen({ host: '127.0.0.1', port: Number(given.tcp) }, password)
  }
}

/** Written when the engine answers, gone when it stops; a stale one is found out by its socket. */
function publish() {
  const state = { pid: process.pid, socket: given.socket, tcp: given.tcp ? Number(given.tcp) : null, edition: given.edition }
  writeFileSync(`${STATE}.new`, JSON.stringify(state), { mode: 0o600 })
  renameSync(`${STATE}.new`, STATE)
}

async function stop(why) {
  if (stopping) return
  dieIfEvicted()
  stopping = true
  log(`stopping: ${why}`)
  for (const server of servers) server.close()
  rmSync(STATE, { force: true })
  for (const session of sessions) session.refuse('57P01', 'terminating connection: the embedded engine is stopping')
  await front.close()
  log('stopped')
  die()
}

/** All is closed and written. Node's own exit can wait for ever for its compiler threads (seen with 24.19, after a COPY). */
const die = () => process.kill(process.pid, 'SIGKILL')

function fail(problem) {
  log(`the engine failed: ${problem?.stack ?? problem}`)
  report(`${String(problem?.message ?? problem).split('\n')[0]}`)
  die()
}

process.umask(0o077)
checkLock()
process.on('uncaughtException', fail)
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop(signal))
process.on('SIGHUP', () => {})
setInterval(dieIfEvicted, EVICTION_LOOK).unref()
const front = new Front(join(given.home, 'pgdata'), { edition: given.edition, patience: given.patience * 1000 }, fail)
await front.ready
await open()
publish()
waitIdle(10)
log(`ready on ${given.socket}${given.tcp ? ` and 127.0.0.1:${given.tcp}` : ''}`)
report('ready')
