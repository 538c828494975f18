"""MEXC spot: klines and symbols in their own wire format.

Documented at www.mexc.com/api-docs/spot-v3 ("General Info", "Market Data Endpoints", "Error Code").
What the documentation leaves open, and what is done here:

- `endTime` is exclusive, as ccxt takes it. Both times given, a page has the first rows from
  `startTime` on. `endTime` alone gives the newest rows before it, `startTime` alone is not heeded.
- `limit` over 500 gives 500 without a word.
- Bars of 60m, 4h and 1d are held. All others are refused as a wrong parameter (33333).
- Closing time is the opening of the next bar, as recorded.
- An hour without a trade is a flat bar, an hour of outage is absent.
- Turnover that was not recorded is sent as 0: see the module on Binance.
- What is delisted is in no list and has no klines. `/symbol/offline` alone still tells of it.
- An unknown symbol is -1121 to klines and 10007 to exchangeInfo, with HTTP 400.
- A contract's address is in capitals. Of a network's own coin it is empty.
- Each endpoint is metered and banned by itself, while a real ban is the address's.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import polars as pl

from sandbox.facts import Facts, Layout, Pair, Shape
from sandbox.known import contract
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Endpoint, Metered, Venue, json
from sandbox.wire import Pages, shortest
from sandbox.words import HOUR, Candles, Listing, Market

_SOURCE = "mexc"
_API = "/api/v3"
_MOST = 500
_FAR = 10**15
_INTERVALS = {"60m": "1h", "4h": "4h", "1d": "1d"}
_WEIGHTS = {"klines": 1, "exchangeInfo": 25, "symbol/offline": 10, "ping": 1, "time": 1}
_PLATES = {"EQUITY": ["Innovation", "Tokenized Stocks"]}
_FILTER = {
    "filterType": "PERCENT_PRICE_BY_SIDE",
    "bidMultiplierUp": "0.005",
    "askMultiplierDown": "0.005",
}


class Refusal(Exception):
    """An error of the venue's own, answered as HTTP 400."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _no_such_symbol() -> Refusal:
    """Return what klines say of a symbol that is not listed."""
    return Refusal(-1121, "Invalid symbol.")


def _needed(ask: Ask, name: str) -> str:
    """Return a parameter that must be there."""
    if not ask.query.get(name):
        raise Refusal(44444, "param cannot be null")
    return ask.query[name]


def _whole(ask: Ask, name: str) -> int | None:
    """Return a whole number, or None where it was not sent."""
    value = ask.query.get(name, "")
    if value and not value.isdecimal():
        raise Refusal(33333, "param is error")
    return int(value) if value else None


def render(frame: pl.DataFrame, candles: Candles) -> list[str]:
    """Write candles as rows of eight."""
    digits = candles.digits
    numbers = {name: (frame[name], digits.price) for name in ("open", "high", "low", "close")}
    numbers["volume"] = frame["volume"].fill_null(0.0), digits.volume
    numbers["quote_volume"] = frame["quote_volume"].fill_null(0.0), digits.quote
    columns = frame["open_time"], *shortest(numbers).iter_columns()
    return [
        f'[{t},"{o}","{h}","{low}","{c}","{v}",{t + candles.step},"{q}"]'
        for t, o, h, low, c, v, q in zip(*(column.to_list() for column in columns), strict=True)
    ]


def symbol_info(listing: Listing, name: str, digits: int) -> dict[str, Any]:
    """Return a symbol as /exchangeInfo has it."""
    return {
        "symbol": listing.symbol,
        "status": "1",
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": digits,
        "quoteAssetPrecision": digits,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": digits,
        "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"],
        # Whether orders may come by API: some of the symbols that trade have it false.
        "isSpotTradingAllowed": listing.base != "ETH",
        "isMarginTradingAllowed": False,
        "quoteAmountPrecision": "1",
        "baseSizePrecision": "0.000001",
        "permissions": ["SPOT"],
        "filters": [_FILTER],
        "maxQuoteAmount": "4000000",
        "makerCommission": "0",
        "takerCommission": "0.0005",
        "quoteAmountPrecisionMarket": "1",
        "maxQuoteAmountMarket": "4000000",
        "fullName": name,
        "tradeSideType": 1,
        "contractAddress": contract(listing.coin).upper().replace("0X", "0x"),
        "conceptPlates": _PLATES.get(listing.underlying, ["Innovation"]),
        "st": False,
    }


class MEXC:
    """The spot market, over a market's candles."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._pages = Pages(render)

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path, below the API's own."""
        return {
            "klines": self._klines,
            "exchangeInfo": self._exchange_info,
            "symbol/offline": self._offline,
            "ping": lambda _: json({}),
            "time": lambda ask: json({"serverTime": ask.now}),
        }

    def _listed(self, now: int) -> dict[str, Listing]:
        """Return every symbol that trades."""
        return {x.symbol: x for x in self._market.listings(_SOURCE) if x.trades_at(now)}

    def _klines(self, ask: Ask) -> Answer:
        """Answer a page of candles, oldest first."""
        symbol, interval = _needed(ask, "symbol"), _needed(ask, "interval")
        if interval not in _INTERVALS:
            raise Refusal(33333, "param is error")
        start, end, limit = (_whole(ask, name) for name in ("startTime", "endTime", "limit"))
        if symbol not in self._listed(ask.now):
            raise _no_such_symbol()
        candles = self._market.candles(_SOURCE, symbol, _INTERVALS[interval])
        if candles is None:
            return json([])
        most = _MOST if limit is None else max(1, min(limit, _MOST))
        begin, stop = (None, _FAR) if end is None else (start, end)
        rows = self._pages.page(candles, begin, stop - 1, most, ask.now)
        return Answer(200, f"[{','.join(rows)}]".encode())

    def _exchange_info(self, ask: Ask) -> Answer:
        """Answer what is listed, or of it the symbols asked for."""
        listed = self._listed(ask.now)
        asked = ask.query.get("symbols") or ask.query.get("symbol") or ""
        wanted = [name.strip() for name in asked.split(",") if name.strip()] or listed
        if any(name not in listed for name in wanted):
            raise Refusal(10007, "bad symbol")
        head = {"timezone": "CST", "serverTime": ask.now, "rateLimits": [], "exchangeFilters": []}
        return json({**head, "symbols": [self._told(listed[name]) for name in wanted]})

    def _offline(self, ask: Ask) -> Answer:
        """Answer what is listed no more."""
        gone = (x for x in self._market.listings(_SOURCE) if x.until and x.until <= ask.now)
        return json(
            {"data": [{"symbol": x.symbol, "state": 3, "offlineTime": x.until} for x in gone]}
        )

    def _told(self, listing: Listing) -> dict[str, Any]:
        """Return a symbol with the name of what it is on."""
        names = {coin.id: coin.name for coin in self._market.coins}
        stock = f"{listing.base} xStock" if listing.underlying == "EQUITY" else listing.base
        candles = self._market.candles(_SOURCE, listing.symbol, "1h")
        digits = 8 if candles is None else candles.digits.price
        return symbol_info(listing, names.get(listing.coin or "", stock), digits)


def _checked(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the venue's refusals as answers."""

    def checked(ask: Ask) -> Answer:
        try:
            return endpoint(ask)
        except Refusal as no:
            return json({"msg": no.message, "code": no.code, "_extend": None}, 400)

    return checked


def _too_many(status: int) -> Callable[[Ask, int], Answer]:
    """Return what says that too much was asked for, and for how long to wait."""

    def told(_: Ask, wait: int) -> Answer:
        answer = json({"code": 429, "msg": "Too Many Requests"}, status)
        return answer.also({"Retry-After": str(wait)})

    return told


def _firewall(_: Ask, __: int) -> Answer:
    """Turn an address or a country away, in HTML."""
    body = "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\n"
    return Answer(403, f"{body}</BODY></HTML>\n".encode(), media="text/html")


_FACES = {
    "429": _too_many(429),
    "429-as-200": _too_many(200),
    "418": _too_many(418),
    "403": _firewall,
    "451": _firewall,
    "geo": _firewall,
}

# Whether `endTime` is exclusive is not documented: a row at it may be right.
_ROWS = Layout((), (0, 6), 5, 7, None, ("startTime", "endTime"), (False, True), off=(-HOUR,))
FACTS = (
    Facts(
        _SOURCE,
        candles="/klines",
        hour=("interval", "60m"),
        layout=_ROWS,
        listed="/exchangeInfo",
        shape=Shape(("symbols",), "symbol", "baseAsset", "status"),
        errors=(("99999", json({"msg": "Nobody knows this.", "code": 99999}, 400)),),
        exchange=("mxc", "MEXC"),
        pairs=(
            Pair("BTCUSDT", "BTC", "USDT", "bitcoin"),
            Pair("ETHUSDT", "ETH", "USDT", "ethereum"),
            Pair("AAPLXUSDT", "AAPLX", "USDT", None, "EQUITY"),
            Pair("BTC3LUSDT", "BTC3L", "USDT", None, "LEVERAGED"),
        ),
    ),
)
LIMITS: Mapping[str, Limit] = {f"{_SOURCE}/{path}": Limit(500, window=10) for path in _WEIGHTS}


def _weight(limited: str, ask: Ask) -> int | None:
    """Return what a request weighs at an endpoint's own limit, None where it is of another."""
    return _WEIGHTS[limited] if ask.path == f"{_API}/{limited}" else None


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return MEXC, which allows 500 weight in ten seconds at each of its endpoints."""
    table = MEXC(market).endpoints()
    return [
        Venue(
            source=_SOURCE,
            endpoints={f"{_API}/{path}": _checked(endpoint) for path, endpoint in table.items()},
            not_found=lambda _: json({"code": 404, "msg": "Not Found"}, 404),
            faces=_FACES,
            also=tuple(
                Metered(meters[f"{_SOURCE}/{path}"], partial(_weight, path)) for path in _WEIGHTS
            ),
        )
    ]
