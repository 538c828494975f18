"""A database behind a wire, beside one that nobody disturbs: what came of a fault is compared."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.simulated_clock import SimulatedClock
from chandlery import embedded, store
from chandlery.engine.context import open_context
from chandlery.engine.result import RunResult
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import Window, instant
from chandlery.rate_limit.gate import REAL, Timepiece
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import load
from sandbox import Serving, serving
from tests.faults.wire import Wire

NOW = instant("2026-11-22T10:30Z")
COINS = 10  # that are listed, of twelve
HOURS = 7 * 24
TABLES = ("candle_1h", "candle_4h", "candle_1d")
LEFT = ("stale", "claim")


@dataclass
class Slept:
    """A sleep that takes no time, and what happens meanwhile."""

    seconds: float = 0.0
    meanwhile: Callable[[float], None] = lambda _: None
    lock: Any = field(default_factory=threading.Lock)

    def __call__(self, seconds: float) -> None:
        with self.lock:
            self.seconds += seconds
            self.meanwhile(self.seconds)

    @property
    def timepiece(self) -> Timepiece:
        return Timepiece(monotonic=lambda: REAL.monotonic() + self.seconds, sleep=self)


@dataclass
class Site:
    """Each test has a week of its own."""

    home: Path
    wire: Wire
    disturbed: Settings
    undisturbed: Settings
    venues: Serving
    weeks: Iterator[Window]

    @contextmanager
    def week(self) -> Iterator[Window]:
        """Hours to fetch; what was to happen has, and no page was asked for twice."""
        self.venues.forget()
        week = next(self.weeks)
        try:
            yield week
        finally:
            self.venues.clear()  # a fault that holds answers would keep who is under way
        assert self.wire.troubles == [], "it did not happen"
        pages = asked(self.venues)
        assert len(pages) == len(set(pages))
        collect(self.undisturbed, week)
        assert tables(self.disturbed, week) == tables(self.undisturbed, week)

    def collect(self, week: Window, slept: Slept | None = None, **given: Any) -> RunResult:
        """As `chandlery backfill` does, by way of the wire."""
        return collect(self.disturbed, week, slept, **given)


def collect(
    settings: Settings, week: Window, slept: Slept | None = None, **given: Any
) -> RunResult:
    with open_context(settings, timepiece=(slept or Slept()).timepiece) as context:
        ends = {"start": week.start.isoformat(), "end": week.end.isoformat()}
        wanted = {"now": NOW, "sources": ("binance_futures", "binance_spot"), **ends} | given
        return run(context, run_spec(known_sources=load(), **wanted))


def tables(settings: Settings, week: Window) -> dict[str, list[tuple[Any, ...]]]:
    query = "select * from {} where open_time >= %s and open_time < %s order by coin, open_time"
    with store.connect(settings) as connection:
        for name in LEFT:
            assert connection.execute(f"select * from {name}".encode()).fetchall() == []  # noqa: S608
        return {
            name: connection.execute(query.format(name).encode(), (week.start, week.end)).fetchall()
            for name in TABLES
        }


def asked(venues: Serving) -> list[tuple[str, str, str]]:
    """The pages of candles that were asked for."""
    return [
        (each["source"], each["query"]["symbol"], each["query"].get("endTime", ""))
        for each in venues.requests()["requests"]
        if "klines" in each["path"]
    ]


@contextmanager
def opened(template: Path, folder: Path) -> Iterator[Site]:
    homes = [folder / name for name in ("disturbed", "undisturbed")]
    for home in homes:
        shutil.copytree(template / "pgdata", home / "pgdata")
    wire = Wire(lambda: embedded.ensure(homes[0], idle=None))
    with serving(coins=12, seed=7, now=NOW, limits=False) as venues:
        given = {"DATABASE_URL": None, "CHANDLERY_VENUES_URL": venues.url}
        undisturbed = Settings(CHANDLERY_HOME=homes[1], **given)
        disturbed = undisturbed.model_copy(update={"home": homes[0], "database_url": wire.url})
        for each in (undisturbed, disturbed):
            with SimulatedClock().context(each) as context:
                learn(context, NOW)
        yield Site(homes[0], wire, disturbed, undisturbed, venues, _weeks())
    wire.shut()
    for home in homes:
        embedded.stop(home)


def _weeks() -> Iterator[Window]:
    end = datetime.combine(NOW, datetime.min.time(), NOW.tzinfo)
    while True:
        start = end - timedelta(hours=HOURS)
        yield Window(start, end)
        end = start
