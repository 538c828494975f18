"""What venues count, kept in the database for all processes and machines that share it."""

from collections.abc import Callable
from typing import TypeVar

import store
from sources import GRAIN, Account

T = TypeVar("T")


class Shared:
    """Accounts in the database. Its errors are the database's own, and nothing is sent then.

    No lock outlives a statement: who dies or is cut off in between stops nobody.
    """

    grain = GRAIN

    def __init__(self, connection: store.Connection) -> None:
        self._connection = connection
        self.ahead = store.clock_ahead(connection)

    def change(self, place: str, change: Callable[[Account], T]) -> T:
        """Change a place's account; anew, if somebody else did meanwhile."""
        while True:
            text, version = store.read_account(self._connection, place)
            account = Account() if text is None else Account.read(text)
            result = change(account)
            changed = account.written()
            if changed == text:
                return result
            if store.keep_account(self._connection, place, changed, version):
                return result
