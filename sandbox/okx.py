"""OKX v5, spot: candles and instruments in their own wire format.

Documented at www.okx.com/docs-v5 ("Get candlesticks history", "Get instruments", "Error Code").
What the documentation leaves open, and what is done here:

- `after` is older than, `before` is newer than, both exclusive. A page is the newest rows of
  what is asked for, newest first; with `before` alone that is the end of the line, not the hours
  next to it.
- `limit` over 300 gives 300 without a word.
- Only bars of an hour are held; all others are refused as an error of the parameter (51000).
- `/market/candles` has the newest 1440 bars only.
- A delisted instrument stays in the list as `suspend` and keeps its candles.
- A turnover that was not recorded is sent as 0: see the module on Binance.
- Errors come with HTTP 200, but for a parameter that is missing (50014: 400) and for too many
  requests (50011: seen with 429 and with 200).
"""

from collections.abc import Mapping
from math import inf
from typing import Any

import orjson
import polars as pl

from sandbox.facts import Facts, Layout, Shape
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Endpoint, Face, Venue, json
from sandbox.wire import Pages, shortest
from sandbox.words import HOUR, Candles, Listing, Market

_MOST = 300
_USUAL = 100
_NEWEST = 1440
_FAR = 10**15
_HISTORY = "/api/v5/market/history-candles"
_RECENT = "/api/v5/market/candles"
_INSTRUMENTS = "/api/v5/public/instruments"
_NO_SUCH = (51001, "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
# A stock's is "3", and was seen as a number.
_CATEGORIES: Mapping[str, str | int] = {"COIN": "1", "EQUITY": "3", "FUND": 3}
_COUNT = {_HISTORY: 2, _RECENT: 1, _INSTRUMENTS: 2}


class Refusal(Exception):
    """An error of the venue's own, mostly answered with HTTP 200."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def _enveloped(data: list[Any]) -> Answer:
    """Return data as OKX wraps it."""
    return json({"code": "0", "msg": "", "data": data})


def _whole(ask: Ask, name: str, default: int) -> int:
    """Return a whole number, or the default where it was not sent."""
    value = ask.query.get(name, "")
    if value and not value.isdecimal():
        raise Refusal(51000, f"Parameter {name} error")
    return int(value) if value else default


def render(frame: pl.DataFrame, candles: Candles) -> list[str]:
    """Write closed candles as rows of nine."""
    digits = candles.digits
    numbers = {name: (frame[name], digits.price) for name in ("open", "high", "low", "close")}
    numbers["volume"] = frame["volume"].fill_null(0.0), digits.volume
    numbers["quote_volume"] = frame["quote_volume"].fill_null(0.0), digits.quote
    columns = frame["open_time"], *shortest(numbers).iter_columns()
    return [
        f'["{t}","{o}","{h}","{low}","{c}","{v}","{q}","{q}","1"]'
        for t, o, h, low, c, v, q in zip(*(column.to_list() for column in columns), strict=True)
    ]


def instrument(listing: Listing, digits: int, now: int) -> dict[str, str | int]:
    """Return an instrument as /public/instruments has it."""
    return {
        "alias": "",
        "baseCcy": listing.base,
        "category": "1",
        "ctMult": "",
        "ctType": "",
        "ctVal": "",
        "ctValCcy": "",
        "expTime": "",
        "instCategory": _CATEGORIES.get(listing.underlying, "1"),
        "instId": listing.symbol,
        "instType": "SPOT",
        "lever": "10",
        "listTime": str(listing.since),
        "lotSz": "0.00000001",
        "maxIcebergSz": "9999999999",
        "maxLmtSz": "9999999999",
        "maxMktSz": "1000000",
        "maxStopSz": "1000000",
        "maxTriggerSz": "9999999999",
        "maxTwapSz": "9999999999",
        "minSz": "0.00001",
        "optType": "",
        "quoteCcy": listing.quote,
        "settleCcy": "",
        "state": "live" if listing.trades_at(now) else "suspend",
        "stk": "",
        "tickSz": f"{10.0**-digits:.{digits}f}",
        "uly": "",
    }


class OKX:
    """The spot market, over a market's candles."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._pages = Pages(render)

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        table: dict[str, Endpoint] = {
            _HISTORY: self._candles,
            _RECENT: self._candles,
            _INSTRUMENTS: self._instruments,
            "/api/v5/public/time": lambda ask: _enveloped([{"ts": str(ask.now)}]),
        }
        return {path: _checked(endpoint) for path, endpoint in table.items()}

    def _listed(self, now: int) -> dict[str, Listing]:
        """Return every spot instrument there is by now."""
        found = (x for x in self._market.listings("okx") if x.since <= now)
        return {x.symbol: x for x in found if not x.symbol.endswith("-SWAP")}

    def _candles(self, ask: Ask) -> Answer:
        """Answer a page of candles, newest first."""
        symbol = ask.query.get("instId", "")
        if not symbol:
            raise Refusal(50014, "Parameter instId can not be empty.", 400)
        if ask.query.get("bar", "1m") != "1H":
            raise Refusal(51000, "Parameter bar error")
        after, before = _whole(ask, "after", _FAR), _whole(ask, "before", -1)
        limit = min(_whole(ask, "limit", _USUAL), _MOST)
        if symbol not in self._listed(ask.now):
            raise Refusal(*_NO_SUCH)
        candles = self._market.candles("okx", symbol, "1h")
        if candles is None or limit < 1:
            return _enveloped([])
        live = ask.now // HOUR * HOUR
        oldest = live - (_NEWEST - 1) * HOUR if ask.path == _RECENT else 0
        begin = max(before + 1, oldest)
        rows = self._pages.page(candles, begin, after - 1, limit, ask.now, newest=True)
        return _page(rows, live)

    def _instruments(self, ask: Ask) -> Answer:
        """Answer what is listed."""
        kind = ask.query.get("instType", "")
        if kind not in {"SPOT", "SWAP", "MARGIN", "FUTURES", "OPTION"}:
            raise Refusal(51000, "Parameter instType error")
        listed = self._listed(ask.now) if kind == "SPOT" else {}
        wanted = ask.query.get("instId")
        if wanted and wanted not in listed:
            raise Refusal(*_NO_SUCH)
        chosen = [x for x in listed.values() if wanted in (None, x.symbol)]
        return _enveloped([instrument(x, self._digits(x), ask.now) for x in chosen])

    def _digits(self, listing: Listing) -> int:
        """Return the decimals of a price."""
        candles = self._market.candles("okx", listing.symbol, "1h")
        return 8 if candles is None else candles.digits.price


def _page(rows: list[str], live: int) -> Answer:
    """Return ascending rows newest first; the one that is open is not confirmed."""
    if rows and rows[-1].startswith(f'["{live}"'):
        rows = [*rows[:-1], rows[-1].removesuffix('"1"]') + '"0"]']
    return Answer(200, f'{{"code":"0","msg":"","data":[{",".join(reversed(rows))}]}}'.encode())


def _checked(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the venue's refusals as answers."""

    def checked(ask: Ask) -> Answer:
        try:
            return endpoint(ask)
        except Refusal as no:
            return json({"code": str(no.code), "msg": no.message, "data": []}, no.status)

    return checked


def _too_many(status: int) -> Face:
    """Return what says that too much was asked for, as users' logs have it."""
    body = orjson.dumps({"msg": "Too Many Requests", "code": "50011"})
    return lambda _, __: Answer(status, body)


_UNKNOWN = json({"code": "58999", "msg": "Nobody knows this.", "data": []})
FACTS = (
    Facts(
        "okx",
        candles="candles",
        hour=("bar", "1H"),
        listed="/public/instruments",
        layout=Layout(("data",), (0,), 5, 7, None, ("before", "after"), exclusive=(True, True)),
        shape=Shape(("data",), "instId", "baseCcy", "state", "listTime", "expTime"),
        errors=(("58999", _UNKNOWN),),
        exchange=("okex", "OKX"),
    ),
)
LIMITS = {"okx": Limit(40, window=2, patience=inf)}


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return OKX, which allows 20 pages of history in two seconds."""
    return [
        Venue(
            source="okx",
            endpoints=OKX(market).endpoints(),
            not_found=lambda _: json({"msg": "Not Found", "code": "404"}, 404),
            faces={"429": _too_many(429), "429-as-200": _too_many(200)},
            meter=meters["okx"],
            weigh=lambda ask: _COUNT.get(ask.path, 1),
            names=("instId",),
        )
    ]
