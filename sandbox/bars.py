"""Bars made of bars: longer timeframes, the bar still open, hours without those of no trade."""

from dataclasses import dataclass

import polars as pl

from sandbox.words import COLUMNS, HOUR, Candles, Digits, hour_of

_TRADED = pl.col("volume") > 0


def _traded(statistic: pl.Expr, otherwise: pl.Expr, name: str) -> pl.Expr:
    """Return the statistic over traded hours, or over all where none was traded."""
    return pl.coalesce(statistic, otherwise).alias(name)


def longer(hours: pl.DataFrame, step: int, digits: Digits) -> pl.DataFrame:
    """Add hours up to bars of a longer timeframe, as Binance does it.

    Hours without volume are left out of open, high and low unless the whole bar has none; a bar
    with missing hours is still a bar, one without any hour is none.
    """
    bucket = (pl.col("open_time") // step * step).alias("open_time")
    o, h, low = pl.col("open"), pl.col("high"), pl.col("low")
    known = [
        pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)
        for name in ("quote_volume", "trades")
    ]
    rounded = (pl.col("volume").round(digits.volume), pl.col("quote_volume").round(digits.quote))
    return (
        hours.group_by(bucket, maintain_order=True)
        .agg(
            _traded(o.filter(_TRADED).first(), o.first(), "open"),
            _traded(h.filter(_TRADED).max(), h.max(), "high"),
            _traded(low.filter(_TRADED).min(), low.min(), "low"),
            pl.col("close").last(),
            pl.col("volume").sum(),
            *known,
        )
        .with_columns(rounded)
        .select(COLUMNS)
    )


def begun(bar: pl.DataFrame, share: float, digits: Digits) -> pl.DataFrame:
    """Return a bar as it may have looked when a share of its time was over.

    Nobody recorded that, so it is made up: the price goes straight from open to close, the range
    and the volumes grow evenly. It opens where the bar opened and ends as the bar ended.
    """

    def part(name: str) -> pl.Expr:
        return pl.col("open") + (pl.col(name) - pl.col("open")) * share

    close = part("close").round(digits.price)
    return bar.with_columns(
        close=close,
        high=pl.max_horizontal("open", close, part("high").round(digits.price)),
        low=pl.min_horizontal("open", close, part("low").round(digits.price)),
        volume=(pl.col("volume") * share).round(digits.volume),
        quote_volume=(pl.col("quote_volume") * share).round(digits.quote),
        trades=(pl.col("trades") * share).cast(pl.Int64),
    )


def bought(bars: pl.DataFrame, digits: Digits) -> dict[str, tuple[pl.Series, int]]:
    """Return what takers bought of each bar, base and quote, and the decimals of both.

    Nobody recorded that, so it is made up: the nearer to its high a bar closes, and to its low it
    opens, the more. That is 0.3 to 0.7 of what was traded, a half where the price stood still.
    """
    rise, reach = pl.col("close") - pl.col("open"), pl.col("high") - pl.col("low")
    share = (0.5 + 0.2 * rise / reach).fill_nan(0.5)
    parts = bars.select(
        (pl.col("volume").fill_null(0.0) * share).round(digits.volume),
        (pl.col("quote_volume").fill_null(0.0) * share).round(digits.quote),
    )
    return {
        "taker_buy_volume": (parts["volume"], digits.volume),
        "taker_buy_quote_volume": (parts["quote_volume"], digits.quote),
    }


def open_bar(candles: Candles, now: int) -> pl.DataFrame:
    """Return the bar that is open now, as far as it has come: one row, or none."""
    start = now // candles.step * candles.step
    bar = candles.frame(start, start + candles.step)
    return begun(bar, (now - start) / candles.step, candles.digits)


@dataclass(frozen=True)
class Longer:
    """A longer timeframe made of a symbol's hours."""

    hours: Candles
    step: int

    @property
    def first(self) -> int:
        """The oldest open time."""
        return self.hours.first // self.step * self.step

    @property
    def last(self) -> int:
        """The newest open time there will ever be."""
        return self.hours.last // self.step * self.step

    @property
    def digits(self) -> Digits:
        """The decimals the venue shows."""
        return self.hours.digits

    def frame(self, start: int, end: int) -> pl.DataFrame:
        """Return the candles opening in [start, end), each with all of its hours."""
        begin = -(-start // self.step) * self.step
        stop = -(-end // self.step) * self.step
        return longer(self.hours.frame(begin, stop), self.step, self.digits)

    def so_far(self, now: int) -> pl.DataFrame:
        """Return the open bar out of its closed hours and the open one."""
        start, hour = now // self.step * self.step, now // HOUR * HOUR
        hours = pl.concat([self.hours.frame(start, hour), self.hours.so_far(now)])
        return longer(hours, self.step, self.digits)


@dataclass(frozen=True)
class Joined:
    """The hours of a symbol that meant several things in turn, oldest first."""

    parts: tuple[Candles, ...]
    step: int = HOUR

    @property
    def first(self) -> int:
        """The oldest open time."""
        return self.parts[0].first

    @property
    def last(self) -> int:
        """The newest open time there will ever be."""
        return self.parts[-1].last

    @property
    def digits(self) -> Digits:
        """The decimals the venue shows, of whichever part shows more."""
        each = [part.digits for part in self.parts]
        return Digits(
            max(d.price for d in each), max(d.volume for d in each), max(d.quote for d in each)
        )

    def frame(self, start: int, end: int) -> pl.DataFrame:
        """Return the candles opening in [start, end)."""
        return pl.concat([part.frame(start, end) for part in self.parts])

    def so_far(self, now: int) -> pl.DataFrame:
        """Return the hour that is open now, as far as it has come."""
        return open_bar(self, now)


@dataclass(frozen=True)
class Within:
    """A symbol's hours as long as they meant one thing."""

    hours: Candles
    since: int
    until: int | None
    step: int = HOUR

    @property
    def first(self) -> int:
        """The oldest open time."""
        return max(self.hours.first, self.since)

    @property
    def last(self) -> int:
        """The newest open time there will ever be."""
        last = self.hours.last
        return last if self.until is None else min(last, hour_of(self.until - 1))

    @property
    def digits(self) -> Digits:
        """The decimals the venue shows."""
        return self.hours.digits

    def frame(self, start: int, end: int) -> pl.DataFrame:
        """Return the candles opening in [start, end)."""
        return self.hours.frame(max(start, self.first), min(end, self.last + HOUR))

    def so_far(self, now: int) -> pl.DataFrame:
        """Return the hour that is open now, as far as it has come."""
        return open_bar(self, now)


@dataclass(frozen=True)
class Traded:
    """A symbol's hours without those in which nothing was traded."""

    hours: Candles

    @property
    def step(self) -> int:
        """The timeframe in milliseconds."""
        return self.hours.step

    @property
    def first(self) -> int:
        """The oldest open time."""
        return self.hours.first

    @property
    def last(self) -> int:
        """The newest open time there will ever be."""
        return self.hours.last

    @property
    def digits(self) -> Digits:
        """The decimals the venue shows."""
        return self.hours.digits

    def frame(self, start: int, end: int) -> pl.DataFrame:
        """Return the candles opening in [start, end)."""
        return self.hours.frame(start, end).filter(_TRADED)

    def so_far(self, now: int) -> pl.DataFrame:
        """Return the bar that is open now, once there was a trade in it."""
        return self.hours.so_far(now).filter(_TRADED)
