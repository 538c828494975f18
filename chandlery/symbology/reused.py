"""Symbols that were one coin and then another: what no API tells, with the evidence for it.

Without this, LUNAUSDT's candles before May 2022 would be taken for those of the coin that bears
the name today. Times are the first hour of the new coin, and the end of the old one's last.
"""

from datetime import datetime
from typing import NamedTuple


class Reuse(NamedTuple):
    """A part of a symbol's life in which it was this coin; None: from the first, or until now."""

    source: str
    symbol: str
    coin: str
    start: datetime | None
    end: datetime | None
    evidence: str


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


REUSED = (
    Reuse(
        "binance_spot",
        "LUNAUSDT",
        "terra-luna",
        None,
        _at("2022-05-13T01:00Z"),
        "Binance halted LUNA on 2022-05-13; its 1h candles end at 00:00, the price below 0.0001",
    ),
    Reuse(
        "binance_spot",
        "LUNAUSDT",
        "terra-luna-2",
        _at("2022-05-31T06:00Z"),
        None,
        "Binance listed LUNA 2.0 under the old symbol on 2022-05-31 06:00 UTC, near 9 dollars",
    ),
)
