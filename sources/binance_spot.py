"""Binance spot: the longest history of all, each symbol from its first trade in 2017 or later.

What is common to both of Binance's APIs is told in `_binance`. Here:

- A page of 1,000 costs 2 like any other; 6,000 weight a minute, 20 of it for exchangeInfo.
- Where the country is restricted (451) data-api.binance.vision serves the same paths, keyless.
- exchangeInfo has no dates: `first` asks a symbol for its earliest candle. A symbol that stands
  still (BREAK) may be gone for good; when it stopped is not told, its candles are still served.
  `last` asks for the newest, which are sent where no time is asked for [U: of such a symbol too].
- An hour without a trade is a flat bar of volume 0; an hour of outage is absent. A symbol may
  come back as another coin (LUNAUSDT, 2022-05-31) or redenominated (BNX, SUN, QUICK).
"""

from functools import partial

import httpx

from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.source import Catalogue, Source, Venue, at_once
from sources import _binance

NAME = "binance_spot"
URL = "https://api.binance.com"
KLINES = f"{URL}/api/v3/klines"
COSTS = {"/api/v3/klines": 2, "/api/v3/exchangeInfo": 20}
DEAREST = max(COSTS.values())


def _cost(request: httpx.Request) -> float:
    return COSTS.get(request.url.path, DEAREST)


SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        mirror="https://data-api.binance.vision",
        metering=Metering((Budget(6000, 60, _cost, _binance.USED, _binance.budget),)),
        verdict=_binance.verdict,
    ),
    kind="traded",
    page_hours=1000,
    request=partial(_binance.request, KLINES),
    parse=partial(_binance.parse, NAME),
    place=20,
    colour="#56b4e9",
    exact_start=True,
    exact_end=True,
    taker=True,
    first=partial(_binance.first, KLINES),
    last=partial(_binance.last, KLINES),
    catalogue=Catalogue(
        exchange="binance",
        derivatives=False,
        request=at_once(f"{URL}/api/v3/exchangeInfo"),
        parse=_binance.listed,
    ),
)
