#!/usr/bin/env bash
# polars 2.1.0: upsample drops every row that is not on the grid of the first one.
#
# Expected: upsampling adds rows. No row that was there can go.
# Seen: the grid starts at the first row, unrounded, and rows are joined to it by equal times.
# A coin listed at 00:07, whose later candles open on the hour, keeps its first candle alone.
# The rows between are null, so `fill_null` makes a flat, complete and wrong series of them.
# A single row off the grid goes the same way, and nothing is said. With `group_by`, it is each
# coin by itself.
# What to do: truncate the times first, or join to a pl.datetime_range of your own and compare
# how many rows were matched.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0
"$folder/venv/bin/python" - <<'PY'
from datetime import datetime

import polars as pl


def candles(*opens: str) -> pl.DataFrame:
    times = [datetime.fromisoformat(f"2024-01-01T{text}") for text in opens]
    return pl.DataFrame({"open_time": times, "close": [float(n) for n in range(1, len(opens) + 1)]})


def upsampled(frame: pl.DataFrame) -> list[tuple[str, float | None]]:
    rows = frame.upsample("open_time", every="1h").rows()
    return [(f"{open_time:%H:%M}", close) for open_time, close in rows]


whole = upsampled(candles("00:00", "01:00", "03:00"))
off = upsampled(candles("00:00", "01:07", "03:00"))
late = upsampled(candles("00:07", "01:00", "02:00", "04:00"))
print("polars", pl.__version__)
print("all on the hour:", whole)
print("the second is not:", off)
print("the first is not:", late)
assert whole == [("00:00", 1.0), ("01:00", 2.0), ("02:00", None), ("03:00", 3.0)]
assert off == [("00:00", 1.0), ("01:00", None), ("02:00", None), ("03:00", 3.0)]
assert late == [("00:07", 1.0), ("01:07", None), ("02:07", None), ("03:07", None)]

both = pl.concat(
    [
        candles("00:00", "02:00").with_columns(coin=pl.lit("A")),
        candles("00:07", "01:00", "02:00").with_columns(coin=pl.lit("B")),
    ]
)
kept = dict(
    both.upsample("open_time", every="1h", group_by="coin", maintain_order=True)
    .filter(pl.col("close").is_not_null())
    .group_by("coin")
    .len()
    .iter_rows()
)
print("closes left of A's two and B's three:", dict(sorted(kept.items())))
assert kept == {"A": 2, "B": 1}
PY
