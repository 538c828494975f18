#!/usr/bin/env bash
# duckdb 2.0.0: time_bucket puts a trade of the last half microsecond into the next hour.
#
# Expected: time_bucket and date_trunc round down. A trade before midnight is in the hour before.
# Seen: neither knows TIMESTAMP_NS. Both cast it to microseconds first, and that cast rounds up.
# The trade then opens the next hour, day and year: its bucket starts after it happened.
# epoch_ms does so to plain timestamps: 23:59:59.9996 is the next day's first millisecond.
# polars and pyarrow, given the same column, round down.
# What to do: bucket the integer, as in make_timestamp_ns(epoch_ns(t) // n * n).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    duckdb==2.0.0 polars==2.1.0 pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PY'
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

HOUR = 3_600_000_000_000
LAST = 1_704_067_200_000_000_000 - 400  # 400 ns before 2024
trades = pa.table({"t": pa.array([LAST - 200, LAST], pa.timestamp("ns")), "size": [1.0, 5.0]})


def column(expression: str) -> list[str]:
    rows = duckdb.sql(f"select ({expression})::varchar from trades order by t").fetchall()
    return [text for (text,) in rows]


seen = {
    "t": column("t"),
    "duckdb, time_bucket": column("time_bucket(interval '1 hour', t)"),
    "duckdb, date_trunc": column("date_trunc('hour', t)"),
    "duckdb, ::date": column("t::date"),
    "duckdb, of the integer": column(f"make_timestamp_ns(epoch_ns(t) // {HOUR} * {HOUR})"),
    "polars, truncate": [
        str(t) for t in pl.from_arrow(trades)["t"].dt.truncate("1h").to_list()
    ],
    "pyarrow, floor_temporal": [
        str(t) for t in pc.floor_temporal(trades["t"], unit="hour").cast("timestamp[s]").to_pylist()
    ],
}
[(millisecond,)] = duckdb.sql(
    "select make_timestamp_ms(epoch_ms(timestamp '2023-12-31 23:59:59.9996'))::varchar"
).fetchall()
print("duckdb", duckdb.__version__)
for name, values in seen.items():
    print(f"{name}: {values}")
print("duckdb, epoch_ms of 23:59:59.9996:", millisecond)

before, after = "2023-12-31 23:00:00", "2024-01-01 00:00:00"
assert seen["duckdb, time_bucket"] == [before, after]
assert seen["duckdb, date_trunc"] == [before, after]
assert seen["duckdb, ::date"] == ["2023-12-31", "2024-01-01"]
assert seen["duckdb, of the integer"] == [before, before]
assert seen["polars, truncate"] == [before, before]
assert seen["pyarrow, floor_temporal"] == [before, before]
assert millisecond == after
PY
