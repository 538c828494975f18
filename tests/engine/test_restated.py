"""What a run replaces is kept, as replaced at the moment that the run was told."""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.engine.result import RunResult
from chandlery.engine.run import fill_gaps
from chandlery.engine.spec import FILL_HOURS, RECHECK_HOURS
from chandlery.model import instant
from chandlery.settings import Settings
from sandbox import serving
from sandbox.front import fronting, whole
from tests.engine.replay import Place, coin, hours, lay, listed

Collect = Callable[..., RunResult]
Open = Callable[..., AbstractContextManager[RunContext]]
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def test_an_indicative_candle_is_kept_when_a_traded_one_takes_its_place(
    collect: Collect, at_sandbox: Settings
) -> None:
    hour = datetime(2026, 11, 22, 7, tzinfo=UTC)
    collect(symbols=["BTC"], sources=("coingecko",), hours=24)
    with store.connect(at_sandbox) as connection:
        (coin,) = store.find(connection, ["BTC"])
        indicative = store.history(connection, coin, hour).current
        assert indicative is not None

        result = collect(symbols=["BTC"], sources=("coingecko", "binance_futures"), hours=24)
        past = store.history(connection, coin, hour)
        traces = connection.execute("select distinct replaced_at from restated").fetchall()
    assert result.rows["binance_futures"] == 24
    assert past.before == [indicative._replace(until=NOW)]
    assert past.current is not None
    assert (past.current.source, past.current.since) == ("binance_futures", NOW)
    assert traces == [(NOW,)]


def as_told_at_first(hour: datetime) -> Callable[[str, httpx.Response], Iterable[bytes]]:
    """Pages of Binance in which this hour closed at another price."""

    def spoil(_: str, answer: httpx.Response) -> Iterable[bytes]:
        rows = json.loads(answer.content)
        for row in rows:
            if row[0] == hour.timestamp() * 1000:
                row[4] = "2.99"
        return [whole(answer, json.dumps(rows).encode())]

    return spoil


def test_what_was_restated_is_had_though_a_cache_answers_for_the_day_before(
    settings: Settings, tmp_path: Path, open_tools: Open
) -> None:
    """02:00 has just closed when gaps are filled at 03:00, and is out of sight two days later."""
    hour, listing = instant("2026-02-20T02:00Z"), instant("2026-01-01T00:00Z")
    lay(tmp_path, "binance_spot", "XUSDT", hours(listing, instant("2026-03-01T00:00Z"), 3.0))
    coins = [coin("x", "x", 1, listed("binance_spot", "XUSDT", listing))]
    (tmp_path / "coins.json").write_text(json.dumps(coins))
    with serving(market=tmp_path, now=hour, limits=False) as venues, fronting(venues) as front:
        place = Place(settings, venues, front, open_tools, ["binance_spot", "coingecko"])
        place.learn(hour)
        closes = []
        for day in range(3):
            front.spoil = as_told_at_first(hour) if day < 2 else None
            place.backfill(
                "binance_spot",
                do=fill_gaps,
                now=hour + timedelta(days=day, hours=1, seconds=40),
                start=None,
                hours=FILL_HOURS,
                recheck_hours=RECHECK_HOURS,
            )
            with store.connect(place.settings) as connection:
                (x,) = store.find(connection, ["x"])
                current = store.history(connection, x, hour).current
            closes.append(current and current.close)
    assert closes == [2.99, 2.99, 3.0]
