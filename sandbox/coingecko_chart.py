"""CoinGecko's price points: the chart of a coin, and the week in small.

Documented at docs.coingecko.com ("Coin Historical Chart Data within Time Range by ID"). A price is
where the straight line from an hour's open to its close is at that moment. Points do not lie on the
hour: each comes a little after the step it stands for, as the recorded ones do; daily ones are at
midnight sharp and end with the price of now. `total_volumes` is what was traded in the 24 hours
before, everywhere, which is here so many times one venue's.
"""

from datetime import UTC, datetime

import polars as pl

from sandbox.words import DAY, HOUR, Candles

_FIVE = 300_000
_LATE = {_FIVE: 20_000, HOUR: 180_000, DAY: 1}  # below this, by step
_VENUES = 40
_WEEK = 168


def moment(text: str) -> int | None:
    """Read seconds, or a date as ISO 8601 has it, as milliseconds."""
    try:
        return int(float(text) * 1000)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def step_of(start: int, end: int, now: int) -> int:
    """Return how far apart the points are: that follows from the length and the age."""
    if end - start <= DAY and start >= now - DAY:
        return _FIVE
    return HOUR if end - start <= 90 * DAY else DAY


def _known(candles: Candles, start: int, end: int, now: int) -> pl.DataFrame:
    """Return the hours opening in [start, end), the open one as far as it has come."""
    live = now // HOUR * HOUR
    hours = candles.frame(start, min(end, live))
    return pl.concat([hours, candles.so_far(now)]) if live < end else hours


def _times(start: int, end: int, step: int) -> list[int]:
    """Return when the points are."""
    begin = start // step * step
    late = _LATE[step]
    steps = range(begin, end + 1, step)
    times = [t + (t // step * 48271 % late if late > 1 else 0) for t in steps]
    return [t for t in times if start <= t <= end]


def points(candles: Candles, start: int, end: int, now: int) -> pl.DataFrame:
    """Return time, price and the volume of the 24 hours before, for every point in the range."""
    end, step = min(end, now), step_of(start, end, now)
    times = _times(start, end, step)
    if step == DAY and end == now and times and times[-1] < now:
        times.append(now)
    hours = _known(candles, start - 2 * DAY, end + HOUR, now).with_columns(
        _worth().rolling_sum(24, min_samples=1).alias("total")
    )
    at = pl.DataFrame({"time": pl.Series(times, dtype=pl.Int64)})
    at = at.with_columns((pl.col("time") // HOUR * HOUR).alias("open_time"))
    share = (pl.col("time") - pl.col("open_time")) / HOUR
    price = pl.col("open") + (pl.col("close") - pl.col("open")) * share
    joined = at.join(hours, on="open_time", maintain_order="left")
    return joined.select("time", price.alias("price"), (pl.col("total") * _VENUES).alias("volume"))


def _worth() -> pl.Expr:
    """Return an hour's volume in money, where need be at its closing price."""
    return pl.coalesce("quote_volume", pl.col("volume") * pl.col("close"))


def week(candles: Candles | None, now: int) -> list[float]:
    """Return 168 prices, one an hour: where each hour opened, up to the one that is open now.

    An hour without a candle has the price before it; there are fewer where a coin is younger.
    """
    if candles is None:
        return []
    end = now // HOUR * HOUR + HOUR
    begin = end - _WEEK * HOUR
    at = pl.select(open_time=pl.int_range(begin, end, HOUR, dtype=pl.Int64))
    hours = candles.frame(begin, end).select("open_time", "open")
    filled = at.join(hours, on="open_time", how="left", maintain_order="left")["open"]
    return filled.forward_fill().drop_nulls().to_list()
