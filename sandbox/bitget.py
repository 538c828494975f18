"""Bitget v2, spot: candles and symbols in their own wire format.

Documented at www.bitget.com/api-doc/spot/market ("Get Candlestick Data", "Get History Candlestick
Data", "Get Symbol Info", "Get Coin Info") and www.bitget.com/api-doc/common/faq.
What the documentation leaves open, and what is done here:

- A page is the newest `limit` rows that open before `endTime`, oldest first. Only `candles` heeds
  `startTime`, which is inclusive, and only it has the bar that is open.
- `candles` answers an empty list if any hour of `limit` before `endTime` is over 60 days old. The
  documentation says 83 days; users saw less.
- A `limit` over the most is refused (40020), and so is a bar that is not held (400171).
- What is removed is in no list, and its candles are refused (40309). Nothing is announced, so
  `offTime` is always empty.
- An hour without a trade is a flat bar.
- Turnover that was not recorded is sent as 0: see the module on Binance.
- A recorded market that lists nothing at Bitget has what it lists at Binance spot.

Each endpoint allows 20 requests in a second, that of coins 3, and all of them 6,000 in a minute.
"""

from collections.abc import Mapping
from functools import partial
from math import inf
from typing import Any

import polars as pl

from sandbox.facts import Facts, Layout, Pair, Shape
from sandbox.known import contract
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Endpoint, Metered, Venue, json
from sandbox.wire import Pages, shortest
from sandbox.words import DAY, HOUR, STEPS, Candles, Listing, Market

_CANDLES = "/api/v2/spot/market/candles"
_HISTORY = "/api/v2/spot/market/history-candles"
_SYMBOLS = "/api/v2/spot/public/symbols"
_COINS = "/api/v2/spot/public/coins"
_LIMITED = {_CANDLES: 20, _HISTORY: 20, _SYMBOLS: 20, _COINS: 3}  # requests a second
_MOST = {_CANDLES: 1000, _HISTORY: 200}
_USUAL = 100
_WALL = 60 * DAY
_BARS = {"1h": "1h", "4h": "4h", "6Hutc": "6h", "12Hutc": "12h", "1Dutc": "1d"}
_KINDS = {"EQUITY": "yes"}  # areaSymbol
_DOLLARS = {"BTC": 60_000.0, "ETH": 3_000.0, "BNB": 500.0}  # of one quote, by its name
_OK = 200


class Refusal(Exception):
    """An error of the venue's own, answered with HTTP 400."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _enveloped(ask: Ask, data: list[dict[str, Any]]) -> Answer:
    """Return data as Bitget wraps it."""
    return json({"code": "00000", "msg": "success", "requestTime": ask.now, "data": data})


def _refused(ask: Ask, code: int, message: str, status: int = 400) -> Answer:
    """Return an error as Bitget wraps it."""
    told = {"code": str(code), "msg": message, "requestTime": ask.now, "data": None}
    return json(told, status)


def _whole(ask: Ask, name: str, default: int) -> int:
    """Return a whole number, or the default where it was not sent."""
    value = ask.query.get(name, "")
    if value and not value.isdecimal():
        raise Refusal(40020, f"Parameter {name} error")
    return int(value) if value else default


def _limit(ask: Ask) -> int:
    """Return how many rows are asked for."""
    limit = _whole(ask, "limit", _USUAL)
    if not 1 <= limit <= _MOST[ask.path]:
        raise Refusal(40020, "Parameter limit error")
    return limit


def render(dollars: float, frame: pl.DataFrame, candles: Candles) -> list[str]:
    """Write candles as rows of eight, a quote being worth so many dollars."""
    digits = candles.digits
    numbers = {name: (frame[name], digits.price) for name in ("open", "high", "low", "close")}
    quote = frame["quote_volume"].fill_null(0.0)
    numbers["volume"] = frame["volume"].fill_null(0.0), digits.volume
    numbers["usdt_volume"] = (quote * dollars).alias("usdt_volume"), digits.quote
    numbers["quote_volume"] = quote, digits.quote
    columns = frame["open_time"], *shortest(numbers).iter_columns()
    return [
        f'["{t}","{o}","{h}","{low}","{c}","{v}","{u}","{q}"]'
        for t, o, h, low, c, v, u, q in zip(*(column.to_list() for column in columns), strict=True)
    ]


def symbol(listing: Listing, digits: int) -> dict[str, str]:
    """Return a symbol as /public/symbols has it."""
    return {
        "symbol": listing.symbol,
        "baseCoin": listing.base,
        "quoteCoin": listing.quote,
        "minTradeAmount": "0",
        "maxTradeAmount": "900000000000000000000",
        "takerFeeRate": "0.002",
        "makerFeeRate": "0.002",
        "pricePrecision": str(digits),
        "quantityPrecision": "6",
        "quotePrecision": "8",
        "status": "online",
        "minTradeUSDT": "1",
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "areaSymbol": _KINDS.get(listing.underlying, "no"),
        "orderQuantity": "200",
        "openTime": str(listing.since),
        "offTime": "",
    }


def coin(listing: Listing) -> dict[str, Any]:
    """Return a base as /public/coins has it, on one network."""
    token = contract(listing.coin)
    chain = {
        "chain": "ERC20" if token else listing.base,
        "needTag": "false",
        "withdrawable": "true",
        "rechargeable": "true",
        "withdrawFee": "0.005",
        "extraWithdrawFee": "0",
        "depositConfirm": "1",
        "withdrawConfirm": "1",
        "minDepositAmount": "0.001",
        "minWithdrawAmount": "0.001",
        "browserUrl": "",
        "contractAddress": token or None,
        "withdrawStep": "0",
        "withdrawMinScale": "8",
        "congestion": "normal",
    }
    return {"coinId": "1", "coin": listing.base, "transfer": "true", "chains": [chain]}


class Bitget:
    """The spot market, over a market's candles."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._source = "bitget" if market.listings("bitget") else "binance_spot"
        self._pages = {name: Pages(partial(render, rate)) for name, rate in _DOLLARS.items()}
        self._in_dollars = Pages(partial(render, 1.0))

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        table: dict[str, Endpoint] = {
            _CANDLES: self._candles,
            _HISTORY: self._candles,
            _SYMBOLS: self._symbols,
            _COINS: self._coins,
        }
        return {path: _checked(each) for path, each in table.items()}

    def _known(self, name: str, now: int) -> Listing:
        """Return what a symbol means."""
        listed = self._market.listings(self._source)
        found = [x for x in listed if x.symbol == name and x.since <= now]
        if not found:
            raise Refusal(40034, f"Parameter {name} does not exist")
        if not any(x.trades_at(now) for x in found):
            raise Refusal(40309, "The symbol has been removed")
        return found[-1]

    def _candles(self, ask: Ask) -> Answer:
        """Answer a page of candles, oldest first."""
        name, bar = ask.query.get("symbol", ""), _BARS.get(ask.query.get("granularity", ""))
        if not name:
            raise Refusal(40019, "Parameter symbol cannot be empty")
        if bar is None:
            raise Refusal(400171, "Parameter verification failed")
        if ask.path == _HISTORY and not ask.query.get("endTime"):
            raise Refusal(40019, "Parameter endTime cannot be empty")
        end, limit = _whole(ask, "endTime", ask.now + 1), _limit(ask)
        listing = self._known(name, ask.now)
        candles = self._market.candles(self._source, name, bar)
        rows: list[str] = []
        if candles is not None and not _walled(ask, end, limit * STEPS[bar]):
            pages = self._pages.get(listing.quote, self._in_dollars)
            begin, stop = _span(ask, end, STEPS[bar])
            rows = pages.page(candles, begin, stop, limit, ask.now, newest=True)
        head = f'{{"code":"00000","msg":"success","requestTime":{ask.now},"data":['
        return Answer(_OK, f"{head}{','.join(rows)}]}}".encode())

    def _symbols(self, ask: Ask) -> Answer:
        """Answer what is listed."""
        wanted = ask.query.get("symbol")
        listed = self._market.listings(self._source)
        trading = [x for x in listed if x.trades_at(ask.now) and wanted in (None, "", x.symbol)]
        if wanted and not trading:
            raise Refusal(42016, f"symbol {wanted} is Invalid or not supported spot trade")
        return _enveloped(ask, [symbol(x, self._digits(x)) for x in trading])

    def _coins(self, ask: Ask) -> Answer:
        """Answer the contracts of each base."""
        listed = self._market.listings(self._source)
        found = {x.base: x for x in listed if x.trades_at(ask.now)}
        return _enveloped(ask, [*map(coin, found.values())])

    def _digits(self, listing: Listing) -> int:
        """Return the decimals of a price."""
        candles = self._market.candles(listing.source, listing.symbol, "1h")
        return 8 if candles is None else candles.digits.price


def _walled(ask: Ask, end: int, length: int) -> bool:
    """Tell whether a page begins where `candles` has nothing any more."""
    return ask.path == _CANDLES and end - length < ask.now - _WALL


def _span(ask: Ask, end: int, step: int) -> tuple[int, int]:
    """Return the first and the last time that a row of a page may have."""
    if ask.path == _CANDLES:
        return _whole(ask, "startTime", 0), end - 1
    return 0, min(end, ask.now // step * step) - 1


def _checked(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the venue's refusals as answers."""

    def checked(ask: Ask) -> Answer:
        try:
            return endpoint(ask)
        except Refusal as no:
            return _refused(ask, no.code, no.message)

    return checked


def _too_many(ask: Ask, _: int) -> Answer:
    """Say that too much was asked for; nothing says for how long."""
    return _refused(ask, 429, "Too Many Requests", 429)


_UNKNOWN = json({"code": "49999", "msg": "Nobody knows this.", "data": None}, 400)
# A page is the newest rows before its end: where it lacks some, it has as many from before it.
_ROWS = Layout(
    ("data",), (0,), 5, 7, None, ("startTime", "endTime"), exclusive=(False, True), off=(HOUR,)
)
FACTS = (
    Facts(
        "bitget",
        candles="candles",
        hour=("granularity", "1h"),
        layout=_ROWS,
        listed=_SYMBOLS,
        shape=Shape(("data",), "symbol", "baseCoin", "status"),
        errors=(("49999", _UNKNOWN),),
        exchange=("bitget", "Bitget"),
        pairs=(
            Pair("BTCUSDT", "BTC", "USDT", "bitcoin"),
            Pair("ETHUSDT", "ETH", "USDT", "ethereum"),
            Pair("ETHBTC", "ETH", "BTC", "ethereum"),
            Pair("GONEUSDT", "GONE", "USDT", None, gone=True),
            Pair("NVDAUSDT", "rNVDA", "USDT", None, "EQUITY"),
        ),
    ),
)
LIMITS: Mapping[str, Limit] = {
    "bitget": Limit(6000, patience=inf),
    **{path: Limit(most, window=1, patience=inf) for path, most in _LIMITED.items()},
}


def _weight(limited: str, ask: Ask) -> int | None:
    """Return what a request weighs at an endpoint's own limit, None where it is of another."""
    return 1 if ask.path == limited else None


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return Bitget, which allows 20 requests in a second of each endpoint."""
    return [
        Venue(
            source="bitget",
            endpoints=Bitget(market).endpoints(),
            not_found=lambda ask: _refused(ask, 40404, "Request URL NOT FOUND"),
            faces={"429": _too_many},
            meter=meters["bitget"],
            weigh=lambda _: 1,
            also=tuple(Metered(meters[path], partial(_weight, path)) for path in _LIMITED),
        )
    ]
