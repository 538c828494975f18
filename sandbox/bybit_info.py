"""What Bybit says of a contract, and of a spot symbol: the keys of 2023 and 2026 as recorded."""

from typing import Any

from sandbox.words import DAY, Listing

_TYPES = {"COIN": "", "EQUITY": "stock", "ETF": "etf", "MSTOCKS": "mstocks"}
_SPOT_TYPES = {"COIN": "", "EQUITY": "xstocks"}
_NOTICE = 7 * DAY


def _delivery(listing: Listing, now: int) -> int:
    """Return when a contract ends, once that is announced; 0 before."""
    dated, until = listing.contract.endswith("QUARTER"), listing.until or 0
    return until if dated or until - now < _NOTICE else 0


def instrument(listing: Listing, digits: int, now: int) -> dict[str, Any]:
    """Return a contract as /v5/market/instruments-info has it."""
    dated = listing.contract.endswith("QUARTER")
    tick = f"{10.0**-digits:.{digits}f}"
    return {
        "symbol": listing.symbol,
        "contractType": "LinearFutures" if dated else "LinearPerpetual",
        "status": "Trading" if listing.trades_at(now) else "Closed",
        "baseCoin": listing.base,
        "quoteCoin": listing.quote,
        "launchTime": str(listing.since),
        "deliveryTime": str(_delivery(listing, now)),
        "deliveryFeeRate": "0.0005" if dated else "",
        "priceScale": str(digits),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": tick, "maxPrice": "199999.80", "tickSize": tick},
        "lotSizeFilter": {
            "maxOrderQty": "100.000",
            "minOrderQty": "0.001",
            "qtyStep": "0.001",
            "postOnlyMaxOrderQty": "1000.000",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 0 if dated else 480,
        "settleCoin": listing.quote,
        "copyTrading": "none" if dated else "normalOnly",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
        "symbolType": _TYPES.get(listing.underlying, ""),
    }


def pair(listing: Listing, digits: int) -> dict[str, Any]:
    """Return a spot symbol as /v5/market/instruments-info has it."""
    return {
        "symbolId": 9,
        "symbol": listing.symbol,
        "baseCoin": listing.base,
        "quoteCoin": listing.quote,
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": "0.000001",
            "quotePrecision": "0.0000001",
            "minOrderQty": "0.000001",
            "maxOrderQty": "230",
            "minOrderAmt": "5",
        },
        "priceFilter": {"tickSize": f"{10.0**-digits:.{digits}f}"},
        "symbolType": _SPOT_TYPES.get(listing.underlying, ""),
        "xstockMultiplier": "1",
    }
