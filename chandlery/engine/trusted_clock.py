"""The clock that a run goes by, before it concludes anything from it."""

import logging
from datetime import datetime

from chandlery import store

log = logging.getLogger(__name__)


def trust_clock(connection: store.Connection, now: datetime) -> None:
    """Misuse where `now` is behind what is stored; forget what lies in the future, and tell it."""
    store.refuse_clock_behind(connection, now)
    forgotten = store.forget_future(connection, now)
    if forgotten.rows:
        log.warning("%s", forgotten)
