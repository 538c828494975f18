"""The venues, one module each, and the one place that has manners towards them.

`load()` finds every module here that has a SOURCE; `client()` is the one way out; `fetch()` asks
for a page of candles and answers for its rules, whichever source it is.
"""

from sources.account import GRAIN, Account, Accounts
from sources.discovery import load
from sources.fetch import catalogue, fetch, fetch_many, first_candle, last_candle, pages, send
from sources.folders import months, symbols
from sources.limiter import Timepiece
from sources.malformed import Fetched, MalformedRows
from sources.reach import refuse_if_nobody_is_there
from sources.source import (
    CATALOGUE,
    Budget,
    Catalogue,
    Folders,
    Many,
    Markets,
    Metering,
    OddEntry,
    Seal,
    Source,
    Venue,
    configured,
)
from sources.transport import client

__all__ = [
    "CATALOGUE",
    "GRAIN",
    "Account",
    "Accounts",
    "Budget",
    "Catalogue",
    "Fetched",
    "Folders",
    "MalformedRows",
    "Many",
    "Markets",
    "Metering",
    "OddEntry",
    "Seal",
    "Source",
    "Timepiece",
    "Venue",
    "catalogue",
    "client",
    "configured",
    "fetch",
    "fetch_many",
    "first_candle",
    "last_candle",
    "load",
    "months",
    "pages",
    "refuse_if_nobody_is_there",
    "send",
    "symbols",
]
