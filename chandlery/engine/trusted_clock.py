"""The clock that a run goes by, before it concludes anything from it."""

import logging
from collections.abc import Callable
from datetime import datetime

from chandlery import store
from chandlery.errors import Misuse
from chandlery.model import clock, utc_text

log = logging.getLogger(__name__)


Clock = Callable[[], datetime]


def trust_clock(connection: store.Connection, now: datetime, real: Clock = clock) -> None:
    """Misuse where `now` is behind what is stored; forget what lies in the future, and tell it.

    What was noted between a `now` of the past that somebody names and the `real` one is none of it.
    """
    store.refuse_clock_behind(connection, now)
    forgotten = store.forget_future(connection, now, real())
    if forgotten.rows:
        log.warning("%s", forgotten)


def remove_future(connection: store.Connection, now: datetime, real: Clock = clock) -> int:
    """Remove candles of a time to come; return how many. Misuse where it is the clock that is off.

    What the database itself was written at, its tables and its runs, is never of a time to come.
    """
    at = max(now, real())
    written = store.written_at(connection)
    if written is not None and written > at + store.AHEAD:
        raise Misuse(
            f"the database was written at {utc_text(written)}, and now is {utc_text(at)}: the clock"
            " is behind, and no candle is removed; set it right"
        )
    return store.remove_future(connection, at)
