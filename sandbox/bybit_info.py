"""What Bybit says of a contract: the keys of 2023 as recorded, and those documented since."""

from typing import Any

from sandbox.words import DAY, Listing

_TYPES = {"COIN": "", "EQUITY": "stock", "ETF": "etf", "MSTOCKS": "mstocks"}
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
