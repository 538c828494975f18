"""`chandlery maintain` as a process."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import polars as pl

import store
from candles import HOUR, SCHEMA
from candles.settings import Settings

T0 = datetime(2024, 1, 1, tzinfo=UTC)


def maintain(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    place = {"CHANDLERY_HOME": str(settings.home), "DATABASE_URL": settings.database_url or ""}
    return subprocess.run(
        [sys.executable, "-m", "chandlery", "maintain", *words],
        env={**os.environ, **place},
        capture_output=True,
        text=True,
        check=False,
    )


def test_old_candles_are_compressed_and_stale_ones_refreshed(settings: Settings) -> None:
    prices = {name: 2.0 for name in SCHEMA.names() if name not in {"open_time", "trades"}}
    times = [T0 + hour * HOUR for hour in range(240)]
    candles = pl.DataFrame({"open_time": times, "trades": 1} | prices, schema=SCHEMA)
    with store.connect(settings) as connection:
        store.write(connection, {1: candles}, 0)

    done = maintain(settings, "--now", "2024-06-01", "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    told = json.loads(done.stdout)
    assert (told["chunks_compressed"], told["refreshed_days"]) == (0, 10)
    assert told["total_records"] == 240

    done = maintain(settings, "--now", "2025-01-01")
    assert done.stdout.startswith("1 chunks compressed; 240 candles, ")
    assert done.stdout.endswith(" after; 0 days refreshed\n")
    for word in ("0", "many"):
        done = maintain(settings, "--after-days", word)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
