"""The coins that a run, a verb or a call of the API is asked for."""

from collections.abc import Sequence

from chandlery import store
from chandlery.errors import Misuse
from chandlery.model import Coin
from chandlery.words import did_you_mean


def choose(
    connection: store.Connection,
    symbols: Sequence[str] | None,
    most: int | None = None,
    *,
    delisted: bool = False,
) -> list[Coin]:
    """The coins asked for, by rank; Misuse names a symbol that no coin has, and what is near it.

    All are also those that are left out as delisted, if that is asked for.
    """
    # What cannot be printed is in no name, and PostgreSQL does not take all of it.
    asked = None if symbols is None else [each for each in symbols if each.isprintable()]
    coins = store.find(connection, asked, None, delisted=delisted)
    names = {name.upper() for coin in coins for name in (coin.symbol, coin.id)}
    older = {name.upper() for name in store.ids(connection)} if symbols else set()
    unknown = [symbol for symbol in symbols or () if symbol.upper() not in names | older]
    if unknown:
        raise Misuse(_unknown(connection, unknown[0]))
    return coins[:most]


def _unknown(connection: store.Connection, symbol: str) -> str:
    known = [coin.symbol for coin in store.find(connection)]
    hint = did_you_mean(symbol.upper(), known, 3)
    return f"no coin {symbol[:40]!r} is known: {hint}`chandlery coins` learns new ones"
