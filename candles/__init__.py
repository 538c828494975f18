"""The words every room shares: candles, windows, coins, listings, errors and settings."""

from candles.errors import (
    Blocked,
    ChandleryError,
    Gone,
    Malformed,
    Misuse,
    Rejected,
    SourceError,
    Unavailable,
)
from candles.frame import SCHEMA, check, empty, within
from candles.time import HOUR, Window, clock, instant, whole_hour, whole_hour_up
from candles.words import Coin, Kind, Listing, line, price

__all__ = [
    "HOUR",
    "SCHEMA",
    "Blocked",
    "ChandleryError",
    "Coin",
    "Gone",
    "Kind",
    "Listing",
    "Malformed",
    "Misuse",
    "Rejected",
    "SourceError",
    "Unavailable",
    "Window",
    "check",
    "clock",
    "empty",
    "instant",
    "line",
    "price",
    "whole_hour",
    "whole_hour_up",
    "within",
]
