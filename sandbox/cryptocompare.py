"""CryptoCompare (CoinDesk Data): hours in their own wire format.

Documented at min-api.cryptocompare.com ("Hourly Pair OHLCV"). It is for sale only: without a key
(header `Authorization: Apikey …`, or `api_key=`) there is nothing. What is done here:

- A page has `limit` + 1 hours ending with the one `toTs` lies in; the last may be open.
- An hour without candles, before a listing or in a hole, is a row of zeros.
- A pair is a ticker, which is the best-ranked coin's that bears it, against USD or USDT.
- Errors come with HTTP 200, `"Response":"Error"` and a `Type`, but for a missing key (401).
- A turnover that was not recorded is sent as 0.
"""

from math import inf
from typing import Any

import polars as pl

from sandbox.facts import Facts
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Venue, json
from sandbox.words import HOUR, Candles, Market

_MOST = 2000
_USUAL = 168
_HOURS = "/data/v2/histohour"
_QUOTES = ("USD", "USDT")
_OVER = {
    "calls_made": {
        "second": 5, "minute": 5, "hour": 955, "day": 10004, "month": 15146, "total_calls": 15152
    },
    "max_calls": {"second": 20, "minute": 300, "hour": 3000, "day": 10000, "month": 75000},
}  # fmt: skip


def _error(message: str, kind: int, limits: dict[str, Any], **more: str) -> Answer:
    """Return an error as CryptoCompare words it: with HTTP 200."""
    head = {"Response": "Error", "Message": message, "HasWarning": False, "Type": kind}
    return json({**head, "RateLimit": limits, "Data": {}, **more})


def _missing_key(_: Ask, __: int = 0) -> Answer:
    """Turn away who does not pay."""
    message = "API key required. Please visit https://developers.coindesk.com to get one."
    return json({"Data": {}, "Err": {"type": 2, "message": message}}, 401)


def _has_key(ask: Ask) -> bool:
    """Tell whether a key was sent; any will do."""
    sent = ask.headers.get("authorization", "")
    return bool(sent.removeprefix("Apikey").strip() or ask.query.get("api_key"))


def rows(candles: Candles | None, last: int, count: int, now: int) -> list[dict[str, Any]]:
    """Return so many hours up to the last, zeros where there is no candle."""
    first = last - (count - 1) * HOUR
    hours = pl.select(open_time=pl.int_range(first, last + HOUR, HOUR, dtype=pl.Int64))
    live = now // HOUR * HOUR
    if candles is not None:
        known = candles.frame(first, min(last + HOUR, live))
        known = pl.concat([known, candles.so_far(now)]) if last == live else known
        hours = hours.join(known, on="open_time", how="left", maintain_order="left")
    for name in ("high", "low", "open", "volume", "quote_volume", "close"):
        if name not in hours.columns:
            hours = hours.with_columns(pl.lit(0.0).alias(name))
    return hours.select(
        (pl.col("open_time") // 1000).alias("time"),
        *(pl.col(name).fill_null(0.0) for name in ("high", "low", "open")),
        pl.col("volume").fill_null(0.0).alias("volumefrom"),
        pl.col("quote_volume").fill_null(0.0).alias("volumeto"),
        pl.col("close").fill_null(0.0),
        pl.lit("direct").alias("conversionType"),
        pl.lit("").alias("conversionSymbol"),
    ).to_dicts()


class CryptoCompare:
    """CryptoCompare, over a market's coins."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def hours(self, ask: Ask) -> Answer:
        """Answer a page of hours."""
        if not _has_key(ask):
            return _missing_key(ask)
        for name in ("fsym", "tsym"):
            if not ask.query.get(name):
                return _error(f"{name} param seems to be missing.", 2, {}, ParamWithError=name)
        for name in ("limit", "toTs"):
            if not ask.query.get(name, "0").isdecimal():
                return _error(f"{name} param is not an integer.", 2, {}, ParamWithError=name)
        limit = int(ask.query.get("limit", _USUAL))
        if limit > _MOST:
            return _error("limit is larger than max value.", 2, {}, ParamWithError="limit")
        return self._page(ask, limit + 1)

    def _page(self, ask: Ask, count: int) -> Answer:
        """Answer a page of a pair, if there is one."""
        ticker, quote = ask.query["fsym"].upper(), ask.query["tsym"].upper()
        if quote not in _QUOTES or not self._knows(ticker):
            pair = f"{ticker}-{quote}"
            return _error(f"CCCAGG market does not exist for this coin pair ({pair})", 2, {})
        asked = int(ask.query.get("toTs", 0)) * 1000
        last = min(asked or ask.now, ask.now) // HOUR * HOUR
        found = rows(self._market.candles("cryptocompare", ticker, "1h"), last, count, ask.now)
        head = {"Response": "Success", "Message": "", "HasWarning": False, "Type": 100}
        ends = {"TimeFrom": found[0]["time"], "TimeTo": found[-1]["time"]}
        return json({**head, "RateLimit": {}, "Data": {"Aggregated": False, **ends, "Data": found}})

    def _knows(self, ticker: str) -> bool:
        """Tell whether a coin bears the ticker."""
        return any(coin.symbol.upper() == ticker for coin in self._market.coins)


FACTS = (Facts("cryptocompare"),)
LIMITS = {"cryptocompare": Limit(300, patience=inf)}  # a small plan's


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return CryptoCompare."""
    over = "You are over your rate limit please upgrade your account!"
    return [
        Venue(
            source="cryptocompare",
            endpoints={_HOURS: CryptoCompare(market).hours},
            not_found=lambda _: _error("Path does not exist", 1, {}),
            faces={"429": lambda _, __: _error(over, 99, _OVER), "401": _missing_key},
            meter=meters["cryptocompare"],
            weigh=lambda _: 1,
            names=("fsym",),
        )
    ]
