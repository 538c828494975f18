"""CoinGecko: the ranking of coins, and which coin is behind each venue's symbol.

Documented at docs.coingecko.com ("Coins List with Market Data", "Exchange Tickers by ID",
"Derivatives Exchange Data by ID"). Prices are constants of the market, market values follow from
the rank: neither is what the coins did. A ticker names the coin its symbol means now; a symbol of
which nobody knows the coin has no ticker. No budget is kept: the shared limit of keyless callers is
a fault to switch on (``429``, ``429-as-200``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from sandbox.venue import Answer, Ask, Endpoint, Face, Venue, json
from sandbox.words import DAY, Coin, Listing, Market

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PAGE_OF_TICKERS: Final = 100
_MOST_COINS: Final = 250
_WORTH_OF_ALL: Final = 1_500_000_000_000
_EXCHANGES: Final = {"binance": ("Binance", "binance_spot")}
_DERIVATIVES: Final = {"binance_futures": ("Binance (Futures)", "binance_futures")}
_BEHIND_QUOTES: Final = {
    "USDT": "tether",
    "USDC": "usd-coin",
    "BUSD": "binance-usd",
    "FDUSD": "first-digital-usd",
    "BTC": "bitcoin",
    "ETH": "ethereum",
    "BNB": "binancecoin",
}
_LIMITED: Final = (
    "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to "
    "subscribe to our API plans for higher rate limits."
)

Info = dict[str, Any]
Ticker = tuple[Listing, Coin]


def _stamp(now: int, spec: str) -> str:
    """Return a time as CoinGecko writes it."""
    when = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec=spec)
    return when.replace("+00:00", "Z") if spec == "milliseconds" else when


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
    price, worth = coin.price, _WORTH_OF_ALL // coin.rank
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
        "last_updated": _stamp(now, "milliseconds"),
    }


class CoinGecko:
    """CoinGecko, over a market's coins and listings."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._coins = {coin.id: coin for coin in market.coins}

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        return {
            "/api/v3/ping": lambda _: json({"gecko_says": "(V3) To the Moon!"}),
            "/api/v3/coins/list": self._list,
            "/api/v3/coins/markets": self._markets,
            "/api/v3/exchanges/*/tickers": self._exchange,
            "/api/v3/derivatives/exchanges/*": self._derivatives,
        }

    def _list(self, _: Ask) -> Answer:
        """Answer all ids."""
        return json([{"id": c.id, "symbol": c.symbol, "name": c.name} for c in self._market.coins])

    def _markets(self, ask: Ask) -> Answer:
        """Answer a page of the ranking: empty past its end."""
        if not ask.query.get("vs_currency"):
            return _no("Missing parameter vs_currency", 422)
        ids = ask.query.get("ids")
        coins = [c for c in self._market.coins if not ids or c.id in ids.split(",")]
        size = _whole(ask, "per_page", 100, _MOST_COINS)
        page = _slice(coins, _whole(ask, "page", 1), size)
        headers = {"total": str(len(coins)), "per-page": str(size)}
        return json([coin_row(coin, ask.now) for coin in page]).also(headers)

    def _tickers(self, source: str, now: int) -> Iterator[Ticker]:
        """Give every symbol that trades now with the coin it means, best rank first."""
        found = [
            (listing, self._coins[listing.coin])
            for listing in self._market.listings(source)
            if listing.coin in self._coins and listing.trades_at(now)
        ]
        yield from sorted(found, key=lambda pair: (pair[1].rank, pair[0].symbol))

    def _exchange(self, ask: Ask) -> Answer:
        """Answer a page of an exchange's tickers."""
        id_ = ask.path.split("/")[-2]
        if id_ not in _EXCHANGES:
            return _no("exchange not found", 404)
        name, source = _EXCHANGES[id_]
        ids = ask.query.get("coin_ids")
        found = [t for t in self._tickers(source, ask.now) if not ids or t[1].id in ids.split(",")]
        page = _slice(found, _whole(ask, "page", 1), _PAGE_OF_TICKERS)
        headers = {"total": str(len(found)), "per-page": str(_PAGE_OF_TICKERS)}
        rows = [self._spot_ticker(id_, name, t, ask.now) for t in page]
        return json({"name": name, "tickers": rows}).also(headers)

    def _derivatives(self, ask: Ask) -> Answer:
        """Answer a derivatives exchange, with its tickers if asked for."""
        id_ = ask.path.rpartition("/")[2]
        if id_ not in _DERIVATIVES:
            return _no("exchange not found", 404)
        name, source = _DERIVATIVES[id_]
        found = list(self._tickers(source, ask.now))
        perpetual = sum(not x.contract.endswith("QUARTER") for x, _ in found)
        answer: Info = {
            "name": name,
            "open_interest_btc": 350139.89,
            "trade_volume_24h_btc": 689202.84,
            "number_of_perpetual_pairs": perpetual,
            "number_of_futures_pairs": len(found) - perpetual,
            "image": "https://coin-images.coingecko.com/markets/images/466/small/made-up.jpg",
            "year_established": 2019,
            "country": None,
            "description": "",
            "url": "https://www.binance.com/",
        }
        if ask.query.get("include_tickers") in {"all", "unexpired"}:
            answer["tickers"] = [_contract(t, ask.now) for t in found]
        return json(answer)

    def _spot_ticker(self, id_: str, name: str, ticker: Ticker, now: int) -> Info:
        """Return a ticker as /exchanges/{id}/tickers has it."""
        listing, coin = ticker
        price, seen = coin.price or 0.0, _stamp(now, "seconds")
        return {
            "base": listing.base,
            "target": listing.quote,
            "market": {"name": name, "identifier": id_, "has_trading_incentive": False},
            "last": price,
            "volume": 1000.0,
            "cost_to_move_up_usd": 1000000.0,
            "cost_to_move_down_usd": 1000000.0,
            "converted_last": {"btc": price / 60000, "eth": price / 3000, "usd": price},
            "converted_volume": {"btc": price / 60, "eth": price / 3, "usd": price * 1000},
            "trust_score": None,
            "bid_ask_spread_percentage": 0.010013,
            "timestamp": seen,
            "last_traded_at": seen,
            "last_fetch_at": seen,
            "is_anomaly": False,
            "is_stale": False,
            "trade_url": f"https://www.binance.com/en/trade/{listing.base}_{listing.quote}",
            "token_info_url": None,
            "coin_id": coin.id,
            "target_coin_id": _BEHIND_QUOTES.get(listing.quote, ""),
            "coin_mcap_usd": float(_WORTH_OF_ALL // coin.rank),
        }


def _contract(ticker: Ticker, now: int) -> Info:
    """Return a ticker as /derivatives/exchanges/{id} has it."""
    listing, coin = ticker
    price, dated = coin.price or 0.0, listing.contract.endswith("QUARTER")
    return {
        "symbol": listing.symbol,
        "base": listing.base,
        "target": listing.quote,
        "coin_id": coin.id,
        "target_coin_id": _BEHIND_QUOTES.get(listing.quote, ""),
        "trade_url": f"https://www.binance.com/en/futures/{listing.symbol}",
        "contract_type": "futures" if dated else "perpetual",
        "last": price,
        "h24_percentage_change": 0.0,
        "index": price,
        "index_basis_percentage": -0.035,
        "bid_ask_spread": 0.000153,
        "funding_rate": 0.009,
        "open_interest_usd": 1000000.0,
        "h24_volume": 1000.0,
        "converted_volume": {"btc": "10.0", "eth": "200.0", "usd": "600000.0"},
        "converted_last": {"btc": "0.0", "eth": "0.0", "usd": str(price)},
        "last_traded": now // 1000,
        "expired_at": (listing.until or now + DAY) // 1000 if dated else None,
    }


def _limited(status: int) -> Face:
    """Return what says that the shared limit is reached; it was seen with 200 as well."""
    body = orjson.dumps({"status": {"error_code": 429, "error_message": _LIMITED}})

    def face(_: Ask, wait: int) -> Answer:
        return Answer(status, body, {"retry-after": str(wait)})

    return face


def venues(market: Market) -> list[Venue]:
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
        )
    ]
