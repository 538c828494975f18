"""CoinGecko's tickers: which coin is behind each symbol of an exchange."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.words import DAY, Coin, Listing

WORTH_OF_ALL = 1_500_000_000_000
_BEHIND_QUOTES = {
    "USDT": "tether",
    "USD": "",
    "USDC": "usd-coin",
    "BUSD": "binance-usd",
    "FDUSD": "first-digital-usd",
    "BTC": "bitcoin",
    "ETH": "ethereum",
    "BNB": "binancecoin",
}

Info = dict[str, Any]
Ticker = tuple[Listing, Coin]


def stamp(now: int, spec: str) -> str:
    """Return a time as CoinGecko writes it."""
    when = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec=spec)
    return when.replace("+00:00", "Z") if spec == "milliseconds" else when


def spot_ticker(id_: str, name: str, ticker: Ticker, now: int) -> Info:
    """Return a ticker as /exchanges/{id}/tickers has it."""
    listing, coin = ticker
    price, seen = (coin.price or 0.0) * listing.multiple, stamp(now, "seconds")
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
        "trade_url": f"https://www.coingecko.com/en/exchanges/{id_}#{listing.symbol}",
        "token_info_url": None,
        "coin_id": coin.id,
        "target_coin_id": _BEHIND_QUOTES.get(listing.quote, ""),
        "coin_mcap_usd": float(WORTH_OF_ALL // coin.rank),
    }


def derivatives(name: str, found: Sequence[Ticker]) -> Info:
    """Return a derivatives exchange as it is told without tickers."""
    perpetual = sum(not x.contract.endswith("QUARTER") for x, _ in found)
    return {
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


def contract(ticker: Ticker, now: int) -> Info:
    """Return a ticker as /derivatives/exchanges/{id} has it."""
    listing, coin = ticker
    price, dated = (coin.price or 0.0) * listing.multiple, listing.contract.endswith("QUARTER")
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
