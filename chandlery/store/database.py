"""A database that may go away for a while: what is asked of it is asked again when it is back."""

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Concatenate, ParamSpec, Self, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random

from chandlery.errors import Damaged, Gone
from chandlery.settings import Settings
from chandlery.store.connect import Connection, Unreachable, connect, first_line

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds that one call may sleep in all. A server restarts in a few, a machine in a minute."""
PASSING = frozenset(
    {
        "40001",  # serialization failure
        "40P01",  # deadlock
        "53300",  # too many connections
        "57P01",  # shut down
        "57P02",  # another backend crashed
        "57P03",  # starting up
        "25P03",  # sent away: it kept a transaction idle, as a machine that was suspended does
    }
)
DAMAGE = frozenset({"XX", "58"})
"""Classes of what PostgreSQL says of files that are not what it wrote."""
_backoff = wait_exponential(multiplier=0.1, max=5.0) + wait_random(0.0, 0.1)


class Database:
    """A connection, and another in its place once it is lost. To be shared by threads."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._lock = Lock()
        self._connection = connect(settings)
        self._hurried = False
        self._retrying = Retrying(
            retry=retry_if_exception(_passes),
            stop=self._is_enough,
            wait=_backoff,
            sleep=sleep,
            before_sleep=_say,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def connection(self) -> Connection:
        """The one in use; another, if it was lost."""
        with self._lock:
            if self._connection.closed:
                self._connection = connect(self._settings)
            return self._connection

    def do(
        self,
        call: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`call(connection, …)`, as a whole once more where something passing came in between.

        To be of use twice, it is one transaction, or does nothing that was done already. Gone after
        so much patience, or where the database is there and cannot go on: its disk is full. From
        then on nothing is waited for. Damaged where its files are.
        """
        try:
            done: T = self._retrying(self._once, call, *args, **kwargs)
        except (psycopg.Error, Unreachable) as error:
            if stop := _stopped_by(error):
                self._hurried = True
                raise stop from None
            if is_damage(error):
                raise Damaged(explained(error)) from error
            self._hurried = True
            if isinstance(error, psycopg.OperationalError | Unreachable):
                raise Gone(explained(error)) from error
            raise
        except KeyboardInterrupt:
            self._hurried = True
            self._drop_if_busy()
            raise
        except BaseException:  # who leaves does not wait to tidy up
            self._hurried = True
            raise
        return done

    def _drop_if_busy(self) -> None:
        """Ctrl-C may come between a query and its answer: nothing more can be asked there."""
        with self._lock:
            if self._connection.info.transaction_status is TransactionStatus.ACTIVE:
                self._connection.close()

    def _once(
        self,
        call: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return call(self.connection, *args, **kwargs)

    def _is_enough(self, state: RetryCallState) -> bool:
        return self._hurried or state.idle_for >= PATIENCE


def explained(error: Exception) -> str:
    """What a database's error means to whoever waits for it, in one line."""
    stays = "what was committed stays"
    if isinstance(error, psycopg.errors.DiskFull):
        return f"the database's disk is full ({_why(error)}): make room and try again; {stays}"
    if is_damage(error):
        check = "`chandlery check` says what of it, and what mends it"
        return f"the database is damaged ({_why(error)}): {check}"
    return f"the database went away ({_why(error)}); {stays}, the same command goes on"


def is_damage(error: BaseException | None) -> bool:
    """Whether it tells that the database's files are not what was written to them.

    Statistics that break their own rule are such a thing, too. No damage is what two who change the
    catalogue at once are told.
    """
    if not isinstance(error, psycopg.Error):
        return False
    broken = isinstance(error, psycopg.IntegrityError) and error.diag.table_name == "pg_statistic"
    at_once = "concurrently" in (error.diag.message_primary or "")
    return broken or ((error.sqlstate or "")[:2] in DAMAGE and not at_once)


def _why(error: BaseException | None) -> str:
    return error.why if isinstance(error, Unreachable) else first_line(error)


def _stopped_by(error: BaseException | None) -> KeyboardInterrupt | None:
    """The Ctrl-C in the place of which an error is told.

    psycopg has the server cancel, and waits for its answer: one that is an error takes its place.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


def _passes(error: BaseException) -> bool:
    if _stopped_by(error):
        return False
    if not isinstance(error, psycopg.Error):
        return isinstance(error, Unreachable)
    state = error.sqlstate
    lost = state is None or state.startswith("08")
    return state in PASSING or (lost and isinstance(error, psycopg.OperationalError))


def _say(state: RetryCallState) -> None:
    """Once, when it is not over in a moment."""
    if state.attempt_number == 3 and state.outcome is not None:  # noqa: PLR2004
        error = state.outcome.exception()
        log.warning("the database does not answer, and is asked again: %s", _why(error))
