"""CoinGecko: the ranking of coins, their charts, and which coin is behind each venue's symbol.

Documented at docs.coingecko.com ("Coins List with Market Data", "Exchange Tickers by ID",
"Derivatives Exchange Data by ID"). A price is the close of the coin's newest closed hour, times the
coins in a unit where a ticker tells it, or the last of a sparkline; a coin without candles has a
constant one. Market values follow from the rank. A ticker names the coin its
symbol means now; a symbol of which nobody knows the coin has no ticker. Kraken and Coinbase have
tickers and nothing else here. Charts go back 365 days (10012 beyond), in US dollars whatever the
currency asked for. The budget is that of keyless callers, 30 requests a minute.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import Any

import orjson

from sandbox.coingecko_chart import moment, points, week
from sandbox.coingecko_price import Prices
from sandbox.coingecko_tickers import (
    WORTH_OF_ALL,
    Info,
    Ticker,
    contract,
    derivatives,
    spot_ticker,
    stamp,
)
from sandbox.facts import Facts, exchanges
from sandbox.known import GECKOTERMINAL, address
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Endpoint, Face, Venue, json
from sandbox.words import DAY, Coin, Market

_PAGE_OF_TICKERS = 100
_MOST_COINS = 250
_DAYS_PRICES = 24
_FREE = 365 * DAY
_LIMITED = (
    "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to "
    "subscribe to our API plans for higher rate limits."
)


def _whole(ask: Ask, name: str, default: int, most: int = 10**9) -> int:
    """Return a whole number of at least 1, or the default."""
    value = ask.query.get(name, "")
    return max(1, min(int(value), most)) if value.isdecimal() else default


def _slice(rows: list[Any], page: int, size: int) -> list[Any]:
    """Return a page of rows."""
    return rows[(page - 1) * size : page * size]


def _no(message: str, status: int) -> Answer:
    """Return an error as CoinGecko words it."""
    return json({"error": message}, status)


def coin_row(coin: Coin, now: int) -> Info:
    """Return a coin as /coins/markets has it."""
    price, worth = coin.price, WORTH_OF_ALL // coin.rank
    volume = worth // 40
    supply = round(worth / price, 2) if price else 0.0
    return {
        "id": coin.id,
        "symbol": coin.symbol,
        "name": coin.name,
        "image": f"https://coin-images.coingecko.com/coins/images/{coin.rank}/large/made-up.png",
        "current_price": price,
        "market_cap": worth,
        "market_cap_rank": coin.rank,
        "fully_diluted_valuation": worth,
        "total_volume": volume,
        "high_24h": price and price * 1.01,
        "low_24h": price and price * 0.99,
        "price_change_24h": 0.0,
        "price_change_percentage_24h": 0.0,
        "market_cap_change_24h": 0.0,
        "market_cap_change_percentage_24h": 0.0,
        "circulating_supply": supply,
        "total_supply": supply,
        "max_supply": None,
        "ath": price and price * 2,
        "ath_change_percentage": -50.0,
        "ath_date": "2021-11-10T14:24:11.849Z",
        "atl": price and price / 10,
        "atl_change_percentage": 900.0,
        "atl_date": "2013-07-06T00:00:00.000Z",
        "roi": None,
        "last_updated": stamp(now, "milliseconds"),
    }


class CoinGecko:
    """CoinGecko, over a market's coins and listings."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._coins = {coin.id: coin for coin in market.coins}
        self._prices = Prices(market)

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        return {
            "/api/v3/ping": lambda _: json({"gecko_says": "(V3) To the Moon!"}),
            "/api/v3/global": self._global,
            "/api/v3/coins/list": self._list,
            "/api/v3/coins/markets": self._markets,
            "/api/v3/coins/*/market_chart/range": self._chart,
            "/api/v3/exchanges/*/tickers": self._exchange,
            "/api/v3/derivatives/exchanges/*": self._derivatives,
        }

    def _global(self, _: Ask) -> Answer:
        """Answer how many coins there are."""
        return json({"data": {"active_cryptocurrencies": len(self._active())}})

    def _active(self) -> list[Coin]:
        """Return the coins that it tells of."""
        return [coin for coin in self._market.coins if coin.active]

    def _list(self, ask: Ask) -> Answer:
        """Answer all ids, with the addresses of tokens if asked for."""
        rows: list[Info] = [
            {"id": c.id, "symbol": c.symbol, "name": c.name} for c in self._active()
        ]
        if ask.query.get("include_platform") == "true":
            pooled = {each.coin for each in self._market.listings(GECKOTERMINAL)}
            for row in rows:
                has = row["id"] in pooled
                row["platforms"] = {"ethereum": address("token", row["id"])} if has else {}
        return json(rows)

    def _markets(self, ask: Ask) -> Answer:
        """Answer a page of the ranking: empty past its end."""
        if not ask.query.get("vs_currency"):
            return _no("Missing parameter vs_currency", 422)
        ids = ask.query.get("ids")
        coins = [c for c in self._active() if not ids or c.id in ids.split(",")]
        size = _whole(ask, "per_page", 100, _MOST_COINS)
        page = _slice(coins, _whole(ask, "page", 1), size)
        headers = {"total": str(len(coins)), "per-page": str(size)}
        small = ask.query.get("sparkline") == "true"
        rows = [self._sparkling(c, ask.now) if small else self._row(c, ask.now) for c in page]
        return json(rows).also(headers)

    def _row(self, coin: Coin, now: int) -> Info:
        """Return a coin at its price of now, as /coins/markets has it."""
        return coin_row(self._prices.priced(coin, now), now)

    def _sparkling(self, coin: Coin, now: int) -> Info:
        """Return a coin as /coins/markets has it, with the week's prices."""
        prices = week(self._market.candles("coingecko", coin.id, "1h"), now)
        known = replace(coin, price=prices[-1]) if prices else coin
        change = prices[-1] - prices[-25] if len(prices) > _DAYS_PRICES else 0.0
        row = {**coin_row(known, now), "price_change_24h": change}
        return {**row, "sparkline_in_7d": {"price": prices}}

    def _chart(self, ask: Ask) -> Answer:
        """Answer the price points of a coin."""
        coin = self._coins.get(ask.path.split("/")[4])
        if coin is None:
            return _no("coin not found", 404)
        for name in ("vs_currency", "from", "to"):
            if not ask.query.get(name):
                return _no(f"Missing parameter {name}", 422)
        start, end = moment(ask.query["from"]), moment(ask.query["to"])
        if start is None or end is None or start > end:
            return _no("Invalid time range", 422)
        if start < ask.now - _FREE:
            return _too_old(ask)
        candles = self._market.candles("coingecko", coin.id, "1h")
        if candles is None:
            return json({"prices": [], "market_caps": [], "total_volumes": []})
        rows = points(candles, start, end, ask.now)
        supply = WORTH_OF_ALL // coin.rank / (coin.price or 1.0)
        columns = {
            "prices": rows["price"],
            "market_caps": rows["price"] * supply,
            "total_volumes": rows["volume"],
        }
        times = rows["time"].to_list()
        return json(
            {name: list(zip(times, column, strict=True)) for name, column in columns.items()}
        )

    def _tickers(self, source: str, now: int) -> Iterator[Ticker]:
        """Give every symbol that trades now with the coin it means, best rank first."""
        found = [
            (listing, self._coins[listing.coin])
            for listing in self._market.listings(source)
            if listing.coin in self._coins and listing.trades_at(now)
            if self._coins[listing.coin].active
        ]
        yield from sorted(found, key=lambda pair: (pair[1].rank, pair[0].symbol))

    def _priced(self, ticker: Ticker, now: int) -> Ticker:
        """Return a ticker with its coin at the price of now."""
        listing, coin = ticker
        return listing, self._prices.priced(coin, now)

    def _exchange(self, ask: Ask) -> Answer:
        """Answer a page of an exchange's tickers."""
        id_ = ask.path.split("/")[-2]
        known = {**_UNSERVED, **exchanges(derivatives=False)}
        if id_ not in known:
            return _no("exchange not found", 404)
        name, source = known[id_]
        ids = ask.query.get("coin_ids")
        found = [t for t in self._tickers(source, ask.now) if not ids or t[1].id in ids.split(",")]
        page = _slice(found, _whole(ask, "page", 1), _PAGE_OF_TICKERS)
        headers = {"total": str(len(found)), "per-page": str(_PAGE_OF_TICKERS)}
        rows = [spot_ticker(id_, name, self._priced(t, ask.now), ask.now) for t in page]
        return json({"name": name, "tickers": rows}).also(headers)

    def _derivatives(self, ask: Ask) -> Answer:
        """Answer a derivatives exchange, with its tickers if asked for."""
        id_ = ask.path.rpartition("/")[2]
        known = exchanges(derivatives=True)
        if id_ not in known:
            return _no("exchange not found", 404)
        name, source = known[id_]
        found = list(self._tickers(source, ask.now))
        answer = derivatives(name, found)
        if ask.query.get("include_tickers") in {"all", "unexpired"}:
            answer["tickers"] = [contract(self._priced(t, ask.now), ask.now) for t in found]
        return json(answer)


def _too_old(ask: Ask) -> Answer:
    """Say that history is for sale."""
    message = (
        "Your request exceeds the allowed time range. Public API users are limited to querying "
        "historical data within the past 365 days. Upgrade to a paid plan to enjoy full historical "
        "data access: https://www.coingecko.com/en/api/pricing. "
    )
    when = datetime.fromtimestamp(ask.now / 1000, UTC).isoformat(timespec="milliseconds")
    status = {"timestamp": when, "error_code": 10012, "error_message": message}
    return json({"error": {"status": status}}, 401)


def _limited(status: int) -> Face:
    """Return what says that the shared limit is reached; it was seen with 200 as well."""
    body = orjson.dumps({"status": {"error_code": 429, "error_message": _LIMITED}})

    def face(_: Ask, wait: int) -> Answer:
        return Answer(status, body, {"retry-after": str(wait)})

    return face


_UNSERVED = {"kraken": ("Kraken", "kraken")}
FACTS = (Facts("coingecko"),)
LIMITS = {"coingecko": Limit(30, patience=inf)}  # the keyless caller's


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return CoinGecko's keyless API."""
    faces: Mapping[str, Callable[[Ask, int], Answer]] = {
        "429": _limited(429),
        "429-as-200": _limited(200),
    }
    return [
        Venue(
            source="coingecko",
            endpoints=CoinGecko(market).endpoints(),
            not_found=lambda _: _no(
                "Incorrect path. Please check https://www.coingecko.com/api", 404
            ),
            faces=faces,
            meter=meters["coingecko"],
            weigh=lambda _: 1,
        )
    ]
