"""The listings of the made-up universe: each coin at each of its venues, and what else trades."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sandbox import known, odd_static
from sandbox.facts import facts
from sandbox.made_up import salt
from sandbox.odd import Dice
from sandbox.words import DAY, HOUR, Coin, Listing

_GONE = 5
_LIFE = 500 * DAY  # of what is delisted


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


class Listings:
    """All listings there ever were, of so many coins; with dice, the odd ones that they ask for."""

    def __init__(
        self, coins: Sequence[Coin], seed: int, now: datetime, dice: Dice | None = None
    ) -> None:
        self._dice = dice
        self._coins = coins
        self._seed = seed
        self._now = now

    def __iter__(self) -> Iterator[Listing]:
        """Give every one."""
        traded = [listing for coin in self._coins for listing in self._of(coin)]
        yield from traded
        yield from self._beside_coins()
        yield from self._pairs()
        yield from self._quarterly()
        yield from self._odd(traded)
        yield from self._known_of(traded)

    def _odd(self, traded: Sequence[Listing]) -> Iterator[Listing]:
        """Give what is odd from the start."""
        if self._dice and "reused" in self._dice.rates:
            yield from odd_static.reused(self._coins, traded, self._dice.seed, self._dice.start)
        if self._dice and "stock" in self._dice.rates:
            yield from odd_static.stocks(self._coins, traded, self._dice.start)

    def _of(self, coin: Coin) -> Iterator[Listing]:
        """Give a coin's listings against dollars of any kind."""
        peculiar = odd_static.markets(coin)
        for source, symbol, base, multiple in peculiar or ():
            since = self._since(source, coin)
            yield Listing(source, symbol, base, "USDT", coin.id, since, multiple=multiple)
        if peculiar is None:
            yield from self._usual(coin)

    def _usual(self, coin: Coin) -> Iterator[Listing]:
        """Give the listings that a coin of its rank has."""
        famous = coin.rank <= len(known.KNOWN)
        for source in _where(coin):
            ticker = coin.symbol.upper()
            cheap = _cheap(source, coin)
            base = known.thousand(source, ticker) if cheap else ticker
            quote = known.QUOTES.get(source, "USDT")
            name = known.TICKERS.get((source, base), base)
            symbol = known.SPELLED[source].format(base=name, quote=quote)
            since = self._since(source, coin)
            gone = coin.rank % 29 == _GONE and not famous
            until = since + _LIFE if gone else None
            multiple = 1000 if cheap else 1
            yield Listing(source, symbol, base, quote, coin.id, since, until, multiple=multiple)

    def _since(self, source: str, coin: Coin) -> int:
        """Return when a coin was listed: the best known first."""
        if coin.rank <= 2:  # noqa: PLR2004 - bitcoin and ethereum were there from the start
            return known.OPENED[source]
        return _day(self._seed, source, coin.id)

    def _beside_coins(self) -> Iterator[Listing]:
        """Give what trades beside the coins against USDT."""
        ids = {coin.id for coin in self._coins}
        for symbol, base, quote, contract, underlying, coin, sources in known.EXTRA:
            if coin is None or coin in ids:
                since = _day(self._seed, symbol)
                for source in sources:
                    yield Listing(
                        source, symbol, base, quote, coin, since, None, contract, underlying
                    )

    def _pairs(self) -> Iterator[Listing]:
        """Give what trades at the venues by their own word."""
        ids = {coin.id for coin in self._coins}
        for source, told in facts().items():
            for pair in told.pairs:
                if pair.coin is None or pair.coin in ids:
                    since = _day(self._seed, pair.symbol)
                    until = since + _LIFE if pair.gone else None
                    names = (pair.symbol, pair.base, pair.quote, pair.coin)
                    yield Listing(source, *names, since, until, underlying=pair.underlying)

    def _quarterly(self) -> Iterator[Listing]:
        """Give bitcoin's contracts for the current quarter."""
        end = _quarter_end(self._now)
        until = int(end.timestamp()) * 1000
        since = until - 180 * DAY
        for source, when in ((known.FUTURES, f"_{end:%y%m%d}"), (known.BYBIT, f"-{end:%d%b%y}")):
            symbol, kind = f"BTCUSDT{when.upper()}", "CURRENT_QUARTER"
            yield Listing(source, symbol, "BTC", "USDT", "bitcoin", since, until, kind, "COIN")

    def _known_of(self, traded: Sequence[Listing]) -> Iterator[Listing]:
        """Give the coins as CoinGecko and CryptoCompare know them: from the first listing on."""
        tickers = set()
        for coin in self._coins:
            dates = [x.since for x in traded if x.coin == coin.id]
            since = min(dates, default=self._since(known.COINGECKO, coin))
            ticker = coin.symbol.upper()
            yield Listing(known.COINGECKO, coin.id, ticker, "USD", coin.id, since)
            if not dates and known.is_pooled(coin.id, coin.rank):
                symbol = known.pool(coin.id)
                yield Listing(known.GECKOTERMINAL, symbol, ticker, "USD", coin.id, since)
            if ticker not in tickers:
                yield Listing(known.CRYPTOCOMPARE, ticker, ticker, "USD", coin.id, since)
            tickers.add(ticker)


def _where(coin: Coin) -> Sequence[str]:
    """Return who trades a coin."""
    if coin.rank <= len(known.KNOWN):
        elsewhere = known.ELSEWHERE.get(coin.id, known.EVERYWHERE)
        return (*known.KNOWN[coin.rank - 1][4], *elsewhere)
    where = known.INVENTED[coin.rank % len(known.INVENTED)]
    turn = coin.rank // len(known.INVENTED)
    return where or known.NOT_AT_BINANCE[turn % len(known.NOT_AT_BINANCE)]


def _cheap(source: str, coin: Coin) -> bool:
    """Tell whether a venue trades a coin by the thousand."""
    return source in known.BY_THE_THOUSAND and (coin.price or 1) < known.THOUSANDS
