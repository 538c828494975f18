"""What a run is asked for, and whether that can be: the same for the command line and flows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime
from typing import TypedDict, Unpack

from chandlery.errors import Misuse
from chandlery.model import HOUR, Coin, Kind, Window, instant, one_line, utc_text, whole_hour
from chandlery.words import did_you_mean

FIRST_YEAR = 2009  # there was no coin before
START_YEAR = 2020
FILL_HOURS = 30 * 24  # how far back gaps are filled, if nobody says otherwise
NEWEST_HOURS = 24  # how far back an hourly run looks
RECHECK_HOURS = 72
"""Once a day, so that each hour is seen again at one and at two days old: some are restated for
hours, and an answer may be a cache's of the day before. It all fits into one page."""
MOST_HOURS = 24 * 366
MOST_COINS = 1_000_000
MOST_SHARDS = 100
REFETCH = ("taker",)
"""What older rows lack that some sources send: what takers bought."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of so many parts of the coins: 2/4 is the second of four.

    Which one a coin is in depends on its key alone, and keys were given by rank: so shards begin
    with large coins, and between one's start and another's no coin moves, as ranks do.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, coin: Coin) -> bool:
        """Whether a coin is in it."""
        return coin.key % self.of == self.number % self.of


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Which hours of which coins to have, from which sources in which order."""

    window: Window
    sources: tuple[str, ...]
    now: datetime
    symbols: tuple[str, ...] | None = None
    max_coins: int | None = None
    archive: bool | None = False  # bulk files first, where a source has them; None: both at once
    patient: bool = True  # absences are not asked for before their time
    recheck: Window | None = None  # hours that are asked for again though they are held
    name: str = "a run"  # what people know it by
    verb: str | None = None  # what `chandlery health` knows it by; None: it is none of its business
    shard: Shard | None = None  # of these coins only this part
    delisted: bool = False  # also coins that were over before anybody asked for them
    refetch: str | None = None  # not what is missing, but what is held without this: of REFETCH
    kind: Kind | None = None  # of the sources only these; all, if None

    @property
    def is_hourly(self) -> bool:
        """Whether it is for the newest hours of all coins, as a run of every hour is."""
        return self.symbols is None and self.window.hours <= NEWEST_HOURS


class Choices(TypedDict, total=False):
    """What a verb's options and a flow's parameters may choose; no verb and no flow has all."""

    start: str | None  # ISO 8601; this, the year or the hours
    start_year: int | None
    hours: int | None  # before the end
    end: str | None
    symbols: Sequence[str] | None  # tickers or ids
    max_coins: int | None
    archive: bool | None
    patient: bool
    recheck_hours: int | None
    shard: str | None  # "2/4"
    delisted: bool
    refetch: str | None  # one of REFETCH


def run_spec(
    *,
    now: datetime,
    known_sources: Iterable[str],
    sources: Sequence[str],
    name: str = "a run",
    verb: str | None = None,
    **choices: Unpack[Choices],
) -> RunSpec:
    """Build a spec, or raise Misuse with one line that says what to write instead.

    The window ends with the last hour closed at `now`, or with the hour before `end`. It starts at
    `start`, at the beginning of `start_year`, or `hours` before its end; else in 2020.
    """
    closed = whole_hour(now)
    end, shard = choices.get("end"), choices.get("shard")
    stop = closed if end is None else min(whole_hour(instant(end, name="end")), closed)
    asked = (choices.get("start"), choices.get("start_year"), choices.get("hours"))
    begin = _begin(*asked, stop)
    if begin >= closed:
        raise Misuse(f"start {utc_text(begin)} is in the future: no hour of it has closed")
    if begin >= stop:
        raise Misuse(
            f"start {utc_text(begin)} is not before end {utc_text(stop)}: swap them?",
        )
    return RunSpec(
        window=Window(begin, stop),
        sources=_sources(sources, known_sources),
        now=now,
        symbols=chosen(choices.get("symbols")),
        max_coins=few(choices.get("max_coins")),
        archive=choices.get("archive", False),
        patient=choices.get("patient", True),
        recheck=_recheck(choices.get("recheck_hours"), begin, stop),
        name=name,
        verb=verb,
        shard=None if shard is None else _shard(shard),
        delisted=choices.get("delisted", False),
        refetch=_refetch(choices.get("refetch")),
    )


def _refetch(asked: str | None) -> str | None:
    if asked is not None and asked not in REFETCH:
        raise Misuse(f"refetch {one_line(asked, 40)!r} is none: write {', '.join(REFETCH)}")
    return asked


def _shard(asked: str) -> Shard:
    number, _, of = asked.partition("/")
    if not (number.isdecimal() and of.isdecimal() and len(asked) < len("1000/1000")):
        raise Misuse(f"shard {asked[:40]!r} is none: write 2/4 for the second of four")
    most = _positive("the number of shards", int(of), MOST_SHARDS)
    return Shard(_positive(f"of {most} shards number", int(number), most), most)


def _recheck(hours: int | None, begin: datetime, stop: datetime) -> Window | None:
    """The newest hours of the window; none of them where 0 is asked for."""
    if hours is None:
        return None
    if not 0 <= hours <= MOST_HOURS:
        raise Misuse(f"recheck hours {hours} is out of range: write 0 to {MOST_HOURS}")
    return Window(max(begin, stop - hours * HOUR), stop)


def _positive(name: str, number: int, most: int) -> int:
    if not 1 <= number <= most:
        raise Misuse(f"{name} {number} is out of range: write 1 to {most}")
    return number


def _begin(start: str | None, year: int | None, hours: int | None, stop: datetime) -> datetime:
    if start is not None and year is not None:
        raise Misuse("start and start year are both given: write one of them")
    if start is not None:
        at = instant(start, name="start")
        return whole_hour(at) if at == whole_hour(at) else whole_hour(at) + HOUR
    if hours is not None:
        return stop - _positive("hours", hours, MOST_HOURS) * HOUR
    year = START_YEAR if year is None else year
    if not FIRST_YEAR <= year <= MAXYEAR:
        raise Misuse(f"start year {year} is out of range: write {FIRST_YEAR} or later")
    return datetime(year, 1, 1, tzinfo=UTC)


def _sources(asked: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    known = sorted(known)
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise Misuse(
            f"no source {one_line(', '.join(unknown), 40)}: {did_you_mean(unknown[0], known)}"
            f"there are {', '.join(known)}"
        )
    if not asked:
        raise Misuse(f"no source is named: write some of {', '.join(known)}")
    return tuple(dict.fromkeys(asked))


def few(coins: int | None, name: str = "max coins") -> int | None:
    """How many coins at most; Misuse when that is none."""
    return None if coins is None else _positive(name, coins, MOST_COINS)


def chosen(asked: Sequence[str] | None) -> tuple[str, ...] | None:
    """The symbols asked for, each once, or None for all; Misuse when there is none among them."""
    if asked is None:
        return None
    symbols = tuple(dict.fromkeys(symbol.strip() for symbol in asked if symbol.strip()))
    if not symbols:
        raise Misuse("symbols names no coin: write BTC,ETH or leave it out for all")
    return symbols
