"""What every room speaks of: candles and their rules, hours and windows, coins and listings."""

from chandlery.model.frame import SCHEMA, check, empty, within
from chandlery.model.text import Coin, Kind, Listing, one_line, price
from chandlery.model.time import (
    HOUR,
    Window,
    clock,
    instant,
    milliseconds,
    overlapping,
    whole_hour,
    whole_hour_up,
    window,
)

__all__ = [
    "HOUR",
    "SCHEMA",
    "Coin",
    "Kind",
    "Listing",
    "Window",
    "check",
    "clock",
    "empty",
    "instant",
    "milliseconds",
    "one_line",
    "overlapping",
    "price",
    "whole_hour",
    "whole_hour_up",
    "window",
    "within",
]
