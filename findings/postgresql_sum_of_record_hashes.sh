#!/usr/bin/env bash
# PostgreSQL 17 (in PGlite 0.3.14, from npm): a sum of hash_record_extended over rows does not see swapped values.
#
# Expected: count(*) and the sum of the rows' 64-bit hashes tell two tables apart that hold different rows.
# Seen: two candles that have exchanged their closes have the same sum as before. A record's hash multiplies what it has
# by 31 and adds the next column's hash: as the sum is taken, each column counts by itself, and order within it does not.
# What to do: hash the record's hash once more (hashint8extended) before it is summed, or sum a digest of its text.
# Needs node and npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @electric-sql/pglite@0.3.14
cat > look.mjs <<'JS'
import assert from 'node:assert/strict'
import { PGlite } from '@electric-sql/pglite'

const db = await PGlite.create()
const { rows: [{ version }] } = await db.query('select version()')
console.log(version.split(' on ')[0])
await db.exec(`
  create table candle (open_time timestamptz, close float8, volume float8);
  insert into candle values ('2024-01-01 00:00Z', 2, 10), ('2024-01-01 01:00Z', 3, 10);
  create table swapped as select open_time, 5 - close as close, volume from candle`)
const sums = {
  'record': 'sum(hash_record_extended(row(it.*), 0)::numeric)',
  'record, hashed again': 'sum(hashint8extended(hash_record_extended(row(it.*), 0), 0)::numeric)',
  'text': 'sum(hashtextextended(it::text, 0)::numeric)',
}
const equal = {}
for (const [name, sum] of Object.entries(sums)) {
  const of = async (table) => (await db.query(`select ${sum}::text as sum from ${table} it`)).rows[0].sum
  const [before, after] = [await of('candle'), await of('swapped')]
  equal[name] = before === after
  console.log(`${name}: ${before} before, ${after} swapped, ${equal[name] ? 'the same' : 'another'}`)
}
assert.deepEqual(equal, { 'record': true, 'record, hashed again': false, 'text': false })
JS
node look.mjs
