"""Fields that several flows have: a form shows them, and what cannot be is refused there."""

from typing import Annotated, Literal

from pydantic import Field

from chandlery import venues
from chandlery.engine.spec import FIRST_YEAR, MOST_COINS, MOST_HOURS, MOST_SHARDS
from chandlery.model import one_line

Year = Annotated[int, Field(ge=FIRST_YEAR, le=9999)]
Coins = Annotated[int, Field(ge=1, le=MOST_COINS)]
Charts = Annotated[int, Field(ge=0, le=MOST_COINS)]
Hours = Annotated[int, Field(ge=1, le=MOST_HOURS)]
Shards = Annotated[int, Field(ge=1, le=MOST_SHARDS)]
Refetch = Literal["taker"]
Source = Annotated[str, Field(json_schema_extra={"enum": [*sorted(venues.load())]})]
"""One of those that are there: a form offers them, and the server refuses others."""
Time = Annotated[str, Field(json_schema_extra={"format": "date"})]
"""A form offers a date; a text with an hour and a zone is taken all the same."""
Recheck = Annotated[int, Field(ge=0, le=MOST_HOURS)]


def which(symbols: list[str] | None, max_coins: int | None) -> str:
    """The coins asked for, as a run's name has them."""
    return one_line(",".join(symbols or ())) or f"{max_coins or 'all'} coins"
