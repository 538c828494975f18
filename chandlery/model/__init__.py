"""What every room speaks of: candles and their rules, hours and windows, coins and listings.

What is said of frames is loaded at its first use: who only looks does not wait for polars.
"""

from typing import TYPE_CHECKING

from chandlery.lazy import late
from chandlery.model.text import KINDS, Coin, Kind, Listing, one_line, price
from chandlery.model.time import (
    HOUR,
    Window,
    clock,
    instant,
    milliseconds,
    moment,
    overlapping,
    utc_text,
    whole_hour,
    whole_hour_up,
    window,
)

if TYPE_CHECKING:
    from chandlery.model.frame import SCHEMA, check, empty, within

__all__ = [
    "HOUR",
    "KINDS",
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
    "moment",
    "one_line",
    "overlapping",
    "price",
    "utc_text",
    "whole_hour",
    "whole_hour_up",
    "window",
    "within",
]


__getattr__ = late(__name__, __all__, "chandlery.model.frame")
