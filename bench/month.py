"""A month of operation at venues as rude as the world: is all stored at its end, and all right.

Made-up venues play oddities at random from a seed (`python -m sandbox --odd`), and write down what
they did. Hourly runs, nightly fill-gaps and syncs, six-hourly quality and maintain come at their
real minutes and at odd seconds; some runs are killed. Then come two clean days. At the end every
hour is held against the truth that the venues tell: is it there, is it right, is it of that coin,
and where there is none, is the reason the one that was played.

The sandbox's limits are off, and whoever waits moves a clock.
"""

import argparse
import logging
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, NamedTuple

from bench import measure
from bench.simulated_clock import SimulatedClock
from chandlery import store
from chandlery.engine.maintenance import maintain
from chandlery.engine.run import fill_gaps, run
from chandlery.engine.spec import FILL_HOURS, RECHECK_HOURS, run_spec
from chandlery.model import HOUR, Window, whole_hour
from chandlery.quality.check import check
from chandlery.settings import Settings
from chandlery.symbology.learn import learn, learn_if_due
from chandlery.venues import load
from sandbox import Serving, serving

BEGIN = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CLEAN = 2 * DAY
BEFORE = timedelta(days=60)  # what is backfilled first, longer than a page
ARCHIVED = timedelta(days=40)  # before that, which is backfilled from files later on
SOURCES = ("binance_futures", "binance_spot", "coingecko", "okx", "bybit")
TRADED = ("binance_futures", "binance_spot", "okx", "bybit")
KILLED = 0.03  # of the hourly runs
DAILY = {1: (30, "sync-coins"), 3: (0, "fill-gaps"), 4: (30, "maintain")}
"""By hour: the minute, and what is due then, once a day."""
LONGEST_LIFE = 6.0  # seconds until a run is killed
REASONS: Mapping[str, frozenset[str]] = {
    "delisted": frozenset({"delisted"}),
    "break": frozenset({"no trades", "delisted"}),
    "relisted": frozenset({"no trades", "delisted"}),
}
"""What may be said of the hours that a kind took for good."""
TABLES = (
    "candle_1h", "restated", "absence", "outage", "finding", "quality", "listing", "coin",
    "coin_rank", "unconfirmed", "claim", "account", "stale",
)  # fmt: skip

Row = tuple[float | None, ...]


class Step(NamedTuple):
    """What is due, and when."""

    at: datetime
    what: str


@dataclass
class Month:
    """What was done, what befell, and what was left wrong."""

    runs: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    took: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # seconds
    unsuccessful: Counter[str] = field(default_factory=Counter)  # runs of which a coin failed
    tracebacks: list[str] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)
    touched: Counter[str] = field(default_factory=Counter)  # answers, by kind
    hours: int = 0  # that a venue had
    stored: int = 0
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # hours of another coin
    reasons: Counter[str] = field(default_factory=Counter)  # of hours that nobody has
    untrue: list[str] = field(default_factory=list)  # reasons that are not what was played
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    seconds: float = 0.0


def timetable(days: int, chance: random.Random, every: int = 1) -> Iterator[Step]:
    """Every step of so many days, at its minute and an odd second; hourly each so many hours."""
    steps = []
    for hour in range(24 * days):
        at = BEGIN + hour * HOUR
        due = [(5, "hourly")] if hour % every == 0 else []
        due += [DAILY[at.hour]] if at.hour in DAILY else []
        due += [(0, "quality")] if at.hour % 6 == 0 else []
        for minute, what in due:
            second = chance.randrange(60)
            steps.append(Step(at + timedelta(minutes=minute, seconds=second), what))
    yield from sorted(steps)


class Heard(logging.Handler):
    """Keeps what is logged with a traceback."""

    def __init__(self, month: Month) -> None:
        super().__init__(logging.ERROR)
        self.month = month

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if record.exc_info is not None:
            self.month.tracebacks.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


@dataclass
class Operation:
    """A database before rude venues, and the clock by which its runs come."""

    settings: Settings
    sandbox: Serving
    chance: random.Random
    month: Month = field(default_factory=Month)
    clock: SimulatedClock = field(default_factory=SimulatedClock)

    def collect(self, now: datetime, do: Callable[..., Any] = run, **given: Any) -> None:  # noqa: ANN401  a run's choices
        """Run the engine as a verb does."""
        with self.clock.context(self.settings) as context:
            asked = run_spec(now=now, known_sources=load(), sources=SOURCES, **given)
            learn_if_due(context, asked)
            if do(context, asked).failed:
                self.month.unsuccessful[do.__name__] += 1

    def sync(self, now: datetime) -> None:
        """Learn all coins and listings."""
        with self.clock.context(self.settings) as context:
            if learn(context, now).failures:
                self.month.unsuccessful["sync-coins"] += 1

    def do(self, step: Step) -> None:
        """Do a step. A run that raises is what must not be: it is kept, and the month goes on."""
        self.sandbox.at(step.at)
        self.month.runs[step.what] += 1
        began = perf_counter()
        try:
            VERBS[step.what](self, step.at)
        except Exception as error:  # noqa: BLE001  counted, told, and never expected
            self.month.tracebacks.append(f"{step.at:%d. %H:%M} {step.what}: {error!r}")
        self.month.took[step.what] += perf_counter() - began

    def killed(self, step: Step) -> None:
        """Begin a run as a process, and kill it at a random instant of its life."""
        self.sandbox.at(step.at)
        self.month.killed[step.what] += 1
        environment = {
            **os.environ,
            "CHANDLERY_HOME": str(self.settings.home),
            "DATABASE_URL": self.settings.database_url or "",
            "CHANDLERY_VENUES_URL": self.sandbox.url,
            "CHANDLERY_SOURCES": ",".join(SOURCES),
        }
        command = [sys.executable, "-m", "chandlery", step.what, f"--now={step.at:%FT%TZ}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env=environment, cwd=measure.ROOT, **quiet) as running:  # type: ignore[call-overload]  # noqa: S603
            with suppress(subprocess.TimeoutExpired):
                running.wait(self.chance.uniform(0.5, LONGEST_LIFE))
            running.kill()
            said = running.stderr.read().decode(errors="replace")
        if "Traceback" in said:
            self.month.tracebacks.append(f"{step.at:%d. %H:%M} {step.what}: {said[-300:]}")


VERBS: Mapping[str, Callable[[Operation, datetime], object]] = {
    "hourly": lambda it, now: it.collect(now, hours=24),
    "fill-gaps": lambda it, now: it.collect(
        now, fill_gaps, hours=FILL_HOURS, recheck_hours=RECHECK_HOURS
    ),
    "sync-coins": Operation.sync,
    "quality": lambda it, now: check(it.settings, now),
    "maintain": lambda it, now: maintain(it.settings, now),
}


def month(operation: Operation, days: int, before: timedelta = BEFORE, every: int = 1) -> Month:
    """Backfill, operate for so many days of which the last are clean; then look."""
    began, steps = perf_counter(), list(timetable(days, operation.chance, every))
    done, last = operation.month, BEGIN
    operation.sandbox.at(BEGIN)
    operation.sync(BEGIN)
    operation.collect(BEGIN, start=f"{BEGIN - before:%FT%RZ}")
    first = sizes(operation.settings)
    archive = steps[len(steps) // 2]
    for step in steps:
        operation.clock.ahead += (step.at - last).total_seconds()
        last = step.at
        if step.what == "hourly" and operation.chance.random() < KILLED:
            operation.killed(step)
        else:
            operation.do(step)
        if step is archive:
            start = BEGIN - before - ARCHIVED
            operation.collect(step.at, start=f"{start:%FT%RZ}", archive=True)
    # What failed in a backfill beyond the 30 days of fill-gaps, the same command asks for again.
    operation.collect(last, start=f"{BEGIN - before:%FT%RZ}")
    operation.collect(last, start=f"{BEGIN - before - ARCHIVED:%FT%RZ}", archive=True)
    after = sizes(operation.settings)
    done.sizes = {name: (first[name], after[name]) for name in TABLES}
    look(operation, Window(BEGIN - before - ARCHIVED, whole_hour(last)), last)
    done.seconds = perf_counter() - began
    return done


def sizes(settings: Settings) -> dict[str, int]:
    """Rows of every table that grows."""
    with store.connect(settings) as connection:
        counted = {}
        for name in TABLES:
            row = connection.execute(f"select count(*) from {name}".encode()).fetchone()  # noqa: S608
            counted[name] = int(row[0]) if row else 0
    return counted


Truth = Mapping[str, Mapping[str, Mapping[datetime, Row]]]
"""By coin id, by source: the hours that it has there, in plain coins."""


def truth(sandbox: Serving, window: Window) -> Truth:
    """What the venues truly have of each coin; of two symbols at one, the first's hour counts."""
    found: dict[str, dict[str, dict[datetime, Row]]] = defaultdict(lambda: defaultdict(dict))
    listings = sandbox.truth()
    ranked = {each["coin"] for each in listings if each["source"] == "coingecko"}
    for listing in listings:
        source, coin = listing["source"], listing["coin"]
        # What a symbol was before it was used again is nobody's whom CoinGecko knows.
        if source not in TRADED or coin not in ranked or not _in_dollars(listing["symbol"]):
            continue
        rows = sandbox.truth(source, listing["symbol"], window.start, window.end)
        held = found[coin][source]
        for at, *values in rows:
            opened = datetime.fromtimestamp(at / 1000, UTC)
            held.setdefault(opened, _plain(values, listing["multiple"]))
    return found


def _in_dollars(symbol: str) -> bool:
    return symbol.endswith("USDT")


def _plain(values: Sequence[float], multiple: int) -> Row:
    """Prices of one coin and its volume, as they are stored."""
    *prices, volume, quote, trades = values
    return (*(price / multiple for price in prices), volume * multiple, quote, trades)


def look(operation: Operation, window: Window, now: datetime) -> None:
    """Hold what is stored against the truth."""
    done, real = operation.month, truth(operation.sandbox, window)
    events = operation.sandbox.odd()
    done.injected = Counter(each["kind"] for each in events)
    for each in events:
        done.touched[each["kind"]] += each["requests"]
    with store.connect(operation.settings) as connection:
        held = stored(connection, window)
        gaps = store.gaps(connection, None, window, now)
    done.stored = sum(map(len, held.values()))
    for coin, sources in real.items():
        _compare(done, coin, sources, held.get(coin, {}))
    for gap in gaps:
        _explain(done, gap, real.get(gap.coin_id, {}), events)


def stored(
    connection: store.Connection, window: Window
) -> dict[str, dict[datetime, tuple[str, Row]]]:
    """By coin id: each hour's source and values."""
    rows = connection.execute(
        "select coin.id, open_time, source.name, open, high, low, close, volume, quote_volume,"
        " trades from candle_1h join coin on coin.key = candle_1h.coin"
        " join source on source.key = candle_1h.source where open_time >= %s and open_time < %s",
        (window.start, window.end),
    )
    held: dict[str, dict[datetime, tuple[str, Row]]] = defaultdict(dict)
    for coin, opened, source, *values in rows:
        held[coin][opened.astimezone(UTC)] = source.removesuffix("_archive"), tuple(values)
    return held


def _compare(
    done: Month,
    coin: str,
    sources: Mapping[str, Mapping[datetime, Row]],
    held: Mapping[datetime, tuple[str, Row]],
) -> None:
    """Count what of a coin is missing, wrong, or another coin's."""
    there = set().union(*sources.values())
    done.hours += len(there)
    done.missing += [f"{coin} {at:%Y-%m-%d %H:%M}" for at in sorted(there - held.keys())]
    for at, (source, values) in held.items():
        if source not in TRADED:
            if at in there:
                done.wrong.append(f"{coin} {at:%Y-%m-%d %H:%M} is {source}'s, and was traded")
            continue
        real = sources.get(source, {}).get(at)
        if real is None:
            done.others.append(f"{coin} {at:%Y-%m-%d %H:%M} {source}: no such hour")
        elif not _same(values, real, source):
            done.wrong.append(f"{coin} {at:%Y-%m-%d %H:%M} {source}: {values}, not {real}")


def _same(values: Row, real: Row, source: str) -> bool:
    """Whether a candle is the venue's; some tell no trades."""
    told = len(values) if source.startswith("binance") else len(values) - 1
    return values[:told] == real[:told]


def _explain(
    done: Month,
    gap: store.Gap,
    real: Mapping[str, Mapping[datetime, Row]],
    events: Sequence[Mapping[str, Any]],
) -> None:
    """Hold a gap's reason against what was played; a coin that nobody trades has its own."""
    done.reasons[gap.reason] += gap.window.hours
    if not real:
        return
    start, end = (int(at.timestamp() * 1000) for at in (gap.window.start, gap.window.end))
    played = {
        each["kind"]
        for each in events
        if each["kind"] in REASONS and each["coin"] in {gap.coin_id, _older(gap.coin_id)}
        if each["start"] < end and each["end"] > start
    }
    allowed = set().union(*(REASONS[kind] for kind in played))
    if gap.reason not in allowed:
        done.untrue.append(f"{gap.symbol} {gap.window}: {gap.reason}, played was {played or '-'}")


def _older(coin: str) -> str:
    """The id that the sandbox had for a coin before it renamed it."""
    return coin.removesuffix("-renamed")


def told(done: Month) -> Iterable[str]:
    """What is printed."""
    yield f"runs: {dict(done.runs)}; killed: {dict(done.killed)}"
    yield f"seconds: { {name: round(each) for name, each in done.took.items()} }"
    yield f"runs in which something failed, told: {dict(done.unsuccessful)}"
    yield f"{'kind':20} {'injected':>9} {'answers':>9}"
    for kind, count in done.injected.most_common():
        yield f"{kind:20} {count:>9,} {done.touched[kind]:>9,}"
    touched = sum(done.touched.values())
    yield f"{sum(done.injected.values()):,} injected, {touched:,} answers touched"
    yield f"{done.hours:,} hours that a venue had, {done.stored:,} stored"
    yield f"hours that nobody has, by reason: {dict(done.reasons)}"
    for name, (before, after) in done.sizes.items():
        yield f"rows of {name}: {before:,} after the backfill, {after:,} at the end"
    for name in ("missing", "wrong", "others", "untrue", "tracebacks"):
        found = getattr(done, name)
        yield f"{name}: {len(found):,}"
        yield from (f"    {each[:300]}" for each in found[:20])
    yield f"{done.seconds:,.0f} s"


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Operate for a month, and print; nothing must be missing or wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=60)
    parser.add_argument("--days", type=int, default=32, help="of which the last two are clean")
    parser.add_argument("--odd", type=float, default=0.02, help="how often something is odd")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.getLogger().setLevel(logging.ERROR)
    with ExitStack() as stack:
        end = BEGIN + options.days * DAY - CLEAN
        odd = {"rate": options.odd, "seed": options.seed, "start": BEGIN, "end": end}
        given = {"coins": options.coins, "seed": options.seed, "now": BEGIN, "limits": False}
        sandbox = stack.enter_context(serving(process=True, odd=odd, **given))
        current = stack.enter_context(measure.database())
        priority = {"venues_url": sandbox.url, "priority": SOURCES}
        chance = random.Random(options.seed)  # noqa: S311
        operation = Operation(current.model_copy(update=priority), sandbox, chance)
        logging.getLogger().addHandler(Heard(operation.month))
        done = month(operation, options.days)
    for line in told(done):
        print(line)
    what = f"of {options.days} days, {options.coins} coins, odd {options.odd}, seed {options.seed}"
    found = {
        "hours missing": done.missing,
        "hours wrong": done.wrong,
        "hours of another coin": done.others,
        "reasons untrue": done.untrue,
        "tracebacks": done.tracebacks,
    }
    return [
        measure.Figure(f"{name} {what}", [len(each)], most=0.0, must=True, form=".0f")
        for name, each in found.items()
    ]


if __name__ == "__main__":
    measure.run(main)
