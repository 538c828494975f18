"""KuCoin, spot: klines and symbols in their own wire format.

Documented at www.kucoin.com/docs-new ("Get Klines", "Get All Symbols", "Get All
Currencies", "Rate Limit", "Error Code").
What the documentation leaves open, and what is done here:

- `startAt` and `endAt` are in seconds. The start is included, the end is not: clients differ, and
  who asks for the last hour's own second misses it here.
- A page is the newest 1500 rows of what is asked for, newest first. Without an `endAt` it goes up
  to now, without a `startAt` it has 100 rows.
- An hour without a trade is left out, as is one of an outage. Nothing says which row is closed.
- A symbol that nobody knows and a type that is not served are one code (400100), with HTTP 200.
  Weeks, months and minutes are not held here, and refused as such types are.
- What was delisted is in the list no more. Its candles are still served.
- `tradingStartTime` is told of every third symbol: of those that began with a call auction.
- A turnover that was not recorded is sent as 0: see the module on Binance.

An address has 2000 weight in 30 seconds: 3 a page and the currencies, 4 the list. Each answer tells
what is left, and after how many milliseconds it is all there again. Beyond, 429 with 429000, and
never a ban.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

import polars as pl

from sandbox.bars import Traded
from sandbox.facts import Facts, Layout, Pair, Shape
from sandbox.known import contract
from sandbox.limits import Limit, Meter, Meters, Spent
from sandbox.venue import Answer, Ask, Endpoint, Venue, json
from sandbox.wire import Pages, shortest
from sandbox.words import HOUR, Candles, Listing, Market

_MOST = 1500
_USUAL = 100
_SECOND = 1000
_KLINES = "/api/v1/market/candles"
_SYMBOLS = "/api/v2/symbols"
_CURRENCIES = "/api/v3/currencies"
_WEIGHTS = {_KLINES: 3, _SYMBOLS: 4, _CURRENCIES: 3}
_TYPES = {
    "1hour": "1h", "2hour": "2h", "4hour": "4h", "6hour": "6h",
    "8hour": "8h", "12hour": "12h", "1day": "1d",
}  # fmt: skip
_MARKETS = {"BTC": "BTC", "ETH": "ALTS"}
_LEVERAGED = "LEVERAGED"
_AUCTIONED = 3


class Refusal(Exception):
    """An error of the venue's own, answered with HTTP 200 and a code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _whole(ask: Ask, name: str) -> int:
    """Return a whole number; 0 where it was not sent."""
    value = ask.query.get(name, "")
    if value and not value.isdecimal():
        raise Refusal("400100", f"{name} is invalid")
    return int(value or 0)


def render(frame: pl.DataFrame, candles: Candles) -> list[str]:
    """Write candles as rows of seven: time, open, close, high, low, volume, turnover."""
    digits = candles.digits
    numbers = {name: (frame[name], digits.price) for name in ("open", "close", "high", "low")}
    numbers["volume"] = frame["volume"].fill_null(0.0), digits.volume
    numbers["quote_volume"] = frame["quote_volume"].fill_null(0.0), digits.quote
    columns = frame["open_time"] // _SECOND, *shortest(numbers).iter_columns()
    return [
        '["' + '","'.join(map(str, row)) + '"]'
        for row in zip(*(column.to_list() for column in columns), strict=True)
    ]


def entry(listing: Listing, digits: int) -> dict[str, Any]:
    """Return a pair as /symbols has it."""
    base, quote = listing.base, listing.quote
    market = "ETF" if listing.underlying == _LEVERAGED else _MARKETS.get(quote, "USDS")
    begins = listing.since if sum(base.encode()) % _AUCTIONED == 0 else None
    return {
        "symbol": listing.symbol,
        "name": f"{base}-{quote}",
        "baseCurrency": base,
        "quoteCurrency": quote,
        "feeCurrency": quote,
        "market": market,
        "baseMinSize": "0.00001",
        "quoteMinSize": "0.1",
        "baseMaxSize": "10000000000",
        "quoteMaxSize": "99999999",
        "baseIncrement": "0.00000001",
        "quoteIncrement": "0.000001",
        "priceIncrement": f"{10.0**-digits:.{digits}f}",
        "priceLimitRate": "0.1",
        "minFunds": "0.1",
        "isMarginEnabled": False,
        "enableTrading": True,
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "st": False,
        "callauctionIsEnabled": False,
        "callauctionPriceFloor": None,
        "callauctionPriceCeiling": None,
        "callauctionFirstStageStartTime": None,
        "callauctionSecondStageStartTime": None,
        "callauctionThirdStageStartTime": None,
        "tradingStartTime": begins,
    }


def currency(listing: Listing, name: str) -> dict[str, Any]:
    """Return a base as /currencies has it, on one network."""
    token = contract(listing.coin)
    chain = {
        "chainName": "ERC20" if token else listing.base,
        "withdrawalMinSize": "0.001",
        "depositMinSize": "0.0002",
        "withdrawFeeRate": "0",
        "withdrawalMinFee": "0.0005",
        "isWithdrawEnabled": True,
        "isDepositEnabled": True,
        "confirms": 3,
        "preConfirms": 1,
        "contractAddress": token,
        "withdrawPrecision": 8,
        "maxWithdraw": None,
        "maxDeposit": None,
        "needTag": False,
        "chainId": "eth" if token else listing.base.lower(),
    }
    return {
        "currency": listing.base,
        "name": listing.base,
        "fullName": name,
        "precision": 8,
        "confirms": None,
        "contractAddress": None,
        "isMarginEnabled": False,
        "isDebitEnabled": True,
        "chains": [chain],
    }


class KuCoin:
    """The spot market, over a market's candles."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._pages = Pages(render)
        self._traded: dict[int, Traded] = {}

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        table: dict[str, Endpoint] = {
            _KLINES: self._klines,
            _SYMBOLS: self._symbols,
            _CURRENCIES: self._currencies,
            "/api/v1/timestamp": lambda ask: json({"code": "200000", "data": ask.now}),
        }
        return {path: _checked(endpoint) for path, endpoint in table.items()}

    def _klines(self, ask: Ask) -> Answer:
        """Answer a page of candles, newest first."""
        symbol, interval = ask.query.get("symbol", ""), _TYPES.get(ask.query.get("type", ""))
        if interval is None:
            raise Refusal("400100", "This type of Candlestick is currently not provided.")
        listed = self._market.listings("kucoin")
        if not any(x.symbol == symbol and x.since <= ask.now for x in listed):
            raise Refusal("400100", "This pair is not provided at present")
        start, end = _whole(ask, "startAt"), _whole(ask, "endAt")
        candles = self._market.candles("kucoin", symbol, interval)
        stop = end * _SECOND - 1 if end else ask.now
        most = _MOST if start else _USUAL
        rows = [] if candles is None else self._rows(candles, start * _SECOND, stop, most, ask.now)
        return Answer(200, f'{{"code":"200000","data":[{",".join(reversed(rows))}]}}'.encode())

    def _rows(self, candles: Candles, begin: int, stop: int, most: int, now: int) -> list[str]:
        """Return the newest rows of those in which there was a trade, ascending."""
        traded = self._traded.setdefault(id(candles), Traded(candles))
        return self._pages.page(traded, begin, stop, most, now, newest=True)

    def _symbols(self, ask: Ask) -> Answer:
        """Answer what is listed, all of it or one market's."""
        market = ask.query.get("market")
        found = [x for x in self._market.listings("kucoin") if x.trades_at(ask.now)]
        told = [entry(x, self._digits(x)) for x in found]
        return json({"code": "200000", "data": [x for x in told if market in (None, x["market"])]})

    def _currencies(self, ask: Ask) -> Answer:
        """Answer what each base is called, and its contracts."""
        names = {coin.id: coin.name for coin in self._market.coins}
        found = {x.base: x for x in self._market.listings("kucoin") if x.trades_at(ask.now)}
        told = [currency(x, names.get(x.coin or "", base)) for base, x in found.items()]
        return json({"code": "200000", "data": told})

    def _digits(self, listing: Listing) -> int:
        """Return the decimals of a price."""
        candles = self._market.candles("kucoin", listing.symbol, "1h")
        return 8 if candles is None else candles.digits.price


def _checked(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the venue's refusals as answers."""

    def checked(ask: Ask) -> Answer:
        try:
            return endpoint(ask)
        except Refusal as no:
            return json({"code": no.code, "msg": no.message})

    return checked


def _left(meter: Meter | None) -> Callable[[Spent], Mapping[str, str]]:
    """Return what tells the pool: what it has, what is left of it, when it is full again."""

    def left(spent: Spent) -> Mapping[str, str]:
        if meter is None:
            return {}
        reset = (meter.window - meter.clock() % meter.window) * 1000
        return {
            "gw-ratelimit-limit": str(meter.budget),
            "gw-ratelimit-remaining": str(max(0, meter.budget - spent.used)),
            "gw-ratelimit-reset": str(int(reset)),
        }

    return left


def _too_many(_: Ask, seconds: int) -> Answer:
    """Return what says that too much was asked for."""
    told = json({"code": "429000", "msg": "Too Many Requests"}, 429)
    return told.also({"gw-ratelimit-remaining": "0", "gw-ratelimit-reset": str(seconds * 1000)})


def _shut_out(_: Ask, __: int) -> Answer:
    """Return what a country gets that is shut out; with which status nobody tells."""
    words = "Sorry, the service is unavailable in your current area. IP: 192.0.2.7"
    return json({"code": "400302", "msg": words, "detectedArea": "US"}, 403)


_ROWS = Layout(
    keys=("data",),
    times=(0,),
    volume=5,
    quote=6,
    trades=None,
    window=("startAt", "endAt"),
    exclusive=(False, True),
    prices=(1, 3, 4, 2),
    unit=_SECOND,
    off=(HOUR,),  # nothing says that no row from before the start is sent
)
FACTS = (
    Facts(
        "kucoin",
        candles=_KLINES,
        hour=("type", "1hour"),
        layout=_ROWS,
        listed=_SYMBOLS,
        shape=Shape(("data",), "symbol", "baseCurrency", "enableTrading"),
        errors=(("999999", json({"code": "999999", "msg": "Nobody knows this."})),),
        exchange=("kucoin", "KuCoin"),
        pairs=(Pair("BTC3L-USDT", "BTC3L", "USDT", None, _LEVERAGED),),
    ),
)
LIMITS = {"kucoin": Limit(2000, window=30, patience=inf)}


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return KuCoin."""
    meter = meters["kucoin"]
    return [
        Venue(
            source="kucoin",
            endpoints=KuCoin(market).endpoints(),
            not_found=lambda _: json({"code": "404000", "msg": "Url Not Found"}, 404),
            faces={"429": _too_many, "geo": _shut_out, "451": _shut_out},
            meter=meter,
            weigh=lambda ask: _WEIGHTS.get(ask.path, 3),
            used=_left(meter),
        )
    ]
