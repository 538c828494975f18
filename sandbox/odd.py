"""What venues and CoinGecko do at times that no documentation tells, played at random from a seed.

Every kind has a rate: how likely a request that could meet it does, or the share of listings and
coins that it befalls in 30 days (one at least). All that is played is written down. Outside of the
period nothing new happens: what was delisted or renamed stays so, and the static kinds are always
there. A kind is written `KIND` or `KIND=RATE`.

Static, only where candles are made up:

================  ==============================================================================
reused            a futures symbol was another coin's until long before the period
many in one       symbols by 10^7, 10^3, 10^9 and 10^2 coins: 10000000AIDOGEUSDT, 1KBONKUSDT
letters           a symbol that is not ASCII: 币安人生USDT
stock             stocks and funds trade; a ticker names a coin behind them
================  ==============================================================================

Planned, at odd minutes of the period:

================  ==============================================================================
delisted          a symbol ends at its venue, in the venue's own words or without any
break             spot says BREAK; the whole hours of it have no candle
relisted          a symbol is gone from list and tickers for days, then back: the same coin
id renamed        CoinGecko calls a coin by a new id everywhere, and knows the old one no more
================  ==============================================================================

Of a list of symbols or coins, for an hour of the sandbox's clock:

================  ==============================================================================
empty list        no symbols at all
half list         the first half of them
short list        10 to 60 % are left out, for six hours
odd entry         entries beside the real ones: no base, no state, years 1969 and 9999, a number
coins page twice  a page of the ranking is the one before it
coins page empty  a page of the ranking is empty, though more follow
coins cut         a tenth of the coins is left out of the ranking
rank null         a well-ranked coin has no rank
wrong coin        a ticker names another coin
================  ==============================================================================

Of an hour or a file, as long as it lasts:

================  ==============================================================================
restated          the first hours after it closed, an hour's close and volume are others
late archive      a month's file is there from the 11th on
short archive     a month's file has 168 rows, and the checksum of that
================  ==============================================================================

Of one request:

==================  ============================================================================
first candle wrong  Binance's very first candle is yesterday's, or none
stale page          a page as it was a day ago, with the date of then
other page          the page of another window
hour off            all times of a page are an hour early or late: one lies outside what was asked
volumes swapped     base and quote volume of a page, where a price is not near 1
bad row             off the hour, zeros, nulls, or a high below the low
more columns        rows with one more column
error code          a code or a status that nobody has documented
429, 500, 502, 503  the faults of these names
html, empty         the same
cut, truncated      the same
slow                the same, for 0.05 s
==================  ============================================================================
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from sandbox.faults import moment
from sandbox.made_up import salt
from sandbox.words import DAY, BadOption, hour_of

FOREVER = 4_102_444_800_000  # 2100-01-01
MONTH = 30 * DAY

STATIC = ("reused", "many in one", "letters", "stock")
PLANNED = ("delisted", "break", "relisted", "id renamed")
HOURLY = (
    "empty list", "half list", "short list", "odd entry", "coins page twice", "coins page empty",
    "coins cut", "rank null", "wrong coin",
)  # fmt: skip
LASTING = ("restated", "late archive", "short archive")
ONCE = (
    "first candle wrong", "stale page", "other page", "hour off", "volumes swapped", "bad row",
    "more columns", "error code", "429", "500", "502", "503", "html", "empty", "cut", "truncated",
    "slow",
)  # fmt: skip
KINDS = (*STATIC, *PLANNED, *HOURLY, *LASTING, *ONCE)


@dataclass(frozen=True, slots=True)
class Odd:
    """How odd the sandbox is to be: `kinds` (None: all) as `KIND` or `KIND=RATE`.

    The seed is the sandbox's unless told. The period is half-open, as ISO 8601 or milliseconds; it
    begins when the sandbox does and has no end unless told.
    """

    rate: float = 0.0
    seed: int | None = None
    kinds: Iterable[str] | None = None
    start: str | int | datetime | None = None
    end: str | int | datetime | None = None

    def dice(self, seed: int, now: int) -> "Dice":
        """Return what decides, where the sandbox has such a seed and begins at such a time."""
        start = hour_of(now) if self.start is None else moment(self.start)
        end = FOREVER if self.end is None else moment(self.end)
        if end <= start:
            raise BadOption("odd: the period ends before it begins")
        rates = {kind: _share(self.rate) for kind in KINDS} if self.kinds is None else {}
        for each in self.kinds or ():
            kind, _, rate = each.partition("=")
            rates[_known(kind)] = _share(rate or self.rate)
        chosen = {kind: rate for kind, rate in rates.items() if rate}
        return Dice(chosen, seed if self.seed is None else self.seed, start, end)


def _share(told: object) -> float:
    """Read a rate."""
    rate = float(str(told))
    if not 0 <= rate <= 1:
        raise BadOption(f"odd: a rate is from 0 to 1, not {told}")
    return rate


def _known(kind: str) -> str:
    """Return a kind that there is."""
    if kind not in KINDS:
        raise BadOption(f"odd: no such kind: {kind}; there are {', '.join(KINDS)}")
    return kind


def read(told: Odd | float | Mapping[str, Any] | None) -> Odd:
    """Read how odd it is to be: a rate, or settings by name; BadOption if they make no sense."""
    if isinstance(told, Odd):
        return told
    if not isinstance(told, Mapping):
        return Odd(rate=told or 0.0)
    unknown = set(told) - {f.name for f in fields(Odd)}
    if unknown:
        raise BadOption(f"odd: no such setting: {', '.join(sorted(unknown))}")
    return Odd(**told)


def dice(told: Odd | float | Mapping[str, Any] | None, seed: int, now: int) -> "Dice":
    """Read what decides; BadOption if it makes no sense."""
    try:
        return read(told).dice(seed, now)
    except (TypeError, ValueError, AttributeError) as error:
        raise error if isinstance(error, BadOption) else BadOption(f"odd: {error}") from error


@dataclass(frozen=True, slots=True)
class Dice:
    """What decides: the rate of each kind, a seed, and the period in milliseconds.

    A decision follows from the seed and what it is about alone, whatever was decided before.
    """

    rates: Mapping[str, float]
    seed: int
    start: int
    end: int

    def within(self, now: int) -> bool:
        """Tell whether oddities happen at that time."""
        return bool(self.rates) and self.start <= now < self.end

    def number(self, kind: str, *words: object) -> int:
        """Return a number from 0 to 2**31."""
        return salt(self.seed, kind, *words)

    def hits(self, kind: str, *words: object) -> bool:
        """Tell whether what these words stand for meets the kind."""
        rate = self.rates.get(kind, 0.0)
        return rate > 0 and self.number(kind, "whether", *words) < rate * 2**31

    @property
    def horizon(self) -> int:
        """How far ahead is planned: to the end of the period, or 30 days where it has none."""
        return self.start + MONTH if self.end == FOREVER else self.end

    def share(self, kind: str, count: int) -> int:
        """Return how many of so many a planned kind befalls in the period: one at least."""
        rate = self.rates.get(kind, 0.0)
        share = rate * count * (self.horizon - self.start) / MONTH
        return min(count, max(1, round(share))) if rate else 0


@dataclass(slots=True)
class Event:
    """What befell: whom, the hours or the span concerned, when first met, how many answers."""

    kind: str
    source: str
    symbol: str | None
    coin: str | None
    start: int
    end: int
    at: int | None
    requests: int
    detail: str

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    def meet(self, now: int) -> None:
        """Count an answer that it touches."""
        self.at = now if self.at is None else self.at
        self.requests += 1


@dataclass
class Events:
    """All that befell, in order; what lasts is one event however many answers it touches."""

    found: list[Event] = field(default_factory=list)
    lasting: dict[tuple[object, ...], Event] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Write down what nobody has met yet, or met once."""
        self.found.append(event)

    def meet(self, event: Event, now: int) -> None:
        """Count a further answer of an event like this one, or begin it."""
        key = event.kind, event.source, event.symbol, event.coin, event.start, event.end
        if key not in self.lasting:
            self.lasting[key] = event
            self.add(event)
        self.lasting[key].meet(now)

    def told(self, now: int) -> list[dict[str, Any]]:
        """Return what has begun by now, as JSON has it."""
        begun = [event for event in self.found if event.start <= now]
        order = sorted(begun, key=lambda e: max(e.at or 0, e.start))
        return [event.told() for event in order]
