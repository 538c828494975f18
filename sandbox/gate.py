"""Gate v4, spot: candlesticks and currency pairs in their own wire format.

Documented at www.gate.com/docs/developers/apiv4 ("Market candlesticks", "List all currency pairs
supported", "Frequency limit rule", "Label list").
What the documentation leaves open, and what is done here:

- `from` and `to` are both included. A `limit` beside them is refused, and so are over 1,000 points
  counting both ends, and a first point that is over 10,000 points ago.
- Without either a page has the newest `limit` rows, 100 where none is said.
- An hour without a trade is a flat bar, an hour of outage is absent.
- Turnover that was not recorded is sent as 0: see the module on Binance.
- What is delisted stays in the list, untradable, and keeps its candles.

Each endpoint allows 200 requests in ten seconds, and tells what is left of them.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Any

import polars as pl

from sandbox.facts import Facts, Layout, Pair, Shape
from sandbox.limits import Limit, Meter, Meters
from sandbox.venue import Answer, Ask, Endpoint, Metered, Venue, json
from sandbox.wire import Pages, shortest
from sandbox.words import STEPS, Candles, Listing, Market

_SOURCE = "gate"
_CANDLES = "/api/v4/spot/candlesticks"
_PAIRS = "/api/v4/spot/currency_pairs"
_LIMITED = (_CANDLES, _PAIRS)
_MOST = 1000
_USUAL = 100
_RECENT = 10_000
_SECOND = 1000
_BARS = {"1h": "1h", "4h": "4h", "1d": "1d"}


class Refusal(Exception):
    """An error of the venue's own, answered with HTTP 400."""

    def __init__(self, label: str, message: str) -> None:
        super().__init__(message)
        self.label = label
        self.message = message


def _told(label: str, message: str, status: int) -> Answer:
    """Return an error as Gate has it."""
    return json({"label": label, "message": message}, status)


def _whole(ask: Ask, name: str) -> int | None:
    """Return a whole number, or None where it was not sent."""
    value = ask.query.get(name, "")
    if value and not value.isdecimal():
        raise Refusal("INVALID_PARAM_VALUE", f"Invalid {name} value {value}")
    return int(value) if value else None


def render(now: int, frame: pl.DataFrame, candles: Candles) -> list[str]:
    """Write candles as rows of eight: time, quote, close, high, low, open, base, closed."""
    digits = candles.digits
    numbers = {"quote_volume": (frame["quote_volume"].fill_null(0.0), digits.quote)}
    numbers |= {name: (frame[name], digits.price) for name in ("close", "high", "low", "open")}
    numbers["volume"] = frame["volume"].fill_null(0.0), digits.volume
    columns = frame["open_time"], *shortest(numbers).iter_columns()
    return [
        f'["{t // _SECOND}","{q}","{c}","{h}","{low}","{o}","{v}",'
        f'"{"true" if t + candles.step <= now else "false"}"]'
        for t, q, c, h, low, o, v in zip(*(column.to_list() for column in columns), strict=True)
    ]


def pair(listing: Listing, name: str, digits: int, now: int) -> dict[str, Any]:
    """Return a pair as /spot/currency_pairs has it."""
    return {
        "id": listing.symbol,
        "base": listing.base,
        "base_name": name,
        "quote": listing.quote,
        "quote_name": listing.quote,
        "fee": "0.2",
        "min_base_amount": "0.001",
        "min_quote_amount": "3",
        "amount_precision": 6,
        "precision": digits,
        "trade_status": "tradable" if listing.trades_at(now) else "untradable",
        "sell_start": listing.since // _SECOND,
        "buy_start": listing.since // _SECOND,
        "delisting_time": (listing.until or 0) // _SECOND,
        "type": "normal",
        "trade_url": f"https://www.gate.com/trade/{listing.symbol}",
    }


class Gate:
    """The spot market, over a market's candles."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        return {_CANDLES: _checked(self._candles), _PAIRS: _checked(self._pairs)}

    def _candles(self, ask: Ask) -> Answer:
        """Answer a page of candles, oldest first."""
        symbol, bar = ask.query.get("currency_pair", ""), _BARS.get(ask.query.get("interval", ""))
        if bar is None:
            raise Refusal("INVALID_PARAM_VALUE", "Invalid interval")
        listed = self._market.listings(_SOURCE)
        if not any(x.symbol == symbol and x.since <= ask.now for x in listed):
            raise Refusal("INVALID_CURRENCY_PAIR", f"Invalid currency pair {symbol}")
        begin, stop, most = _span(ask, STEPS[bar])
        candles = self._market.candles(_SOURCE, symbol, bar)
        if candles is None:
            return json([])
        pages = Pages(partial(render, ask.now))
        rows = pages.page(candles, begin, stop, most, ask.now)
        return Answer(200, f"[{','.join(rows)}]".encode())

    def _pairs(self, ask: Ask) -> Answer:
        """Answer what is listed, and what was."""
        names = {coin.id: coin.name for coin in self._market.coins}
        listed = [x for x in self._market.listings(_SOURCE) if x.since <= ask.now]
        return json(
            [pair(x, names.get(x.coin or "", x.base), self._digits(x), ask.now) for x in listed]
        )

    def _digits(self, listing: Listing) -> int:
        """Return the decimals of a price."""
        candles = self._market.candles(listing.source, listing.symbol, "1h")
        return 8 if candles is None else candles.digits.price


def _span(ask: Ask, step: int) -> tuple[int | None, int, int]:
    """Return the first and the last time that a row may have, and how many there may be."""
    start, end, limit = (_whole(ask, name) for name in ("from", "to", "limit"))
    if start is None and end is None:
        return None, ask.now, min(limit or _USUAL, _MOST)
    if limit is not None:
        raise Refusal("INVALID_PARAM_VALUE", "limit conflicts with from and to")
    stop = ask.now if end is None else end * _SECOND
    begin = stop - (_USUAL - 1) * step if start is None else start * _SECOND
    if (stop - begin) // step + 1 > _MOST:
        words = "Candlestick range too broad. Maximum 1000 data points are allowed per request"
        raise Refusal("INVALID_PARAM_VALUE", words)
    if begin < ask.now - _RECENT * step:
        words = "Candlestick too long ago. Maximum 10000 points recently are allowed"
        raise Refusal("INVALID_PARAM_VALUE", words)
    return begin, stop, _MOST


def _checked(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the venue's refusals as answers."""

    def checked(ask: Ask) -> Answer:
        try:
            return endpoint(ask)
        except Refusal as no:
            return _told(no.label, no.message, 400)

    return checked


def _telling(endpoint: Endpoint, meter: Meter | None) -> Endpoint:
    """Return the endpoint with headers that tell what is left of its limit."""

    def telling(ask: Ask) -> Answer:
        if meter is None:
            return endpoint(ask)
        left = {
            "X-Gate-RateLimit-Requests-Remain": str(max(meter.budget - meter.used, 0)),
            "X-Gate-RateLimit-Limit": str(meter.budget),
        }
        return endpoint(ask).also(left)

    return telling


def _weight(limited: str, ask: Ask) -> int | None:
    """Return what a request weighs at an endpoint's own limit, None where it is of another."""
    return 1 if ask.path == limited else None


def _face(label: str, message: str, status: int) -> Callable[[Ask, int], Answer]:
    """Return a refusal of everything."""
    return lambda _, __: _told(label, message, status)


_FORBIDDEN = _face("FORBIDDEN", "Access from this country is forbidden", 403)
_FACES = {
    "429": _face("TOO_MANY_REQUESTS", "Request Rate limit Exceeded", 429),
    "403": _FORBIDDEN,
    "451": _FORBIDDEN,
    "geo": _FORBIDDEN,
}
FACTS = (
    Facts(
        _SOURCE,
        candles=_CANDLES,
        listed=_PAIRS,
        layout=Layout((), (0,), 6, 1, None, ("from", "to"), prices=(5, 3, 4, 2), unit=_SECOND),
        shape=Shape(
            (), "id", "base", "trade_status", "buy_start", "delisting_time", int, unit=_SECOND
        ),
        errors=(("NEW_LABEL", _told("NEW_LABEL", "Nobody knows this.", 400)),),
        exchange=("gate", "Gate"),
        pairs=(
            Pair("BTC_USDT", "BTC", "USDT", "bitcoin"),
            Pair("ETH_USDT", "ETH", "USDT", "ethereum"),
            Pair("BTC3L_USDT", "BTC3L", "USDT", None, "LEVERAGED"),
        ),
    ),
)
LIMITS: Mapping[str, Limit] = {
    f"{_SOURCE}{path}": Limit(200, window=10, patience=inf) for path in _LIMITED
}


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return Gate, which allows 200 requests in ten seconds at each of its endpoints."""
    own = {path: meters[f"{_SOURCE}{path}"] for path in _LIMITED}
    table = Gate(market).endpoints()
    return [
        Venue(
            source=_SOURCE,
            endpoints={path: _telling(each, own[path]) for path, each in table.items()},
            not_found=lambda _: _told("NOT_FOUND", "The requested URL was not found", 404),
            faces=_FACES,
            names=("currency_pair",),
            also=tuple(Metered(own[path], partial(_weight, path)) for path in _LIMITED),
        )
    ]
