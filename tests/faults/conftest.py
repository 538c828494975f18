"""What the venues' and the people's rows share: a sandbox and a database, emptied before each.

How rows are told and gathered: tests/fault_table.py.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import httpx
import pytest

from bench.simulated_clock import SimulatedClock
from chandlery import embedded, store
from chandlery.engine.batch import collect_batch
from chandlery.engine.context import RunContext
from chandlery.engine.result import RunResult
from chandlery.engine.run import Run, run
from chandlery.engine.spec import run_spec
from chandlery.model import Window
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import load
from chandlery.venues.transport import ATTEMPTS
from sandbox import Serving, serving
from sandbox.front import Front, fronting

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
DAY = Window(datetime(2026, 10, 3, tzinfo=UTC), datetime(2026, 10, 4, tzinfo=UTC))
SOURCES = ("binance_futures", "binance_spot", "okx", "bybit", "coingecko", "cryptocompare")
WELL = "okx"
FAILED = {"fetch failed": DAY.hours}
NOTICED = 16  # MB
EMPTY = (
    "truncate candle_1h, restated, absence, outage, health, finding, claim, account",
    "update listing set starts_at = null",
)
Candle = tuple[Any, ...]
Plant = Callable[["Place", tuple[str, ...]], None]


@dataclass(frozen=True)
class Seen:
    """What came of a fault: each source's words, how often each was asked, what that took."""

    words: dict[str, str]
    asked: Counter[str]
    peak: int  # MB on top of what there was before

    def __str__(self) -> str:
        first = next(iter(self.words))
        each = max(self.asked.values(), default=0)
        memory = f"; {self.peak} MB more in memory" if self.peak > NOTICED else ""
        return (
            f"{len(self.words)} sources, each asked {each} times at most; “{self.words[first]}”;"
            f" 0 candles, {FAILED}; then {WELL} had 24, then the first had 24{memory}"
        )


@dataclass
class Place:
    """An engine with a database of its own, before venues that may be spoilt."""

    DAY: ClassVar = DAY
    SOURCES: ClassVar = SOURCES
    FAILED: ClassVar = FAILED

    settings: Settings
    venues: Serving
    front: Front
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    hasty: dict[str, float] = field(default_factory=dict)  # seconds to wait for a read, by source
    truth: dict[str, dict[datetime, Candle]] = field(default_factory=dict)  # by source

    @contextmanager
    def context(self) -> Iterator[RunContext]:
        """A run's tools, with a clock that whoever sleeps moves on: for all runs of a row."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("CRYPTOCOMPARE_API_KEY", "planted-cryptocompare")
            with self.clock.context(self.settings) as context:
                context.client.event_hooks = {"request": [self.hasten]}
                yield context

    def hasten(self, request: httpx.Request) -> None:
        """Wait less for a source that will say nothing; the others' time is not cut."""
        if seconds := self.hasty.get(request.extensions["venue"].name):
            request.extensions["timeout"] |= {"read": seconds}

    def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        self.clock.sleep(seconds)

    def collect(self, *sources: str, coin: str = "BTC", do: Run = run, **given: Any) -> RunResult:
        """Run the engine for a coin's day, or for what is given."""
        day = {"start": f"{DAY.start:%FT%RZ}", "end": f"{DAY.end:%FT%RZ}"}
        wanted = {"now": NOW, "symbols": [coin], "sources": sources, **day} | given
        with self.context() as context:
            return do(
                context, run_spec(known_sources=load(), **wanted), lambda _: None, collect_batch
            )

    def stored(self, coin: str = "BTC", window: Window = DAY) -> dict[datetime, Candle]:
        """What is stored of a coin, hour by hour."""
        with store.connect(self.settings) as connection:
            frame = store.read(connection, store.find(connection, [coin]), window=window)
        columns = ("timestamp", "open_price", "high_price", "low_price", "close_price", "volume")
        return {row[0]: row for row in frame.select(columns).iter_rows()}

    def reasons(self, coin: str = "BTC", window: Window = DAY) -> dict[str, int]:
        """The hours that a coin lacks, by reason."""
        with store.connect(self.settings) as connection:
            (key,) = (each.key for each in store.find(connection, [coin]))
            found = store.gaps(connection, [key], window, NOW)
        hours = Counter[str]()
        for gap in found:
            hours[gap.reason] += gap.window.hours
        return dict(hours)

    def words(self) -> dict[str, str]:
        """The last words of each source that failed."""
        with store.connect(self.settings) as connection:
            return {each.source: each.words for each in store.health(connection) if each.words}

    def meets(
        self,
        plant: Plant,
        sources: tuple[str, ...] = SOURCES,
        *,
        most: int = ATTEMPTS,
        wait: float = 0.0,
    ) -> Seen:
        """Plant a fault and see what must come of any: with all ill, with one well, with none.

        All is told in a line and nothing stored; the well one fills in; the first has all again.
        `most` is how often a source may be asked, `wait` the seconds after which it is over.
        """
        plant(self, sources)
        self.peak()
        before = self.peak()
        ill = self.collect(*sources)
        seen = Seen(self.words(), Counter(map(_source, self.front.asked)), self.peak() - before)
        assert (ill.records, self.stored(), self.reasons()) == (0, {}, FAILED)
        assert [*ill.failed.values()] == [seen.words[sources[0]]]
        assert set(seen.words) >= set(sources)
        assert all(each.isprintable() and len(each) < 300 for each in seen.words.values())
        assert max(seen.asked.values(), default=0) <= most

        self.mend()
        self.pass_by(wait)
        plant(self, tuple(name for name in sources if name != WELL))
        beside = self.collect(*dict.fromkeys([*sources, WELL]), coin="ETH")
        assert (beside.failed, beside.rows) == ({}, {WELL: DAY.hours})

        self.mend()
        self.pass_by(wait)
        after = self.collect(*sources)
        assert (after.failed, after.rows) == ({}, {sources[0]: DAY.hours})
        assert self.stored() == self.truth[sources[0]]
        return seen

    @staticmethod
    def peak() -> int:
        """The most that this process had in memory since this was last asked, in MB."""
        status = Path("/proc/self/status").read_text("ascii")
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) >> 10

    def mend(self) -> None:
        """Switch off every fault."""
        self.front.everything = False
        self.venues.clear()
        self.front.spoil = None
        self.front.over.set()
        self.front.over = Event()
        self.front.asked.clear()
        self.clock.pace, self.hasty = 1.0, {}

    def empty(self) -> None:
        """As if nothing had ever been asked; the coins stay known."""
        self.mend()
        with store.connect(self.settings) as connection:
            for statement in EMPTY:
                connection.execute(statement.encode())


def _source(path: str) -> str:
    return path.split("/")[1]


@pytest.fixture(scope="session")
def opened(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where twelve coins are known to every venue, and what each has of a day."""
    home = tmp_path_factory.mktemp("faults")
    shutil.copytree(template / "pgdata", home / "pgdata")
    with (
        serving(coins=12, seed=7, now=NOW, limits=False) as venues,
        fronting(venues) as front,
    ):
        current = Settings(
            DATABASE_URL=None,
            CHANDLERY_HOME=home,
            CHANDLERY_VENUES_URL=front.url,
            CHANDLERY_SOURCES=",".join(SOURCES),
        )
        place = Place(current, venues, front)
        with place.context() as context:
            assert learn(context, NOW).failures == {}
        for source in SOURCES:
            place.empty()
            assert place.collect(source).rows == {source: DAY.hours}
            place.truth[source] = place.stored()
        yield place
        embedded.stop(home)


@pytest.fixture
def place(opened: Place) -> Iterator[Place]:
    """The place, with nothing stored and nothing spoilt."""
    opened.empty()
    yield opened
    opened.mend()
