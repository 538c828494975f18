"""What every room speaks of: candles and their rules, hours and windows, coins and listings.

What is said of frames is loaded at its first use: who only looks does not wait for polars.
"""

from typing import TYPE_CHECKING, Any

from chandlery.model.text import KINDS, Coin, Kind, Listing, one_line, price
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
    "one_line",
    "overlapping",
    "price",
    "whole_hour",
    "whole_hour_up",
    "window",
    "within",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whichever of them it is
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from chandlery.model import frame  # noqa: PLC0415 - polars takes 0.4 s to import

    return getattr(frame, name)
