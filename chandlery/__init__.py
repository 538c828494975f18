"""Chandlery: every crypto coin's hourly candles, complete, in TimescaleDB.

What is here reads the database: see `chandlery.api`. It is loaded at its first use, as the command
line has no need of it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chandlery.api import closes, coins, gaps, read, universe

__all__ = ["closes", "coins", "gaps", "read", "universe"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whichever of them it is
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from chandlery import api  # noqa: PLC0415 - polars and psycopg take a second

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
