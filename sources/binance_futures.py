"""Binance USD-M futures: the most traded market of most coins; perpetual contracts on coins.

What is common to both of Binance's APIs is told in `_binance`. Here:

- A page is paid for by its limit, 2 for 100 to 499: 499 rows are the cheapest, 249.5 a weight,
  against 200 for 1,000 and 150 for 1,500. 2,400 weight a minute; exchangeInfo costs 1.
- Quarterly contracts, indices, stocks and commodities are listed too: taken are contracts that
  are PERPETUAL on a COIN.
- deliveryDate is 2100-12-25 until a delisting is announced, then its time. A delisted contract
  may go on emitting flat candles without a trade: nothing after that date is to be believed.
- onboardDate is not to be believed for the first contracts: 25 recorded ones, from BTCUSDT to
  ALGOUSDT, share 2019-09-25, before or after which their candles begin. `first` asks instead.
- Some contracts are on 1,000 coins or more: `multiples`.
"""

from bisect import bisect_right
from functools import partial

import httpx

from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.source import Catalogue, Source, Venue, at_once
from sources import _binance

NAME = "binance_futures"
URL = "https://fapi.binance.com"
KLINES = f"{URL}/fapi/v1/klines"
LIMITS = (1, 100, 500, 1001)
COSTS = (1, 1, 2, 5, 10)
"""A request of LIMITS[n - 1] rows or more, and fewer than LIMITS[n], costs COSTS[n]."""
DEFAULT_LIMIT = 500


def _cost(request: httpx.Request) -> float:
    if request.url.path != "/fapi/v1/klines":
        return 1
    return COSTS[bisect_right(LIMITS, int(request.url.params.get("limit", DEFAULT_LIMIT)))]


_listed = partial(
    _binance.listed,
    wanted={"contractType": "PERPETUAL", "underlyingType": "COIN"},
    start="onboardDate",
    end="deliveryDate",
)
SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        metering=Metering((Budget(2400, 60, _cost, _binance.USED, _binance.budget),)),
        verdict=_binance.verdict,
    ),
    kind="traded",
    page_hours=499,
    request=partial(_binance.request, KLINES),
    parse=partial(_binance.parse, NAME),
    place=10,
    colour="#0072b2",
    exact_start=True,
    exact_end=True,
    taker=True,
    first=partial(_binance.first, KLINES),
    last=partial(_binance.last, KLINES),
    catalogue=Catalogue(
        exchange="binance_futures",
        derivatives=True,
        request=at_once(f"{URL}/fapi/v1/exchangeInfo"),
        parse=_listed,
    ),
)
