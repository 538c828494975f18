"""Binance, spot and USD-M futures: klines and errors in their own wire format.

Documented at developers.binance.com (spot: "Market Data endpoints", "Errors"; USD-M: "Kline
Candlestick Data", "Error Code"). What the documentation leaves open, and what is done here:

- `limit` over the maximum: spot gives its 1000 without a word; futures refuse with -1130.
- The documented -1104 (a parameter nobody reads) comes from spot only; futures ignore extras.
- Retry-After comes with spot's 429 and 418; futures send none, sources disagree whether they do.
- `startTime` after `endTime` is an empty page.
- A quote volume or number of trades that was not recorded is sent as 0: the format has no word for
  "unknown", and 0 beside a positive volume is the one value that cannot be a real one. The taker's
  volumes were never recorded: they are made up.
- Intervals under an hour and over a day are not held, and refused as invalid (-1120).
- Closing time is the opening of the next bar less 1 ms, but for the hour in which spot halted on
  2023-03-24: it closes when trading did (as recorded for BTCUSDT; the same for every symbol here).

Spot writes prices and volumes with 8 decimals; futures as many as the contract shows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from sandbox.bars import bought
from sandbox.binance_ask import READ, SYMBOL, Refusal, limit_of, needed, number, symbols
from sandbox.binance_info import current, futures_info, spot_info
from sandbox.facts import Facts, Layout, Shape
from sandbox.limits import Limit, Meters, Spent
from sandbox.venue import Answer, Ask, Endpoint, Face, Venue, json
from sandbox.wire import Pages, written
from sandbox.words import HOUR, STEPS, Candles, Market

_FAR = 10**15


@dataclass(frozen=True)
class House:
    """What differs between the two markets."""

    prefix: str
    most: int
    caps: bool
    strict: bool
    zeros: int
    budget: int
    used_headers: tuple[str, ...]
    says_when: bool
    halted: Mapping[int, int]


SPOT = House(
    prefix="/api/v3",
    most=1000,
    caps=True,
    strict=True,
    zeros=8,
    budget=6000,
    used_headers=("x-mbx-used-weight", "x-mbx-used-weight-1m"),
    says_when=True,
    halted={1679659200000: 1679661581646},
)
FUTURES = House(
    prefix="/fapi/v1",
    most=1500,
    caps=False,
    strict=False,
    zeros=0,
    budget=2400,
    used_headers=("X-MBX-USED-WEIGHT-1M",),
    says_when=False,
    halted={},
)


def _closings(house: House, opened: pl.Series, step: int) -> pl.Series:
    """Return when each bar closed."""
    halted = house.halted if step == HOUR else {}
    return (opened + (step - 1)).replace({t + HOUR - 1: end for t, end in halted.items()})


def render(house: House) -> Callable[[pl.DataFrame, Candles], list[str]]:
    """Return what writes candles as this market's rows of twelve."""

    def rows(frame: pl.DataFrame, candles: Candles) -> list[str]:
        digits = candles.digits
        numbers = {name: (frame[name], digits.price) for name in ("open", "high", "low", "close")}
        numbers["volume"] = frame["volume"].fill_null(0.0), digits.volume
        numbers["quote_volume"] = frame["quote_volume"].fill_null(0.0), digits.quote
        text = written(numbers | bought(frame, digits), house.zeros)
        opened = frame["open_time"]
        columns = (
            *(opened, *text.iter_columns()),
            *(_closings(house, opened, candles.step), frame["trades"].fill_null(0)),
        )
        return [
            f'[{t},"{o}","{h}","{low}","{c}","{v}",{closed},"{q}",{n},"{base}","{quote}","0"]'
            for t, o, h, low, c, v, q, base, quote, closed, n in zip(
                *map(pl.Series.to_list, columns), strict=True
            )
        ]

    return rows


class Binance:
    """One of the two markets, over a market's candles."""

    def __init__(self, house: House, listings: str, market: Market, budget: int) -> None:
        self.house = house
        self._budget = budget
        self._source = listings
        self._market = market
        self._pages = Pages(render(house))

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        table: dict[str, Endpoint] = {
            "/klines": self._klines,
            "/exchangeInfo": self._exchange_info,
            "/ping": lambda _: json({}),
            "/time": lambda ask: json({"serverTime": ask.now}),
        }
        return {self.house.prefix + path: self._checked(path, f) for path, f in table.items()}

    def _checked(self, path: str, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint with the venue's refusals as answers."""

        def checked(ask: Ask) -> Answer:
            try:
                self._must_be_read(path, ask)
                return endpoint(ask)
            except Refusal as no:
                return json({"code": no.code, "msg": no.message}, 400)

        return checked

    def _must_be_read(self, path: str, ask: Ask) -> None:
        """Refuse parameters that nobody reads, where the market is strict."""
        read = sum(name in READ[path] for name in ask.query)
        if self.house.strict and read < len(ask.query):
            message = f"read '{read}' parameter(s) but was sent '{len(ask.query)}'."
            raise Refusal(-1104, f"Not all sent parameters were read; {message}")

    def _exchange_info(self, ask: Ask) -> Answer:
        """Answer what is listed: on spot the symbols asked for, if any are."""
        known = [x for x in self._market.listings(self._source) if not x.archived]
        listings = current(known, ask.now)
        if self.house is FUTURES:
            return json(futures_info(listings, ask.now, self._budget))
        wanted = symbols(ask)
        if not wanted <= {listing.symbol for listing in listings}:
            raise Refusal(-1121, "Invalid symbol.")
        chosen = [x for x in listings if not wanted or x.symbol in wanted]
        return json(spot_info(chosen, ask.now, self._budget))

    def _klines(self, ask: Ask) -> Answer:
        """Answer a page of candles."""
        symbol = needed(ask, "symbol", SYMBOL)
        interval = needed(ask, "interval")
        if interval not in STEPS:
            raise Refusal(-1120, "Invalid interval.")
        start, end = number(ask, "startTime", -1), number(ask, "endTime", _FAR)
        limit = limit_of(ask, self.house.most, caps=self.house.caps)
        self._must_be_listed(symbol, ask.now)
        candles = self._market.candles(self._source, symbol, interval)
        if candles is None:
            return Answer(200, b"[]")
        begins = None if start < 0 else start
        rows = self._pages.page(candles, begins, end, limit, ask.now)
        return Answer(200, f"[{','.join(rows)}]".encode())

    def _must_be_listed(self, symbol: str, now: int) -> None:
        """Refuse a symbol the venue does not have, or not yet."""
        listed = self._market.listings(self._source)
        if not any(x.symbol == symbol and x.since <= now and not x.archived for x in listed):
            raise Refusal(-1121, "Invalid symbol.")

    def weigh(self, ask: Ask) -> int:
        """Return what a request costs."""
        path = ask.path.removeprefix(self.house.prefix)
        if self.house is SPOT:
            return {"/klines": 2, "/exchangeInfo": 20}.get(path, 1)
        if path != "/klines":
            return 1
        limit = ask.query.get("limit", "500")
        rows = int(limit) if limit.isdecimal() else 500
        return next(w for most, w in ((99, 1), (499, 2), (1000, 5), (_FAR**2, 10)) if rows <= most)

    def used(self, spent: Spent) -> dict[str, str]:
        """Return the headers that tell what is spent."""
        return {name: str(spent.used) for name in self.house.used_headers}

    def faces(self) -> dict[str, Face]:
        """Return the venue's own words for each fault."""
        return {
            "429": self._too_much,
            "418": self._banned,
            "451": _restricted,
            "geo": _restricted,
            "403": _firewall,
        }

    def _wait(self, seconds: int) -> dict[str, str]:
        """Return the header that says how long to wait, where the market sends one."""
        return {"Retry-After": str(seconds)} if self.house.says_when else {}

    def _too_much(self, _: Ask, wait: int) -> Answer:
        """Say that the minute's weight is spent."""
        message = (
            "Too much request weight used; current limit is "
            f"{self._budget} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return json({"code": -1003, "msg": message}, 429).also(self._wait(wait))

    def _banned(self, ask: Ask, wait: int) -> Answer:
        """Say until when the address is banned, by the sandbox's own clock."""
        message = (
            f"Way too much request weight used; IP banned until {ask.now + wait * 1000}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        return json({"code": -1003, "msg": message}, 418).also(self._wait(wait))


def _restricted(_: Ask, __: int) -> Answer:
    """Refuse a region."""
    message = (
        "Service unavailable from a restricted location according to 'b. Eligibility' in "
        "https://www.binance.com/en/terms. Please contact customer service if you believe you "
        "received this message in error."
    )
    return json({"code": 0, "msg": message}, 451)


def _firewall(_: Ask, __: int) -> Answer:
    """Refuse as the web application firewall does: in HTML."""
    body = b"<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n"
    body += b"<center><h1>403 Forbidden</h1></center>\r\n</body>\r\n</html>\r\n"
    return Answer(403, body, media="text/html")


def _no_such_path(_: Ask) -> Answer:
    """Answer a path nobody knows: not in JSON."""
    return Answer(404, b"<html><body><h2>404 Not found</h2></body></html>", media="text/html")


_UNKNOWN = json({"code": -9999, "msg": "An error nobody has documented."}, 400)
_ROWS = Layout((), (0, 6), 5, 7, 8, ("startTime", "endTime"))
_DATED = ("onboardDate", "deliveryDate", int)
FACTS = tuple(
    Facts(
        source,
        candles="/klines",
        listed="/exchangeInfo",
        layout=_ROWS,
        shape=Shape(("symbols",), "symbol", "baseAsset", "status", *dates),
        errors=(("-9999 unknown", _UNKNOWN),),
        exchange=(id_, name),
        derivatives=derivatives,
    )
    for source, dates, id_, name, derivatives in (
        ("binance_futures", _DATED, "binance_futures", "Binance (Futures)", True),
        ("binance_spot", (), "binance", "Binance", False),
    )
)
LIMITS = {
    "binance_futures": Limit(2400),
    "binance_spot": Limit(6000),
    "binance_spot-mirror": Limit(6000),
}


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return the two markets, and the spot market's keyless mirror, which is not geo-blocked."""
    hosts = (
        ("binance_futures", FUTURES, "binance_futures", frozenset[str]()),
        ("binance_spot", SPOT, "binance_spot", frozenset[str]()),
        ("binance_spot-mirror", SPOT, "binance_spot", frozenset({"451", "geo"})),
    )
    found = []
    for source, house, listings, immune in hosts:
        meter = meters[source]
        one = Binance(house, listings, market, meter.budget if meter else house.budget)
        found.append(
            Venue(
                source=source,
                endpoints=one.endpoints(),
                not_found=_no_such_path,
                faces=one.faces(),
                immune=immune,
                meter=meter,
                weigh=one.weigh,
                used=one.used,
            )
        )
    return found
