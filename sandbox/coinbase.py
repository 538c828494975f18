"""Coinbase Exchange: candles and products in their own wire format.

Documented at docs.cdp.coinbase.com/api-reference/exchange-api ("Get product candles", "Get all
known trading pairs", "Get all known currencies", "Rate limits").
What the documentation leaves open, and what is done here:

- `start` and `end` are both included, in ISO 8601; without them a page has the newest 300.
- Over 300 candles are refused. An hour without a trade is left out.
- The candle that is open now is told as any other.
- What is delisted stays in the list and keeps its candles.

An address has ten requests in a second.
"""

from datetime import UTC, datetime
from math import inf
from typing import Any

import polars as pl

from sandbox.bars import Traded
from sandbox.facts import Facts, Layout, Shape
from sandbox.known import contract
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Endpoint, Venue, json
from sandbox.wire import Pages, shortest
from sandbox.words import HOUR, Candles, Listing, Market

_MOST = 300
_SECOND = 1000
_BARS = {"3600": "1h", "21600": "6h", "86400": "1d"}


class Refusal(Exception):
    """An error of the venue's own, with its HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def _told(message: str, status: int) -> Answer:
    """Return an error as Coinbase has it."""
    return json({"message": message}, status)


def _moment(ask: Ask, name: str) -> int | None:
    """Return a time in milliseconds, or None where it was not sent."""
    try:
        told = ask.query.get(name)
        at = datetime.fromisoformat(told) if told else None
    except ValueError:
        raise Refusal(f"Invalid {name}") from None
    return None if at is None else int(at.replace(tzinfo=at.tzinfo or UTC).timestamp()) * _SECOND


def render(frame: pl.DataFrame, candles: Candles) -> list[str]:
    """Write candles as rows of six: time, low, high, open, close, volume."""
    digits = candles.digits
    numbers = {name: (frame[name], digits.price) for name in ("low", "high", "open", "close")}
    numbers["volume"] = frame["volume"].fill_null(0.0), digits.volume
    columns = frame["open_time"] // _SECOND, *shortest(numbers).iter_columns()
    return [
        f"[{','.join(map(str, row))}]"
        for row in zip(*(column.to_list() for column in columns), strict=True)
    ]


def product(listing: Listing, digits: int, now: int) -> dict[str, Any]:
    """Return a product as /products has it."""
    trades = listing.trades_at(now)
    return {
        "id": listing.symbol,
        "base_currency": listing.base,
        "quote_currency": listing.quote,
        "quote_increment": f"{10.0**-digits:.{digits}f}",
        "base_increment": "0.00000001",
        "display_name": listing.symbol,
        "min_market_funds": "1",
        "margin_enabled": False,
        "post_only": False,
        "limit_only": False,
        "cancel_only": not trades,
        "status": "online" if trades else "delisted",
        "status_message": "",
        "trading_disabled": not trades,
        "fx_stablecoin": False,
        "max_slippage_percentage": "0.02000000",
        "auction_mode": False,
        "high_bid_limit_percentage": "",
    }


def currency(listing: Listing, name: str) -> dict[str, Any]:
    """Return a base as /currencies has it, on one network."""
    token = contract(listing.coin)
    network = "ethereum" if token else listing.base.lower()
    told: dict[str, Any] = {"id": network, "name": network.title(), "status": "online"}
    return {
        "id": listing.base,
        "name": name,
        "min_size": "0.00000001",
        "status": "online",
        "message": "",
        "max_precision": "0.00000001",
        "convertible_to": [],
        "default_network": network,
        "supported_networks": [told | ({"contract_address": token} if token else {})],
        "display_name": listing.base,
    }


class Coinbase:
    """The exchange, over a market's candles."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._pages = Pages(render)
        self._traded: dict[int, Traded] = {}

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        return {
            "/products/*/candles": _checked(self._candles),
            "/products": _checked(self._products),
            "/currencies": _checked(self._currencies),
        }

    def _candles(self, ask: Ask) -> Answer:
        """Answer a page of candles, newest first."""
        symbol, bar = ask.path.split("/")[-2], _BARS.get(ask.query.get("granularity", ""))
        listed = self._market.listings("coinbase")
        if not any(x.symbol == symbol and x.since <= ask.now for x in listed):
            raise Refusal("NotFound", 404)
        if bar is None:
            raise Refusal("Unsupported granularity")
        start, end = _moment(ask, "start"), _moment(ask, "end")
        stop = ask.now if end is None else end
        hours = int(ask.query["granularity"]) * _SECOND
        begin = stop - (_MOST - 1) * hours if start is None else start
        if (stop - begin) // hours + 1 > _MOST:
            words = "granularity too small for the requested time range. Count of aggregations"
            raise Refusal(f"{words} requested exceeds {_MOST}")
        candles = self._market.candles("coinbase", symbol, bar)
        rows: list[str] = []
        if candles is not None:
            traded = self._traded.setdefault(id(candles), Traded(candles))
            rows = self._pages.page(traded, begin, stop, _MOST, ask.now, newest=True)
        return Answer(200, f"[{','.join(reversed(rows))}]".encode())

    def _products(self, ask: Ask) -> Answer:
        """Answer what is listed, and what was."""
        listed = [x for x in self._market.listings("coinbase") if x.since <= ask.now]
        return json([product(x, self._digits(x), ask.now) for x in listed])

    def _currencies(self, ask: Ask) -> Answer:
        """Answer what each base is called, and its contract."""
        names = {coin.id: coin.name for coin in self._market.coins}
        found = {x.base: x for x in self._market.listings("coinbase") if x.since <= ask.now}
        return json([currency(x, names.get(x.coin or "", base)) for base, x in found.items()])

    def _digits(self, listing: Listing) -> int:
        """Return the decimals of a price."""
        candles = self._market.candles(listing.source, listing.symbol, "1h")
        return 8 if candles is None else candles.digits.price


def _checked(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the venue's refusals as answers."""

    def checked(ask: Ask) -> Answer:
        try:
            return endpoint(ask)
        except Refusal as no:
            return _told(no.message, no.status)

    return checked


_ROWS = Layout(
    keys=(),
    times=(0,),
    volume=5,
    quote=None,
    trades=None,
    window=("start", "end"),
    prices=(3, 2, 1, 4),
    unit=_SECOND,
    iso=True,
    off=(HOUR,),  # rows from before the start may come
)
FACTS = (
    Facts(
        "coinbase",
        candles="/candles",
        hour=("granularity", "3600"),
        symbol=lambda ask: ask.path.split("/")[-2],
        layout=_ROWS,
        listed="/products",
        shape=Shape((), "id", "base_currency", "status"),
        errors=(("Nobody knows this", _told("Nobody knows this.", 400)),),
        exchange=("gdax", "Coinbase Exchange"),
    ),
)
LIMITS = {"coinbase": Limit(10, window=1, patience=inf)}


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return Coinbase."""
    return [
        Venue(
            source="coinbase",
            endpoints=Coinbase(market).endpoints(),
            not_found=lambda _: _told("NotFound", 404),
            faces={"429": lambda _, __: _told("Public rate limit exceeded", 429)},
            meter=meters["coinbase"],
            weigh=lambda _: 1,
        )
    ]
