"""Binance's exchangeInfo, of both markets: which symbols there are and what they mean.

Each symbol comes once, as it stands now; one that is not listed yet is not there. Spot knows no
dates: a symbol that is over says `BREAK`. A perpetual that is over stays as `SETTLING`, with
`deliveryDate` its end; the end is announced a week ahead. Filters and precisions are a
plausible constant: nothing here trades.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.words import DAY, Listing

_NEVER = 4_133_404_800_000
_NOTICE = 7 * DAY

Info = dict[str, Any]

_MINUTELY = {"interval": "MINUTE", "intervalNum": 1}
_SPOT_LIMITS = [
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
]
_FUTURES_LIMITS = [
    {"rateLimitType": "ORDERS", **_MINUTELY, "limit": 1200},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
]
_SPOT_FILTERS = [
    {
        "filterType": "PRICE_FILTER",
        "minPrice": "0.00000001",
        "maxPrice": "922327.00000000",
        "tickSize": "0.00000001",
    },
    {
        "filterType": "LOT_SIZE",
        "minQty": "0.00001000",
        "maxQty": "9000.00000000",
        "stepSize": "0.00001000",
    },
]
_FUTURES_FILTERS = [
    {
        "minPrice": "0.0000001",
        "maxPrice": "4529764",
        "filterType": "PRICE_FILTER",
        "tickSize": "0.0000001",
    },
    {"maxQty": "1000", "filterType": "LOT_SIZE", "minQty": "0.001", "stepSize": "0.001"},
]


def current(listings: Iterable[Listing], now: int) -> list[Listing]:
    """Return what each symbol means now, or meant last."""
    found: dict[str, Listing] = {}
    for listing in listings:
        known = found.get(listing.symbol)
        if listing.since <= now and not (known and known.trades_at(now)):
            found[listing.symbol] = listing
    return list(found.values())


def _weight(budget: int) -> Info:
    """Return the limit that counts: weight a minute."""
    return {"rateLimitType": "REQUEST_WEIGHT", **_MINUTELY, "limit": budget}


def spot_info(listings: Iterable[Listing], now: int, budget: int) -> Info:
    """Return spot's exchangeInfo."""
    return {
        "timezone": "UTC",
        "serverTime": now,
        "rateLimits": [_weight(budget), *_SPOT_LIMITS],
        "exchangeFilters": [],
        "symbols": [_spot_symbol(listing, now) for listing in listings],
    }


def _spot_symbol(listing: Listing, now: int) -> Info:
    """Return one symbol of spot."""
    return {
        "symbol": listing.symbol,
        "status": "TRADING" if listing.trades_at(now) else "BREAK",
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": _SPOT_FILTERS,
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def futures_info(listings: Sequence[Listing], now: int, budget: int) -> Info:
    """Return USD-M futures' exchangeInfo, which knows no choice of symbols."""
    assets = sorted({listing.quote for listing in listings})
    return {
        "timezone": "UTC",
        "serverTime": now,
        "futuresType": "U_MARGINED",
        "rateLimits": [_weight(budget), *_FUTURES_LIMITS],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
            for asset in assets
        ],
        "symbols": [_futures_symbol(listing, now) for listing in listings],
    }


def _delivery(listing: Listing, now: int) -> int:
    """Return the end of a contract, once it is announced."""
    announced = listing.contract.endswith("QUARTER") or (listing.until or _NEVER) - now < _NOTICE
    return listing.until if listing.until is not None and announced else _NEVER


def _futures_symbol(listing: Listing, now: int) -> Info:
    """Return one contract of USD-M futures."""
    return {
        "symbol": listing.symbol,
        "pair": listing.symbol.partition("_")[0],
        "contractType": listing.contract,
        "deliveryDate": _delivery(listing, now),
        "onboardDate": listing.since,
        "status": "TRADING" if listing.trades_at(now) else "SETTLING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "marginAsset": listing.quote,
        "pricePrecision": 7,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": listing.underlying,
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": _FUTURES_FILTERS,
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
    }
