"""CoinGecko's prices as hourly candles, indicative ones: `points` tells how they are made.

- `/coins/{id}/market_chart/range`, from and to in seconds, times of the points in milliseconds.
  Points come five minutes apart where the range lies within the last day, hourly up to 90 days,
  daily beyond (docs.coingecko.com/demo/reference/coins-id-market-chart-range). `interval=hourly`
  is left out [U: whether the free plan may say it]. A page is 89 days, so that with what is asked
  for around it the range stays hourly; daily points are told by their distance, and Malformed.
- A range that ends in the future is served up to now [U]. Its last point is the price of the
  moment. Ranges of more than a day may be half an hour old: the newest hour then comes later.
- `market_caps` has points at the same times, in dollars: 0 or null where nobody knows how many of a
  coin there are. Daily points of a range beyond 90 days are at midnight, UTC. A day's market cap is
  that of its first hour: known when the day begins, and what hourly and daily points both have.
- `total_volumes` is a rolling figure of 24 hours, no hour's volume: it is never read.
- `/coins/markets` with `sparkline=true` has 168 hourly prices for each of 250 coins, and no times.
  Assumed [U]: the last is of `last_updated` or of the full hour before it, the others an hour
  apart. The two agree only shortly after a full hour: at any other time nothing is taken. Nor is
  it where the prices that the answer does date, now's and that of 24 hours before, are not where
  they should be, as in a sparkline that is older than it looks [U: some say six hours].
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import polars as pl

from chandlery.errors import Malformed
from chandlery.model import Listing, Window, empty, whole_hour
from chandlery.venues.parsing import columns
from chandlery.venues.parsing.points import EARLY, LATE, POINTS, hours
from chandlery.venues.source import MARKET_CAPS
from sources._coingecko import URL

PAGE_HOURS = 89 * 24
MOST = 250
SPARKS = 168
REACH = timedelta(hours=SPARKS - 2)
DAY = 24
APART = 0.01
"""How far a dated price may lie from the sparkline's, as a part of it."""


def request(listing: Listing, page: Window) -> httpx.Request:
    """The points of a page, from before its first hour to after its last one's end."""
    return chart_request(listing.symbol, page)


def chart_request(coin: str, page: Window) -> httpx.Request:
    """The points of a coin, by its id."""
    params: dict[str, str | int] = {
        "vs_currency": "usd",
        "from": int((page.start - EARLY).timestamp()),
        "to": int((page.end + LATE - EARLY).timestamp()),
    }
    address = f"{URL}/coins/{quote(coin, safe='')}"
    return httpx.Request("GET", f"{address}/market_chart/range", params=params)


def parse(response: httpx.Response) -> pl.DataFrame:
    """The hours that the points of a market chart tell."""
    found = _points(columns.json(response), "prices")
    return empty() if found is None else hours(found)


def market_caps(response: httpx.Response) -> pl.DataFrame:
    """The market caps that a chart tells, one a UTC day, as MARKET_CAPS: of the day's first hour.

    Malformed where there are points and they are none of time and value.
    """
    found = _points(columns.json(response), "market_caps")
    if found is None:
        return MARKET_CAPS.to_frame()
    shifted = found.filter(pl.col("price") > 0).with_columns(pl.col("at") + EARLY).sort("at")
    first = shifted.filter(pl.col("at").dt.hour() == 0)
    by_day = first.group_by(day=pl.col("at").dt.date(), maintain_order=True)
    return by_day.agg(market_cap=pl.col("price").first())


def _points(body: Any, name: str) -> pl.DataFrame | None:  # noqa: ANN401 - JSON may be anything
    """The points of a chart's list as POINTS; None where the list is empty."""
    rows = body.get(name) if isinstance(body, dict) else None
    if rows == []:
        return None
    pairs = list(filter(_pair, rows)) if isinstance(rows, list) else []
    if not isinstance(rows, list) or 2 * len(pairs) <= len(rows):
        raise Malformed(f"its {name} are not pairs of time and value")
    dated = [row for row in pairs if columns.EARLIEST <= row[0] <= columns.LATEST]
    if 2 * len(dated) <= len(rows):
        raise Malformed("its times are not in milliseconds")
    # A point that cannot be read, or whose value is null or 0, is one that is not there.
    told = [row for row in dated if row[1]]
    at = pl.Series("at", [row[0] for row in told], dtype=pl.Datetime("ms", "UTC"))
    price = pl.Series("price", [float(row[1]) for row in told], dtype=pl.Float64)
    return pl.DataFrame([at.cast(POINTS["at"]), price])


def _pair(row: object) -> bool:
    # By type: to Python true is a number.
    return (
        type(row) is list
        and len(row) == len(POINTS)
        and type(row[0]) is int
        and (row[1] is None or _number(row[1]))
    )


def _number(value: object) -> bool:
    return type(value) in {int, float}


def many_request(listings: Sequence[Listing]) -> httpx.Request:
    """The week's prices of these coins."""
    # By hand: an encoded comma is three signs, and 250 of the longest ids make an address of 8 KB.
    ids = ",".join(quote(listing.symbol, safe="") for listing in listings)
    fixed = f"vs_currency=usd&sparkline=true&per_page={MOST}&page=1"
    return httpx.Request("GET", f"{URL}/coins/markets?{fixed}&ids={ids}")


def many_parse(response: httpx.Response) -> Mapping[str, pl.DataFrame]:
    """The hours that are sure, by coin id."""
    rows = columns.json(response)
    if not isinstance(rows, list):
        raise Malformed(f"not a list of objects but {type(rows).__name__}")
    return {row["id"]: hours(_dated(row)) for row in rows if isinstance(row, dict) and _sure(row)}


def _sure(row: Mapping[str, Any]) -> bool:
    """Whether the sparkline is whole, dated shortly after a full hour, and where it should be."""
    at, prices = _updated(row), _sparks(row)
    if not isinstance(row.get("id"), str) or at is None or len(prices) != SPARKS:
        return False
    if at + EARLY - whole_hour(at + EARLY) >= LATE:
        return False
    now: Any = row.get("current_price")
    change: Any = row.get("price_change_24h")
    if not _number(now) or not _number(change):
        return False
    return _near(now, prices[-1]) and _near(now - change, prices[-1 - DAY])


def _near(price: float, other: float) -> bool:
    return abs(price - other) <= APART * other


def _updated(row: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(row["last_updated"])
        told = at.tzinfo and columns.EARLIEST <= at.timestamp() * 1000 <= columns.LATEST
        return at.astimezone(UTC) if told else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _sparks(row: Mapping[str, Any]) -> list[float]:
    sparkline = row.get("sparkline_in_7d")
    prices = sparkline.get("price") if isinstance(sparkline, dict) else None
    known = isinstance(prices, list) and all(map(_number, prices))
    return [float(price) for price in prices] if known and prices else []


def _dated(row: Mapping[str, Any]) -> pl.DataFrame:
    last, prices = _updated(row), _sparks(row)
    if last is None:
        return POINTS.to_frame()
    times = [last - timedelta(hours=back) for back in reversed(range(len(prices)))]
    return pl.DataFrame({"at": times, "price": prices}, schema=POINTS)
