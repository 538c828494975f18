"""Bybit v5, linear contracts and spot: klines and instruments in their own wire format.

Documented at bybit-exchange.github.io/docs/v5 ("Get Kline", "Get Instruments Info", "Rate Limit").
What the documentation leaves open, and what is done here:

- With `start` alone a page has the first rows from it, with an `end` the newest before it; rows
  always come newest first. Nothing says which of the rows are closed.
- `limit` over 1000 gives 1000.
- `instruments-info` has what trades unless a `status` is asked for; what was delisted is
  `Closed` and keeps its candles. A perpetual's `deliveryTime` is when it is delisted, or 0.
- Spot is a market of its own. Its list comes whole: what trades, and nothing of what is gone.
- Either name that the sandbox has for Bybit answers for both, and they have one limit.
- Turnover that was not recorded is sent as 0: see the module on Binance.

Over 600 requests in five seconds the address is turned away for ten minutes, in HTML. The softer
`10006` (HTTP 200) is a fault to switch on (`429`).
"""

from typing import Any
from urllib.parse import quote, unquote

import polars as pl

from sandbox.bybit_info import instrument, pair
from sandbox.facts import Facts, Layout, Pair, Shape
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Endpoint, Face, Venue, json
from sandbox.wire import Pages, shortest
from sandbox.words import Candles, Listing, Market

_MOST = 1000
_FAR = 10**15
_MARKETS = {"linear": "bybit", "spot": "bybit_spot", "inverse": "bybit_inverse"}
_INTERVALS = {
    "60": "1h", "120": "2h", "240": "4h", "360": "6h", "720": "12h", "D": "1d",
}  # fmt: skip


class Refusal(Exception):
    """An error of the venue's own, answered with HTTP 200 and a retCode."""


def _enveloped(result: dict[str, Any], now: int, code: int = 0, message: str = "OK") -> Answer:
    """Return a result as Bybit wraps it."""
    head = {"retCode": code, "retMsg": message, "result": result}
    return json({**head, "retExtInfo": {}, "time": now})


def _whole(ask: Ask, name: str) -> int | None:
    """Return a whole number, or None where it was not sent."""
    value = ask.query.get(name, "")
    if value and not value.isdecimal():
        raise Refusal(f"params error: {name} invalid")
    return int(value) if value else None


def _limit(ask: Ask, usual: int) -> int:
    """Return how many rows were asked for."""
    limit = _whole(ask, "limit")
    return usual if limit is None else max(1, min(limit, _MOST))


def render(frame: pl.DataFrame, candles: Candles) -> list[str]:
    """Write candles as rows of seven."""
    digits = candles.digits
    numbers = {name: (frame[name], digits.price) for name in ("open", "high", "low", "close")}
    numbers["volume"] = frame["volume"].fill_null(0.0), digits.volume
    numbers["quote_volume"] = frame["quote_volume"].fill_null(0.0), digits.quote
    columns = frame["open_time"], *shortest(numbers).iter_columns()
    return [
        f'["{t}","{o}","{h}","{low}","{c}","{v}","{q}"]'
        for t, o, h, low, c, v, q in zip(*(column.to_list() for column in columns), strict=True)
    ]


class Bybit:
    """The venue, over a market's candles."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._pages = Pages(render)

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        table: dict[str, Endpoint] = {
            "/v5/market/kline": self._klines,
            "/v5/market/instruments-info": self._instruments,
            "/v5/market/time": lambda ask: _enveloped(
                {"timeSecond": str(ask.now // 1000), "timeNano": str(ask.now * 10**6)}, ask.now
            ),
        }
        return {path: _checked(endpoint) for path, endpoint in table.items()}

    def _klines(self, ask: Ask) -> Answer:
        """Answer a page of candles, newest first."""
        category, symbol = ask.query.get("category", "linear"), ask.query.get("symbol", "")
        if category not in _MARKETS:
            raise Refusal("Illegal category")
        source = _MARKETS[category]
        listed = self._market.listings(source)
        if not any(x.symbol == symbol and x.since <= ask.now for x in listed):
            raise Refusal("params error: Symbol Is Invalid")
        interval = _INTERVALS.get(ask.query.get("interval", ""))
        if interval is None:
            raise Refusal("Invalid period!")
        start, end = _whole(ask, "start"), _whole(ask, "end")
        rows: list[str] = []
        candles = self._market.candles(source, symbol, interval)
        if candles is not None:
            most = _limit(ask, 200)
            stop = _FAR if end is None else end
            newest = end is not None
            rows = self._pages.page(candles, start, stop, most, ask.now, newest=newest)
        return _page(category, symbol, rows, ask.now)

    def _instruments(self, ask: Ask) -> Answer:
        """Answer a page of what is listed."""
        category = ask.query.get("category", "")
        if category not in _MARKETS:
            raise Refusal("Illegal category")
        if category == "spot":
            return self._pairs(ask)
        chosen = sorted(self._chosen(_MARKETS[category], ask), key=lambda x: x.symbol)
        last = _after(ask.query.get("cursor", ""))
        rest = [x for x in chosen if x.symbol > last]
        page = rest[: _limit(ask, 500)]
        cursor = f"first={page[0].symbol}&last={page[-1].symbol}" if len(page) < len(rest) else ""
        rows = [instrument(x, self._digits(x), ask.now) for x in page]
        result = {"category": category, "list": rows, "nextPageCursor": quote(cursor, safe="")}
        return _enveloped(result, ask.now)

    def _pairs(self, ask: Ask) -> Answer:
        """Answer what trades on spot."""
        listed = [x for x in self._market.listings(_MARKETS["spot"]) if x.trades_at(ask.now)]
        rows = [pair(x, self._digits(x)) for x in listed]
        return _enveloped({"category": "spot", "list": rows}, ask.now)

    def _chosen(self, source: str, ask: Ask) -> list[Listing]:
        """Return the listings asked for: by symbol, by base, by status."""
        symbol, base = ask.query.get("symbol"), ask.query.get("baseCoin")
        trading = ask.query.get("status", "Trading") == "Trading"
        return [
            x
            for x in self._market.listings(source)
            if x.since <= ask.now
            and x.trades_at(ask.now) == trading
            and symbol in (None, x.symbol)
            and base in (None, x.base)
        ]

    def _digits(self, listing: Listing) -> int:
        """Return the decimals of a price."""
        candles = self._market.candles(listing.source, listing.symbol, "1h")
        return 8 if candles is None else candles.digits.price


def _after(cursor: str) -> str:
    """Return the symbol a cursor goes on behind; it may have been quoted once too often."""
    while "%" in cursor:
        cursor = unquote(cursor)
    if cursor and not cursor.startswith("first="):
        raise Refusal("params error: cursor invalid")
    return cursor.rpartition("last=")[2]


def _page(category: str, symbol: str, rows: list[str], now: int) -> Answer:
    """Return ascending rows newest first."""
    what = f'"symbol":"{symbol}","category":"{category}","list":[{",".join(reversed(rows))}]'
    body = f'{{"retCode":0,"retMsg":"OK","result":{{{what}}},"retExtInfo":{{}},"time":{now}}}'
    return Answer(200, body.encode())


def _checked(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the venue's refusals as answers."""

    def checked(ask: Ask) -> Answer:
        try:
            return endpoint(ask)
        except Refusal as no:
            return _enveloped({}, ask.now, 10001, str(no))

    return checked


def _page_of_403(title: str) -> Face:
    """Return what turns an address away, in HTML."""
    body = f"<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>{title}</body>\r\n</html>"
    return lambda _, __: Answer(403, body.encode(), media="text/html")


_REGION = _page_of_403(
    "The Amazon CloudFront distribution is configured to block access from your country."
)
_FACES: dict[str, Face] = {
    "429": lambda ask, _: _enveloped({}, ask.now, 10006, "Too many visits"),
    "418": _page_of_403("access too frequent"),
    "403": _REGION,
    "451": _REGION,
    "geo": _REGION,
}


_ERRORS = tuple(
    (f"{code} {message}", _enveloped({}, 0, code, message))
    for code, message in (
        (170007, "Timeout waiting for response from backend server."),
        (10001, "Request parameter error."),
    )
)
_LIST = Shape(("result", "list"), "symbol", "baseCoin", "status")
_CONTRACTS = _LIST._replace(begins="launchTime", ends="deliveryTime")
FACTS = tuple(
    Facts(
        source,
        candles="/kline",
        hour=("interval", "60"),
        listed="/instruments-info",
        layout=Layout(("result", "list"), (0,), 5, 6, None, ("start", "end")),
        shape=shape,
        errors=_ERRORS,
        exchange=exchange,
        derivatives=derivatives,
        pairs=pairs,
    )
    for source, shape, exchange, derivatives, pairs in (
        ("bybit", _CONTRACTS, ("bybit", "Bybit (Futures)"), True, ()),
        (
            "bybit_spot",
            _LIST,
            ("bybit_spot", "Bybit"),
            False,
            (
                Pair("BTCUSDT", "BTC", "USDT", "bitcoin"),
                Pair("ETHUSDT", "ETH", "USDT", "ethereum"),
                Pair("AAPLXUSDT", "AAPLX", "USDT", None, "EQUITY"),
            ),
        ),
    )
)
LIMITS = {"bybit": Limit(600, window=5, patience=0, ban=600)}


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return Bybit, under the names of both its markets."""
    endpoints = Bybit(market).endpoints()
    return [
        Venue(
            source=name,
            endpoints=endpoints,
            not_found=lambda _: Answer(404, b"404 page not found", media="text/plain"),
            faces=_FACES,
            meter=meters["bybit"],
            weigh=lambda _: 1,
        )
        for name in ("bybit", "bybit_spot")
    ]
