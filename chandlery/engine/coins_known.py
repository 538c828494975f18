"""How many of CoinGecko's coins are known yet: a first run learns the best, a sync all."""

from typing import NamedTuple

from chandlery import store

UNIVERSE = "universe"
"""What is kept of when coins were last learnt, and of how many there were."""


class CoinsKnown(NamedTuple):
    """How many coins are known, of how many there are; None: CoinGecko did not say."""

    known: int
    there_are: int | None

    @property
    def rest(self) -> int:
        """How many are still to be learnt, as far as is known."""
        return max((self.there_are or 0) - self.known, 0)

    def sentence(self) -> str | None:
        """What is to be said where some are still to be learnt."""
        if not self.rest:
            return None
        return (
            f"{self.known:,} of {self.there_are:,} coins are known:"
            " sync-coins learns the rest, or `chandlery coins`"
        )


def coins_known(connection: store.Connection) -> CoinsKnown:
    """How many there are now."""
    return CoinsKnown(store.active(connection), store.learnt_number(connection, UNIVERSE))
