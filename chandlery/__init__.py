"""Chandlery: every crypto coin's hourly candles, complete, in TimescaleDB.

What is here reads the database: see `chandlery.api`. It is loaded at its first use, as the command
line has no need of it.
"""

from typing import TYPE_CHECKING

from chandlery.lazy import late

if TYPE_CHECKING:
    from chandlery.api import closes, coins, gaps, read, universe

__all__ = ["closes", "coins", "gaps", "read", "universe"]


__getattr__ = late(__name__, __all__, "chandlery.api")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
