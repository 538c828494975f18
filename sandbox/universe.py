"""The coins and listings a seed stands for: twenty everybody knows, then as many as asked.

The known ones bear their real ids and tickers, so that ``--symbols BTC,ETH`` means something; all
prices, ranks and dates are made up. Among them is one of every kind a collector meets: spot and
futures, one of the two only, listed nowhere, thousands in one (1000PEPEUSDT), two coins with one
ticker, other quotes, a quarterly contract, a stock, an index, a delisted one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from sandbox.bars import Longer
from sandbox.made_up import MadeUp, outages, salt
from sandbox.words import DAY, HOUR, STEPS, Candles, Coin, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SPOT: Final = "binance_spot"
FUTURES: Final = "binance_futures"
_FOREVER: Final = 4_102_444_800_000  # 2100-01-01
_BOTH: Final = (FUTURES, SPOT)
_THOUSANDS: Final = 0.0001  # what costs less is traded by the thousand
_GONE: Final = 5

# CoinGecko's id, ticker, name, about what it costs, where it is listed against USDT.
_KNOWN: Final[Sequence[tuple[str, str, str, float, Sequence[str]]]] = (
    ("bitcoin", "btc", "Bitcoin", 61_000.0, _BOTH),
    ("ethereum", "eth", "Ethereum", 2_900.0, _BOTH),
    ("tether", "usdt", "Tether", 1.0, ()),
    ("ripple", "xrp", "XRP", 1.4, _BOTH),
    ("binancecoin", "bnb", "BNB", 540.0, _BOTH),
    ("solana", "sol", "Solana", 140.0, _BOTH),
    ("usd-coin", "usdc", "USDC", 1.0, (SPOT,)),
    ("pepe", "pepe", "Pepe", 0.000011, _BOTH),
    ("shiba-inu", "shib", "Shiba Inu", 0.000014, _BOTH),
    ("monero", "xmr", "Monero", 190.0, (FUTURES,)),
    ("nexo", "nexo", "NEXO", 1.1, (SPOT,)),
    ("leo-token", "leo", "LEO Token", 8.8, ()),
    ("ethereum-made-up-twin", "eth", "Ethereum Twin (made up)", 0.02, ()),
    ("dogecoin", "doge", "Dogecoin", 0.16, _BOTH),
    ("tron", "trx", "TRON", 0.21, _BOTH),
    ("cardano", "ada", "Cardano", 0.6, _BOTH),
    ("chainlink", "link", "Chainlink", 15.0, _BOTH),
    ("litecoin", "ltc", "Litecoin", 90.0, _BOTH),
    ("avalanche-2", "avax", "Avalanche", 28.0, _BOTH),
    ("polkadot", "dot", "Polkadot", 5.5, _BOTH),
)

# What trades beside the coins: symbol, base, quote, contract, underlying, coin, sources.
_EXTRA: Final = (
    ("BTCUSDC", "BTC", "USDC", "PERPETUAL", "COIN", "bitcoin", _BOTH),
    ("ETHUSDC", "ETH", "USDC", "PERPETUAL", "COIN", "ethereum", _BOTH),
    ("ETHBTC", "ETH", "BTC", "PERPETUAL", "COIN", "ethereum", (SPOT,)),
    ("BTCDOMUSDT", "BTCDOM", "USDT", "PERPETUAL", "INDEX", None, (FUTURES,)),
    ("AAPLUSDT", "AAPL", "USDT", "TRADIFI_PERPETUAL", "EQUITY", None, (FUTURES,)),
)
_PRICES: Final = {"ETHBTC": 0.047, "BTCDOMUSDT": 4_300.0, "AAPLUSDT": 240.0}

_SYLLABLES: Final = ("ba", "ko", "zu", "mi", "ra", "te", "lo", "ny", "xe", "du", "vi", "sho")
_WHERE: Final = (_BOTH, _BOTH, (FUTURES,), (SPOT,), _BOTH, (), _BOTH)


def _day(seed: int, *words: object) -> int:
    """Return a day of listing, at eight in the morning, from 2019-10-01 on."""
    return 1_569_888_000_000 + salt(seed, *words) % 2_100 * DAY + 8 * HOUR


def _quarter_end(now: datetime) -> datetime:
    """Return when the current quarter's contract is delivered: its last Friday, at eight."""
    for quarter in (0, 1):
        month = (now.month - 1) // 3 * 3 + 4 + 3 * quarter
        after = datetime(now.year + (month - 1) // 12, (month - 1) % 12 + 1, 1, 8, tzinfo=UTC)
        last = after - timedelta(days=1)
        friday = last - timedelta(days=(last.weekday() - 4) % 7)
        if friday > now:
            return friday
    raise AssertionError("a quarter has a last Friday")


class _Ware(NamedTuple):
    """What makes up the candles of a listing."""

    price: float
    turnover: float
    quiet: float
    wild: float
    coin: object


class MadeUpMarket:
    """A market of so many coins, all from one seed."""

    def __init__(self, coins: int, seed: int, now: int) -> None:
        self._seed = seed
        self._now = datetime.fromtimestamp(now / 1000, UTC)
        known = [
            Coin(id_, symbol, name, rank, price)
            for rank, (id_, symbol, name, price, _) in enumerate(_KNOWN[:coins], 1)
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
        for listing in (*self._of_coins(), *self._beside_coins(), *self._quarterly()):
            found.setdefault(listing.source, []).append(listing)
        return found

    def _of_coins(self) -> Iterator[Listing]:
        """Give each coin's listings against USDT."""
        for coin in self._coins:
            known = coin.rank <= len(_KNOWN)
            where = _KNOWN[coin.rank - 1][4] if known else _WHERE[coin.rank % len(_WHERE)]
            for source in where:
                thousand = source == FUTURES and (coin.price or 1) < _THOUSANDS
                base = f"{'1000' if thousand else ''}{coin.symbol.upper()}"
                since = self._since(source, coin)
                gone = coin.rank % 29 == _GONE and not known
                until = since + 500 * DAY if gone else None
                yield Listing(source, f"{base}USDT", base, "USDT", coin.id, since, until)

    def _since(self, source: str, coin: Coin) -> int:
        """Return when a coin was listed: the best known first."""
        first = {SPOT: 1_502_942_400_000, FUTURES: 1_567_965_600_000}
        if coin.rank <= 2:  # noqa: PLR2004 - bitcoin and ethereum were there from the start
            return first[source]
        return _day(self._seed, source, coin.id)

    def _beside_coins(self) -> Iterator[Listing]:
        """Give what trades beside the coins against USDT."""
        ids = {coin.id for coin in self._coins}
        for symbol, base, quote, contract, underlying, coin, sources in _EXTRA:
            if coin is None or coin in ids:
                since = _day(self._seed, symbol)
                for source in sources:
                    yield Listing(
                        source, symbol, base, quote, coin, since, None, contract, underlying
                    )

    def _quarterly(self) -> Iterator[Listing]:
        """Give bitcoin's contract for the current quarter."""
        end = _quarter_end(self._now)
        symbol, until = f"BTCUSDT_{end:%y%m%d}", int(end.timestamp()) * 1000
        since = until - 180 * DAY
        yield Listing(
            FUTURES, symbol, "BTC", "USDT", "bitcoin", since, until, "CURRENT_QUARTER", "COIN"
        )

    def candles(self, source: str, symbol: str, interval: str) -> Candles | None:
        """Return a symbol's candles, or None where there are none."""
        key = (source, symbol, interval)
        if key not in self._candles and (made := self._make(*key)):
            self._candles[key] = made
        return self._candles.get(key)

    def _make(self, source: str, symbol: str, interval: str) -> Candles | None:
        """Make up the candles of a listing."""
        listing = self._index.get((source, symbol))
        if listing is None or interval not in STEPS:
            return None
        if interval != "1h":
            hours = self.candles(source, symbol, "1h")
            return hours and Longer(hours, STEPS[interval])
        ware = self._ware(listing)
        return MadeUp(
            coin=salt(self._seed, ware.coin),
            symbol=salt(self._seed, source, symbol),
            first=listing.since,
            last=_FOREVER if listing.until is None else listing.until - HOUR,
            price=ware.price,
            turnover=ware.turnover,
            quiet=ware.quiet,
            wild=ware.wild,
            away=outages(source),
        )

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], Listing]:
        """Every listing by source and symbol."""
        return {(x.source, x.symbol): x for rows in self._by_source.values() for x in rows}

    def _ware(self, listing: Listing) -> _Ware:
        """Return what a listing's candles are made of."""
        coin = self._ids.get(listing.coin or "")
        if coin is None or listing.symbol in _PRICES:
            return _Ware(_PRICES.get(listing.symbol, 100.0), 1e6, 0.0, 0.5, listing.symbol)
        times = 1000 if listing.base.startswith("1000") else 1
        rare = 0.0 if coin.rank <= len(_KNOWN) else min(0.05, coin.rank / 10_000)
        wild = 0.01 if coin.id == "usd-coin" else 1.0 + coin.rank % 7 / 7
        return _Ware((coin.price or 1.0) * times, 6e7 / coin.rank, rare, wild, coin.id)

    @cached_property
    def _ids(self) -> Mapping[str, Coin]:
        """Every coin by id."""
        return {coin.id: coin for coin in self._coins}
