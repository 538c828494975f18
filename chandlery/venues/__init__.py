"""The one way to ask a venue, whichever it is: limits kept, retries, bans, mirrors, whole answers.

`load()` finds every module of sources/ that has a SOURCE; `client()` is the one way out; `fetch()`
asks for a page of candles and answers for its rules.
"""

from chandlery.rate_limit.account import GRAIN, Account, Accounts
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.rate_limit.gate import Timepiece
from chandlery.venues.catalogue import catalogue
from chandlery.venues.clocks import Clocks
from chandlery.venues.fetch import (
    fetch,
    fetch_many,
    first_candle,
    held_to_rules,
    last_candle,
    page_before,
    pages,
    seal_of,
    send,
)
from chandlery.venues.folders import months, symbols
from chandlery.venues.parsing.malformed import Fetched, MalformedRows
from chandlery.venues.pools import pools_of
from chandlery.venues.reach import refuse_if_nobody_is_there
from chandlery.venues.registry import colours, in_order, load, ranking
from chandlery.venues.source import (
    CATALOGUE,
    MARKET_CAPS,
    Catalogue,
    Folders,
    Many,
    Markets,
    OddEntry,
    OnDisk,
    Pools,
    Ranking,
    Seal,
    Source,
    Venue,
    configured,
)
from chandlery.venues.transport import client

__all__ = [
    "CATALOGUE",
    "GRAIN",
    "MARKET_CAPS",
    "Account",
    "Accounts",
    "Budget",
    "Catalogue",
    "Clocks",
    "Fetched",
    "Folders",
    "MalformedRows",
    "Many",
    "Markets",
    "Metering",
    "OddEntry",
    "OnDisk",
    "Pools",
    "Ranking",
    "Seal",
    "Source",
    "Timepiece",
    "Venue",
    "catalogue",
    "client",
    "colours",
    "configured",
    "fetch",
    "fetch_many",
    "first_candle",
    "held_to_rules",
    "in_order",
    "last_candle",
    "load",
    "months",
    "page_before",
    "pages",
    "pools_of",
    "ranking",
    "refuse_if_nobody_is_there",
    "seal_of",
    "send",
    "symbols",
]
