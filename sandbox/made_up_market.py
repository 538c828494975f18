"""The coins and listings a seed stands for: twenty everybody knows, then as many as asked.

The known ones bear their real ids and tickers, so that `--symbols BTC,ETH` means something; all
prices, ranks and dates are made up. Among them is one of every kind a collector meets: spot and
futures, one of the two only, listed nowhere, thousands in one (1000PEPEUSDT), two coins with one
ticker, other quotes, a quarterly contract, a stock, an index, a delisted one.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

from sandbox.bars import Joined, Longer
from sandbox.known import KNOWN, PRICES
from sandbox.made_up import MadeUp, outages, salt
from sandbox.made_up_listings import Listings
from sandbox.odd import Dice
from sandbox.odd_static import peculiar
from sandbox.words import STEPS, Candles, Coin, Listing, hour_of

_FOREVER = 4_102_444_800_000  # 2100-01-01
_SYLLABLES = ("ba", "ko", "zu", "mi", "ra", "te", "lo", "ny", "xe", "du", "vi", "sho")


class _Ware(NamedTuple):
    """What makes up the candles of a listing."""

    price: float
    turnover: float
    quiet: float
    wild: float
    coin: object


class MadeUpMarket:
    """A market of so many coins, all from one seed; with dice, also the odd ones they ask for."""

    def __init__(self, coins: int, seed: int, now: int, dice: Dice | None = None) -> None:
        self._dice = dice
        self._seed = seed
        self._now = datetime.fromtimestamp(now / 1000, UTC)
        known = [
            Coin(id_, symbol, name, rank, price)
            for rank, (id_, symbol, name, price, _) in enumerate(KNOWN[:coins], 1)
        ]
        invented = [self._invent(rank) for rank in range(len(known) + 1, coins + 1)]
        self._coins = [*known, *invented]
        self._candles: dict[tuple[str, str, str], Candles] = {}

    @property
    def about(self) -> str:
        """Say in a line where the candles come from."""
        return f"made up from seed {self._seed}: {len(self._coins)} coins, nobody traded these"

    @property
    def coins(self) -> Sequence[Coin]:
        """All coins, best rank first."""
        return self._coins

    def _invent(self, rank: int) -> Coin:
        """Return a coin nobody has heard of."""
        odd = peculiar(rank, self._dice.rates if self._dice else ())
        if odd is not None:
            return odd
        dice = salt(self._seed, "coin", rank)
        a, b = _SYLLABLES[dice % 12], _SYLLABLES[dice // 12 % 12]
        price = 10.0 ** (dice // 144 % 7 - 5) * (1 + dice // 1008 % 90 / 10)
        name = f"{a}{b}".capitalize()
        return Coin(f"made-up-{a}{b}-{rank}", f"{a}{b}{rank}", f"{name} {rank}", rank, price)

    def listings(self, source: str) -> Sequence[Listing]:
        """Return all listings there ever were at a source."""
        return self._by_source.get(source, ())

    @cached_property
    def _by_source(self) -> Mapping[str, Sequence[Listing]]:
        """All listings, by source."""
        found: dict[str, list[Listing]] = {}
        for listing in Listings(self._coins, self._seed, self._now, self._dice):
            found.setdefault(listing.source, []).append(listing)
        return found

    def candles(self, source: str, symbol: str, interval: str) -> Candles | None:
        """Return a symbol's candles, or None where there are none."""
        key = (source, symbol, interval)
        if key not in self._candles and (made := self._make(*key)):
            self._candles[key] = made
        return self._candles.get(key)

    def _make(self, source: str, symbol: str, interval: str) -> Candles | None:
        """Make up the candles of a symbol, of all that it ever meant."""
        listings = self._index.get((source, symbol))
        if listings is None or interval not in STEPS:
            return None
        if interval != "1h":
            hours = self.candles(source, symbol, "1h")
            return hours and Longer(hours, STEPS[interval])
        parts = tuple(self._hours(listing) for listing in listings)
        return parts[0] if len(parts) == 1 else Joined(parts)

    def _hours(self, listing: Listing) -> Candles:
        """Make up the hours of a listing."""
        ware = self._ware(listing)
        return MadeUp(
            coin=salt(self._seed, ware.coin),
            symbol=salt(self._seed, listing.source, listing.symbol),
            first=listing.since,
            last=_FOREVER if listing.until is None else hour_of(listing.until - 1),
            price=ware.price,
            turnover=ware.turnover,
            quiet=ware.quiet,
            wild=ware.wild,
            away=outages(listing.source),
        )

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], Sequence[Listing]]:
        """All listings by source and symbol."""
        found: dict[tuple[str, str], list[Listing]] = {}
        for listing in (x for rows in self._by_source.values() for x in rows):
            found.setdefault((listing.source, listing.symbol), []).append(listing)
        return found

    def _ware(self, listing: Listing) -> _Ware:
        """Return what a listing's candles are made of."""
        coin = self._ids.get(listing.coin or "")
        pair = listing.symbol.replace("-", "")
        if coin is None or pair in PRICES or listing.underlying != "COIN":
            return _Ware(PRICES.get(pair, 100.0), 1e6, 0.0, 0.5, pair)
        rare = 0.0 if coin.rank <= len(KNOWN) else min(0.05, coin.rank / 10_000)
        wild = 0.01 if coin.id in {"tether", "usd-coin"} else 1.0 + coin.rank % 7 / 7
        return _Ware((coin.price or 1.0) * listing.multiple, 6e7 / coin.rank, rare, wild, coin.id)

    @cached_property
    def _ids(self) -> Mapping[str, Coin]:
        """Every coin by id."""
        return {coin.id: coin for coin in self._coins}
