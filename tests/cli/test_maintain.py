"""`chandlery maintain`."""

import json
import subprocess
from datetime import UTC, datetime

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR, SCHEMA
from chandlery.settings import Settings
from tests.command_line import chandlery

T0 = datetime(2024, 1, 1, tzinfo=UTC)
AT = ("--now", "2024-07-19")


def maintain(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    place = {"CHANDLERY_HOME": str(settings.home), "DATABASE_URL": settings.database_url or ""}
    return chandlery("maintain", *words, environment=place)


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


LOST = {
    "a chunk dropped": "select drop_chunks('candle_1h', older_than => '2024-04-01Z'::timestamptz)",
    "a chunk truncated": "select format('truncate %s', tableoid::regclass) from candle_1h"
    " where open_time = '2024-05-01Z'",
    "an hour gone": "delete from candle_1h where open_time = '2024-05-01Z'",
}
QUIETLY = "set session_replication_role = replica"


@pytest.mark.parametrize("name", LOST)
def test_what_is_counted_and_gone_is_told_where_missing_hours_are(
    settings: Settings, name: str
) -> None:
    """Of all coins a whole chunk is, and of those named any hour; `maintain` finds all."""
    hold(settings)
    with store.connect(settings) as connection:
        connection.execute(QUIETLY)
        done = connection.execute(LOST[name].encode())
        if name == "a chunk truncated":
            connection.execute(str((done.fetchone() or ())[0]).encode())
    place = {"CHANDLERY_HOME": str(settings.home), "DATABASE_URL": settings.database_url or ""}
    whole = name != "an hour gone"
    for verb in ("gaps", "status"):
        told = chandlery(verb, "--symbols", "BTC", *AT, environment=place)
        assert (told.returncode, told.stderr.count("\n")) == (1, 1), told
        assert "what is missing cannot be told: `chandlery maintain` finds them" in told.stderr
        told = chandlery(verb, *AT, "--json", environment=place)
        assert (told.returncode, json.loads(told.stdout)["lost"] is not None) == (whole, whole)
    assert maintain(settings, *AT).returncode == 1
    for verb in ("gaps", "status"):
        told = chandlery(verb, "--symbols", "BTC", *AT, environment=place)
        assert (told.returncode, told.stderr) == (0, "")


def hold(settings: Settings) -> None:
    """Two hundred days of one coin."""
    prices = {name: 2.0 for name in SCHEMA.names() if name not in {"open_time", "trades"}}
    times = [T0 + hour * HOUR for hour in range(200 * 24)]
    candles = pl.DataFrame({"open_time": times, "trades": 1} | prices, schema=SCHEMA)
    coins = pl.DataFrame({"id": ["btc"], "ticker": ["BTC"], "name": ["Bitcoin"], "rank": [1]})
    with store.connect(settings) as connection:
        store.learn_coins(connection, coins, T0)
        store.write(connection, {1: candles}, store.source_key(connection, "spot"))
        store.refresh(connection)


def test_lost_hours_are_told_once_and_no_longer_counted(settings: Settings) -> None:
    hold(settings)
    with store.connect(settings) as connection:
        connection.execute(
            "select drop_chunks('candle_1h', older_than => '2024-07-01Z'::timestamptz)"
        )

    done = maintain(settings, *AT)
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert done.stderr == (
        "lost: 4,008 hours on 167 days, coins: 1, from 2024-01-01 to 2024-06-16: they were counted"
        " as stored, and are gone; `chandlery backfill --start 2024-01-01 --end 2024-06-16"
        " --symbols BTC` fetches them again\n"
    )
    with store.connect(settings) as connection:
        held = connection.execute("select sum(hours)::int, count(*) from candle_1d").fetchone()
    assert held == (33 * 24, 33)

    done = maintain(settings, *AT, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (told["lost_hours"], told["fetch_again"], told["removed_rows"]) == (0, None, {})
