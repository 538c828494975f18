"""What venues count, kept in the database for all processes and machines that share it."""

from collections.abc import Callable
from typing import TypeVar

from chandlery import store
from chandlery.rate_limit.gate import REAL, Timepiece
from chandlery.venues import GRAIN, Account

T = TypeVar("T")


class Shared:
    """Accounts in the database. While it is away nothing is sent.

    No lock outlives a statement: who dies or is cut off in between stops nobody.
    """

    grain = GRAIN

    def __init__(self, database: store.Database, timepiece: Timepiece = REAL) -> None:
        self._database = database
        self.ahead = database.do(store.clock_ahead, timepiece.monotonic)

    def change(self, place: str, change: Callable[[Account], T]) -> T:
        """Change a place's account; anew, if somebody else did meanwhile."""
        return self._database.do(_changed, place, change)


def _changed(connection: store.Connection, place: str, change: Callable[[Account], T]) -> T:
    while True:
        text, version = store.read_account(connection, place)
        account = Account() if text is None else Account.read(text)
        result = change(account)
        changed = account.written()
        if changed == text or store.keep_account(connection, place, changed, version):
            return result
