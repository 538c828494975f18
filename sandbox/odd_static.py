"""The odd listings that are there from the start, in a market that is made up.

Coins of the ranks from 21 on that trade by odd multiples or under a name that is not ASCII; a
symbol of futures that was another coin's long ago; stocks and funds.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from sandbox.known import BYBIT, FUTURES, OKX, SPOT
from sandbox.made_up import salt
from sandbox.words import DAY, HOUR, Coin, Listing

Market = tuple[str, str, str, int]


class Peculiar(NamedTuple):
    """A coin with odd symbols: each a source, a symbol, its base and how many coins that is."""

    kind: str
    coin: Coin
    markets: Sequence[Market]


_COINS: Sequence[Peculiar] = (
    Peculiar(
        "many in one",
        Coin("aidoge-made-up", "aidoge", "ArbDoge AI (made up)", 21, 0.0000021),
        (
            (FUTURES, "10000000AIDOGEUSDT", "10000000AIDOGE", 10**7),
            (BYBIT, "10000000AIDOGEUSDT", "10000000AIDOGE", 10**7),
        ),
    ),
    Peculiar(
        "many in one",
        Coin("bonk-made-up", "bonk", "Bonk (made up)", 22, 0.000013),
        (
            (FUTURES, "1KBONKUSDT", "1KBONK", 10**3),
            (SPOT, "BONKUSDT", "BONK", 1),
            (OKX, "BONK-USDT", "BONK", 1),
        ),
    ),
    Peculiar(
        "many in one",
        Coin("mog-made-up", "mog", "Mog Coin (made up)", 23, 0.0000019),
        ((FUTURES, "1BMOGUSDT", "1BMOG", 10**9), (BYBIT, "1BMOGUSDT", "1BMOG", 10**9)),
    ),
    Peculiar(
        "many in one",
        Coin("sats-made-up", "sats", "SATS (made up)", 24, 0.0000024),
        ((FUTURES, "100SATSUSDT", "100SATS", 10**2), (OKX, "SATS-USDT", "SATS", 1)),
    ),
    Peculiar(
        "letters",
        Coin("binance-life-made-up", "币安人生", "币安人生 (made up)", 25, 0.12),
        ((SPOT, "币安人生USDT", "币安人生", 1), (FUTURES, "币安人生USDT", "币安人生", 1)),
    ),
)
PECULIAR: Mapping[int, Peculiar] = {each.coin.rank: each for each in _COINS}

# Source, symbol, base, what is behind it: the venue's module says how it words that.
_STOCKS = (
    (FUTURES, "NVDAUSDT", "NVDA", "EQUITY"),
    (FUTURES, "XAUUSDT", "XAU", "TRADIFI"),
    (OKX, "NVDAX-USDT", "NVDAX", "EQUITY"),
    (OKX, "SPYX-USDT", "SPYX", "FUND"),
    (BYBIT, "SPYUSDT", "SPY", "ETF"),
    (BYBIT, "NVDAUSDT", "NVDA", "MSTOCKS"),
    (BYBIT, "TSLAUSDT", "TSLA", "EQUITY"),
)
_OLD = 100.0  # what a coin costs that nobody knows any more
_FAR = 5  # a price is another where it is so many times as high, or as low


def peculiar(rank: int, kinds: Collection[str]) -> Coin | None:
    """Return the coin of a rank, if it is one of these."""
    each = PECULIAR.get(rank)
    return each.coin if each and each.kind in kinds else None


def markets(coin: Coin) -> Sequence[Market] | None:
    """Return where such a coin trades, None for any other."""
    each = PECULIAR.get(coin.rank)
    return each.markets if each and each.coin == coin else None


def reused(
    coins: Sequence[Coin], traded: Sequence[Listing], seed: int, start: int
) -> Iterator[Listing]:
    """Give a coin that futures do not have the symbol that was another's until 300 days before.

    There are six weeks between the two, and the prices are far apart.
    """
    there = {x.coin for x in traded if x.source == FUTURES}
    symbols = {x.symbol for x in traded if x.source == FUTURES}
    found = [c for c in coins if c.id not in there and f"{c.symbol.upper()}USDT" not in symbols]
    far = [c for c in found if c.price and not 1 / _FAR < c.price / _OLD < _FAR]
    eligible = [c for c in far if any(x.coin == c.id for x in traded)]
    for coin in sorted(eligible, key=lambda c: salt(seed, "reused", c.id))[:1]:
        ticker = coin.symbol.upper()
        until = (start - 300 * DAY) // DAY * DAY + 9 * HOUR
        since = until + 42 * DAY + HOUR
        old = f"{coin.symbol}-of-old-made-up"
        yield Listing(FUTURES, f"{ticker}USDT", ticker, "USDT", old, until - 500 * DAY, until)
        yield Listing(FUTURES, f"{ticker}USDT", ticker, "USDT", coin.id, since)


def stocks(coins: Sequence[Coin], traded: Sequence[Listing], start: int) -> Iterator[Listing]:
    """Give stocks and funds; a coin that trades nowhere is named behind them, if there is one."""
    there = {x.coin for x in traded}
    behind = next((c.id for c in coins if c.id not in there and c.symbol != "usdt"), None)
    since = (start - 200 * DAY) // DAY * DAY + 8 * HOUR
    for source, symbol, base, underlying in _STOCKS:
        yield Listing(source, symbol, base, "USDT", behind, since, underlying=underlying)
