"""Candles made up from a seed: any window of any symbol, at once, without end into the present.

A price is smooth noise of several periods (from an hour to three years) added up, so it is known at
any hour without walking there from the start; an hour opens where the one before it closed. The
same seed gives the same candles whenever and in whatever pieces they are asked for. Hours of
outage, common to all symbols of a venue, are absent; in quiet markets some hours pass without a
trade and come as flat bars.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import exp, floor

import polars as pl

from sandbox.bars import open_bar
from sandbox.words import COLUMNS, HOUR, Digits

# Period in hours and how far the logarithm of the price swings over it.
_SWINGS = (
    (1, 0.003),
    (6, 0.008),
    (36, 0.02),
    (250, 0.06),
    (2000, 0.16),
    (26000, 0.6),
)

# The hours the venues were away, as the recordings have it.
_OUTAGES = {
    "binance_spot": (
        ("2018-02-08T00:00Z", 34),
        ("2018-06-26T02:00Z", 10),
        ("2019-05-15T03:00Z", 10),
        ("2020-02-19T12:00Z", 5),
        ("2020-12-21T15:00Z", 3),
        ("2021-04-25T05:00Z", 4),
        ("2021-08-13T02:00Z", 5),
        ("2021-09-29T07:00Z", 2),
        ("2023-03-24T13:00Z", 1),
    ),
    "binance_futures": (("2020-03-13T02:00Z", 2), ("2021-08-13T03:00Z", 1)),
}

# Above which price so many decimals are shown of price and of volume.
_DIGITS = ((100.0, 2, 5), (1.0, 4, 2), (0.1, 5, 1), (0.01, 6, 0), (0.0, 8, 0))

_PRIMES = (2147483647, 2147483629, 2147483587)


def salt(*words: object) -> int:
    """Return a number below 2**31 that stands for these words."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


def digits_for(price: float) -> Digits:
    """Return the decimals a venue would show at that price."""
    _, of_price, of_volume = next(row for row in _DIGITS if price >= row[0])
    return Digits(of_price, of_volume, 4)


def outages(source: str) -> list[int]:
    """Return the open times at which a venue was away."""
    starts = ((datetime.fromisoformat(t), hours) for t, hours in _OUTAGES.get(source, ()))
    return [int(t.timestamp()) * 1000 + i * HOUR for t, hours in starts for i in range(hours)]


def _ticks(number: pl.Expr, digits: int) -> pl.Expr:
    """Return a whole number of smallest steps as the number a reader of its decimals gets.

    The divisor is a column: dividing by a number, polars multiplies by its inverse, which is not
    exact.
    """
    scale: pl.Expr = pl.col("h") * 0 + 10**digits
    return number / scale


def _chance(whole: pl.Expr, key: int) -> pl.Expr:
    """Return a number in [0, 1) for each whole number: the same one every time."""
    first, second, third = _PRIMES
    mixed = (whole * 48271 + key) % first * 69621 + key
    return (mixed % second * 40692 % third).cast(pl.Float64) / third


def _die(whole: int, key: int) -> float:
    """Return the chance of one whole number."""
    first, second, third = _PRIMES
    mixed = (whole * 48271 + key) % first * 69621 + key
    return mixed % second * 40692 % third / third


@dataclass(frozen=True)
class MadeUp:
    """The hours of one symbol.

    `coin` and `symbol` are seeds: two symbols of one coin move together and differ a little.
    `price` is about where it trades, `turnover` about how much in an hour, in quote units;
    `quiet` is the share of hours without a trade, `wild` scales the swings.
    """

    coin: int
    symbol: int
    first: int
    last: int
    price: float
    turnover: float
    quiet: float = 0.0
    wild: float = 1.0
    away: Sequence[int] = ()
    step: int = HOUR

    @cached_property
    def digits(self) -> Digits:
        """The decimals the venue shows."""
        return digits_for(self.price)

    @cached_property
    def _stages(self) -> tuple[Sequence[pl.Expr], ...]:
        """Return the computation, each stage on the columns of those before it."""
        return (
            [(pl.col("h") // p).alias(f"k{p}") for p, _ in _SWINGS],
            [*self._lattice(), *self._chances()],
            [self._logarithm().alias("level")],
            [self._opens().alias("open")],
            [self._close().alias("close")],
            self._shape(),
            self._volumes(),
        )

    def _lattice(self) -> list[pl.Expr]:
        """Return where an hour lies between two turning points of each period, and their values."""
        return [
            expression.alias(f"{name}{p}")
            for p, _ in _SWINGS
            for name, expression in (
                ("f", (pl.col("h") - pl.col(f"k{p}") * p) / p),
                ("a", _chance(pl.col(f"k{p}"), self.coin + p)),
                ("b", _chance(pl.col(f"k{p}") + 1, self.coin + p)),
            )
        ]

    def _chances(self) -> list[pl.Expr]:
        """Return the dice of an hour, by what they decide."""
        names = ("above", "below", "much", "idle", "basis")
        return [
            _chance(pl.col("h"), self.symbol + i * 7919).alias(name) for i, name in enumerate(names)
        ]

    def _logarithm(self) -> pl.Expr:
        """Add the swings up: smoothly from each turning point to the next."""
        total = pl.col("basis") * 0.0004
        for p, swing in _SWINGS:
            f, a, b = (pl.col(f"{name}{p}") for name in "fab")
            smooth = f * f * (3 - 2 * f)
            total = total + (a + (b - a) * smooth - 0.5) * (2 * swing * self.wild)
        return total

    def _opens(self) -> pl.Expr:
        """Return the price in the venue's smallest steps, as the number a reader gets."""
        steps = self.price * 10**self.digits.price
        return _ticks((pl.col("level").exp() * steps).round().clip(1), self.digits.price)

    def _close(self) -> pl.Expr:
        """Return the next hour's open, or the same hour's where nothing was traded."""
        idle = pl.col("idle") < self.quiet
        return pl.when(idle).then(pl.col("open")).otherwise(pl.col("open").shift(-1))

    def _shape(self) -> list[pl.Expr]:
        """Return how far the price went beyond open and close, and the volume."""
        digits = self.digits
        traded = (pl.col("idle") >= self.quiet).cast(pl.Float64)
        reach = 0.006 * self.wild * traded
        body = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
        scale = 10**digits.price
        high = (body[0] * (1 + pl.col("above") * reach) * scale).ceil()
        low = (body[1] * (1 - pl.col("below") * reach) * scale).floor().clip(1)
        lively = 0.2 + pl.col("much") * pl.col("much") * 3
        units = (lively * (self.turnover / self.price)).clip(10.0**-digits.volume) * traded
        return [
            pl.when(traded > 0).then(_ticks(high, digits.price)).otherwise("open").alias("high"),
            pl.when(traded > 0).then(_ticks(low, digits.price)).otherwise("open").alias("low"),
            _ticks((units * 10**digits.volume).round(), digits.volume).alias("volume"),
        ]

    def _volumes(self) -> list[pl.Expr]:
        """Return the quote volume at the middle price, and the number of trades."""
        middle = (pl.col("open") + pl.col("close")) / 2
        steps = (pl.col("volume") * middle * 10**self.digits.quote).round()
        quote = _ticks(steps, self.digits.quote)
        trades = (quote / 400 * (0.5 + pl.col("much"))).ceil().cast(pl.Int64)
        return [
            (pl.col("h") * HOUR).alias("open_time"),
            quote.alias("quote_volume"),
            pl.when(pl.col("volume") > 0).then(trades.clip(1)).otherwise(0).alias("trades"),
        ]

    def frame(self, start: int, end: int) -> pl.DataFrame:
        """Return the hours opening in [start, end)."""
        begin = -(-max(start, self.first) // HOUR)
        stop = max(begin, -(-min(end, self.last + HOUR) // HOUR))
        rows = pl.select(h=pl.int_range(begin, stop + 1, dtype=pl.Int64))
        for stage in self._stages:
            rows = rows.with_columns(stage)
        rows = rows.head(-1).select(COLUMNS)
        away = [t for t in self.away if begin * HOUR <= t < stop * HOUR]
        return rows.filter(~pl.col("open_time").is_in(away)) if away else rows

    def close_at(self, hour: int) -> float | None:
        """Return the close of the hour opening then, None where there is none.

        It is that of `frame`, reckoned singly: a hundred times as quick for one hour.
        """
        if not self.first <= hour <= self.last or hour in self.away:
            return None
        idle = _die(hour // HOUR, self.symbol + 3 * 7919) < self.quiet
        return self._open_at(hour // HOUR if idle else hour // HOUR + 1)

    def _open_at(self, h: int) -> float:
        """Return the price at an hour, counted in hours since 1970."""
        level = _die(h, self.symbol + 4 * 7919) * 0.0004
        for p, swing in _SWINGS:
            k, f = h // p, (h - h // p * p) / p
            a, b = _die(k, self.coin + p), _die(k + 1, self.coin + p)
            smooth = f * f * (3 - 2 * f)
            level = level + (a + (b - a) * smooth - 0.5) * (2 * swing * self.wild)
        scale = 10.0**self.digits.price
        return max(1, floor(exp(level) * (self.price * scale) + 0.5)) / scale

    def so_far(self, now: int) -> pl.DataFrame:
        """Return the hour that is open now, as far as it has come."""
        return open_bar(self, now)
