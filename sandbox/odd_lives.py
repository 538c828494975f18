"""What befalls listings and coins in the period, planned from the seed before anybody asks.

A plan is spans. What a span does to candles it does through the faults of candles; what it does to
lists and tickers the module on lists does.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sandbox.faults import Fault
from sandbox.known import BYBIT, FUTURES, OKX, SPOT
from sandbox.lifecycle import Lived
from sandbox.odd import FOREVER, Dice, Event
from sandbox.odd_static import PECULIAR
from sandbox.words import DAY, HOUR, Candles, Coin, Listing, Market, hour_of

VENUES = (FUTURES, SPOT, OKX, BYBIT)
RENAMED = "id renamed"
_MINUTE = 60_000
_FAMOUS = 2  # coins of these ranks live on
_LEFT_OUT = "left out of the list"


@dataclass(frozen=True, slots=True)
class Span:
    """A planned change: the hours [start, end) concerned, and when lists show it.

    `listing` is what it befalls; of a coin that is renamed it is CoinGecko's, and `detail` the
    new id.
    """

    kind: str
    listing: Listing
    start: int
    end: int
    shown: tuple[int, int]
    detail: str

    def shows(self, now: int) -> bool:
        """Tell whether lists show it at that time."""
        return self.shown[0] <= now < self.shown[1]

    @property
    def leaves_out(self) -> bool:
        """Whether the symbol is not in its venue's list meanwhile."""
        return self.detail.startswith(_LEFT_OUT)

    def fault(self) -> Fault | None:
        """Return what it does to candles, if anything."""
        source, symbol = self.listing.source, self.listing.symbol
        if self.kind == "delisted":
            return Fault("delisted", source=source, symbol=symbol, end=self.start)
        if self.kind == RENAMED:
            return None
        return Fault("halt", source=source, symbol=symbol, start=self.start, end=self.end)

    def event(self) -> Event:
        """Return it as it is written down."""
        x = self.listing
        symbol = None if self.kind == RENAMED else x.symbol
        return Event(
            self.kind, x.source, symbol, x.coin, self.start, self.end, None, 0, self.detail
        )


def _moment(dice: Dice, kind: str, x: Listing, room: int) -> int:
    """Return a time in the period, not on the hour, with so much room to its end."""
    start = -(-dice.start // HOUR) * HOUR
    chosen = dice.number(kind, "when", x.source, x.symbol) % max(HOUR, dice.horizon - start - room)
    odd = 1 + dice.number(kind, "minute", x.source, x.symbol) % 59
    return hour_of(start + chosen) + odd * _MINUTE


def _delisted(dice: Dice, x: Listing) -> Span:
    """End a symbol; OKX leaves out every second one."""
    at = _moment(dice, "delisted", x, HOUR)
    silent = x.source == OKX and dice.number("delisted", "silent", x.symbol) % 2 == 0
    detail = _LEFT_OUT if silent else "told in the venue's words"
    return Span("delisted", x, at, FOREVER, (at, FOREVER), detail)


def _break(dice: Dice, x: Listing) -> Span:
    """Halt a symbol for one to three whole hours and some minutes on both sides."""
    at = _moment(dice, "break", x, 6 * HOUR)
    start = hour_of(at) + HOUR
    end = start + (1 + dice.number("break", "hours", x.symbol) % 3) * HOUR
    back = end + (1 + dice.number("break", "back", x.symbol) % 59) * _MINUTE
    return Span("break", x, start, end, (at, back), f"BREAK from {at} to {back}")


def _relisted(dice: Dice, x: Listing) -> Span:
    """Take a symbol from the list for two to six days, or a third of a short period."""
    days = 2 + dice.number("relisted", "days", x.source, x.symbol) % 5
    length = hour_of(min(days * DAY, max(2 * HOUR, (dice.horizon - dice.start) // 3)))
    at = _moment(dice, "relisted", x, length + 2 * HOUR)
    start, end = hour_of(at) + HOUR, hour_of(at) + length
    back = end + 23 * _MINUTE
    detail = f"{_LEFT_OUT} from {at} to {back}"
    return Span("relisted", x, start, end, (at, back), detail)


_LIVES = (
    ("delisted", _delisted, VENUES),
    ("break", _break, (SPOT,)),
    ("relisted", _relisted, VENUES),
)


def _renamed(dice: Dice, x: Listing) -> Span:
    """Give a coin a new id at CoinGecko."""
    at = _moment(dice, RENAMED, x, HOUR)
    return Span(RENAMED, x, at, FOREVER, (at, FOREVER), f"{x.symbol}-renamed")


def plan(market: Market, dice: Dice) -> list[Span]:
    """Return all that befalls listings and coins, no listing twice; the best-known are spared."""
    famous = {coin.id for coin in market.coins[:_FAMOUS]}
    odd = {each.coin.id for each in PECULIAR.values()}
    spans: list[Span] = []
    for kind, make, sources in _LIVES:
        found = [x for source in sources for x in _living(market, source, dice.start)]
        taken = [s.listing for s in spans]
        free = [x for x in found if x.coin not in famous | odd and x not in taken]
        spans += [make(dice, x) for x in _chosen(dice, kind, free)]
    traded = {x.coin for source in VENUES for x in market.listings(source)}
    coins = [x for x in market.listings("coingecko") if x.coin in traded - famous]
    spans += [_renamed(dice, x) for x in _chosen(dice, RENAMED, coins)]
    return spans


def _living(market: Market, source: str, start: int) -> Iterator[Listing]:
    """Give the perpetual listings of coins that trade as the period begins, symbols of one coin."""
    times = Counter(x.symbol for x in market.listings(source))
    for x in market.listings(source):
        plain = x.contract == "PERPETUAL" and x.underlying == "COIN" and x.until is None
        if plain and x.coin and x.since < start and times[x.symbol] == 1:
            yield x


def _chosen(dice: Dice, kind: str, listings: Iterable[Listing]) -> Sequence[Listing]:
    """Return the listings that a kind befalls."""
    found = sorted(listings, key=lambda x: dice.number(kind, "whom", x.source, x.symbol))
    return found[: dice.share(kind, len(found))]


def static_events(market: Market, dice: Dice) -> Iterator[Event]:
    """Give what has been odd from the start."""
    found = [x for source in VENUES for x in market.listings(source)]
    times = Counter((x.source, x.symbol) for x in found)
    for x in found:
        kind, detail = _static_kind(x, times[x.source, x.symbol])
        if kind in dice.rates:
            end = FOREVER if x.until is None else x.until
            coin = None if kind == "stock" else x.coin
            yield Event(kind, x.source, x.symbol, coin, x.since, end, None, 0, detail)


def _static_kind(x: Listing, times: int) -> tuple[str, str]:
    """Return of which static kind a listing is, if of any, and what to say of it.

    `times` is how many listings the venue has by that symbol.
    """
    if x.underlying not in {"COIN", "INDEX"}:
        return "stock", f"{x.underlying}; its ticker names {x.coin}"
    if x.coin in {each.coin.id for each in PECULIAR.values()}:
        if not x.symbol.isascii():
            return "letters", "not ASCII"
        return ("many in one", f"a unit is {x.multiple} coins") if x.multiple > 1 else ("", "")
    return ("reused", "one symbol, two coins in turn") if times > 1 else ("", "")


class OddMarket:
    """A market as the plan leaves it."""

    def __init__(self, market: Market, spans: Sequence[Span]) -> None:
        faults = [fault for span in spans if (fault := span.fault())]
        self._lived = Lived(market, faults)
        self._listings: dict[str, Sequence[Listing]] = {}

    @property
    def about(self) -> str:
        """Say in a line where the candles come from."""
        return self._lived.about

    @cached_property
    def coins(self) -> Sequence[Coin]:
        """All coins, best rank first."""
        return self._lived.coins

    def listings(self, source: str) -> Sequence[Listing]:
        """Return all listings there ever were at a source."""
        if source not in self._listings:
            self._listings[source] = self._lived.listings(source)
        return self._listings[source]

    def candles(self, source: str, symbol: str, interval: str) -> Candles | None:
        """Return a symbol's candles, or None where there are none."""
        return self._lived.candles(source, symbol, interval)
