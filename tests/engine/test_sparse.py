"""A venue that leaves out hours without a trade: what its holes cost, and what they are worth."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR, SCHEMA, Window
from chandlery.model.frame import AMOUNTS
from chandlery.settings import Settings
from chandlery.store import Gap
from chandlery.symbology.learn import learn
from chandlery.venues import load
from sandbox import Serving, serving

Open = Callable[..., AbstractContextManager[RunContext]]
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
PAGE_HOURS = 1_500
SOURCES = ("kucoin",)
STOP = datetime(2026, 11, 22, 10, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def candles(hours: Iterable[int], start: datetime) -> pl.DataFrame:
    """Candles at these hours after `start`, all alike."""
    times = [start + hour * HOUR for hour in sorted(hours)]
    prices = dict.fromkeys(("open", "high", "low", "close"), 2.0)
    amounts = dict.fromkeys(AMOUNTS) | {"volume": 10.0, "quote_volume": 20.0}
    return pl.DataFrame({"open_time": times} | prices | amounts, schema=SCHEMA)


def market(folder: Path, hours: int, without: Iterable[int]) -> Path:
    """Bitcoin, which trades in each of these hours, and a small coin, which does not."""
    small = sorted({*range(hours)} - {*without})
    entries = []
    for rank, (symbol, has) in enumerate({"btc": [*range(hours)], "sml": small}.items(), 1):
        name, id_ = f"{symbol.upper()}-USDT", {"btc": "bitcoin"}.get(symbol, symbol)
        path = folder / "kucoin" / name / "1h.parquet"
        path.parent.mkdir(parents=True)
        candles(has, STOP - hours * HOUR).write_parquet(path)
        entries.append(
            {"id": id_, "symbol": symbol, "name": id_, "rank": rank}
            | {"listings": [{"source": "kucoin", "symbol": name}]}
        )
    (folder / "coins.json").write_text(json.dumps(entries))
    return folder


@dataclass
class Venue:
    """KuCoin in the sandbox, and runs over so many hours of it at any moment."""

    settings: Settings
    venues: Serving
    open_tools: Open
    hours: int

    @property
    def window(self) -> Window:
        """All but the newest hour: candles on both sides."""
        return Window(STOP - self.hours * HOUR, STOP - HOUR)

    def backfill(self, now: datetime, *, patient: bool = True) -> tuple[int, int]:
        """How often a run asks the venue for the small coin, and for bitcoin."""
        self.venues.forget()
        spec = run_spec(
            known_sources=load(),
            sources=SOURCES,
            symbols=["SML"],
            start=self.window.start.isoformat(),
            end=self.window.end.isoformat(),
            now=now,
            patient=patient,
        )
        with self.open_tools(self.settings) as context:
            assert run(context, spec).failed == {}
        asked = [each["query"].get("symbol") for each in self.venues.requests()["requests"]]
        return asked.count("SML-USDT"), asked.count("BTC-USDT")

    def gaps(self, now: datetime) -> list[Gap]:
        with store.connect(self.settings) as connection:
            return store.gaps(connection, None, self.window, now)


Serve = Callable[[int, Iterable[int]], Venue]


@pytest.fixture
def serve(settings: Settings, tmp_path: Path, open_tools: Open) -> Iterator[Serve]:
    """Serve so many hours up to NOW, some of them without a trade of the small coin."""
    with ExitStack() as stack:

        def given(hours: int, without: Iterable[int]) -> Venue:
            folder = market(tmp_path / "market", hours, without)
            venues = stack.enter_context(serving(market=folder, now=NOW, limits=False))
            asked = settings.model_copy(update={"venues_url": venues.url, "priority": SOURCES})
            with open_tools(asked) as context:
                learn(context, NOW)
            return Venue(asked, venues, open_tools, hours)

        yield given


def test_a_thousand_holes_are_looked_at_twice_page_by_page_and_never_again(serve: Serve) -> None:
    hours = 10_000
    without = Random(7).sample(range(1, hours - 2), 1_000)  # noqa: S311  no secret
    venue, pages = serve(hours, without), -(-hours // PAGE_HOURS)
    at = [NOW, NOW + HOUR, NOW + DAY, NOW + DAY + WEEK, NOW + DAY + 5 * WEEK]
    once = (pages, pages)  # and bitcoin, to compare
    assert [venue.backfill(now) for now in at] == [once, (0, 0), (pages, 0), (0, 0), (0, 0)]


def test_hours_without_a_trade_say_so_and_that_nobody_asks_again(serve: Serve) -> None:
    venue = serve(200, [20, 50, 51, 120])
    venue.backfill(NOW)
    told = [(gap.window.hours, gap.reason, gap.asked_by) for gap in venue.gaps(NOW)]
    assert told == [(hours, "no trades", "fill-gaps") for hours in (1, 2, 1)]
    venue.backfill(NOW + DAY)
    gaps = venue.gaps(NOW + DAY)
    assert [(gap.reason, gap.attempts) for gap in gaps] == [("no trades", 2)] * 3
    assert {(gap.asked_by, gap.next_attempt) for gap in gaps} == {(None, None)}


def test_who_is_impatient_asks_again_for_what_is_settled_and_takes_what_comes(serve: Serve) -> None:
    venue = serve(200, [20])
    venue.venues.fault("halt", symbol="SML-USDT", start=hour(venue, 50), end=hour(venue, 60))
    for now in (NOW, NOW + DAY):
        venue.backfill(now)
    assert [gap.window.hours for gap in venue.gaps(NOW + DAY)] == [1, 10]
    venue.venues.clear()
    assert venue.backfill(NOW + 9 * DAY) == (0, 0)
    assert venue.backfill(NOW + 9 * DAY, patient=False) == (1, 0)
    assert [gap.window.hours for gap in venue.gaps(NOW + 9 * DAY)] == [1]


def test_a_page_that_is_short_once_settles_nothing(serve: Serve) -> None:
    venue = serve(200, [20])
    venue.venues.fault("halt", symbol="SML-USDT", start=hour(venue, 50), end=hour(venue, 60))
    venue.backfill(NOW)
    venue.venues.clear()
    assert venue.backfill(NOW + DAY) == (1, 0)
    assert [gap.window.hours for gap in venue.gaps(NOW + DAY)] == [1]


def test_hours_that_the_venue_has_of_no_coin_are_asked_for_again_each_week(serve: Serve) -> None:
    venue = serve(200, [])
    venue.venues.fault("outage", source="kucoin", start=hour(venue, 50), end=hour(venue, 60))
    at = [NOW, NOW + DAY, NOW + 2 * DAY, NOW + DAY + WEEK]
    assert [venue.backfill(now)[0] for now in at] == [1, 1, 0, 1]
    (gap,) = venue.gaps(at[-1])
    assert (gap.reason, gap.asked_by) == ("outage at the venue", "fill-gaps")


def hour(venue: Venue, number: int) -> str:
    return f"{venue.window.start + number * HOUR:%Y-%m-%dT%H:%MZ}"
