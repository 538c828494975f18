"""Coins: who is who, over renames, and who is ranked where."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from chandlery.model import Coin
from chandlery.store.connect import Connection
from chandlery.store.queries import query
from chandlery.store.unconfirmed import confirmed


class Unseen(NamedTuple):
    """How many coins are active, how many of them were not seen, and how many were let go."""

    active: int
    unseen: int
    retired: int


class LeftOut(NamedTuple):
    """A coin that runs pass over; `crypto`: for no other reason than that it is delisted."""

    coin: Coin
    crypto: bool


def retire_unseen(connection: Connection, now: datetime) -> Unseen:
    """Once all coins are learnt: who was not seen, and was not before either, is no longer active.

    Before, that is at least some hours before `now`.
    """
    with connection.transaction():
        rows = connection.execute(
            "select id, seen_at < %s from coin where active and mapped", (now,)
        ).fetchall()
        unseen = [id_ for id_, is_unseen in rows if is_unseen]
        gone = confirmed(connection, "coin gone", unseen, now)
        connection.execute("update coin set active = false where id = any (%s)", (list(gone),))
        connection.execute(query("name_symbols"))
    return Unseen(len(rows), len(unseen), len(gone))


def active(connection: Connection) -> int:
    """How many coins there are that CoinGecko still has."""
    row = connection.execute("select count(*) from coin where active and mapped").fetchone()
    return int(row[0]) if row else 0


def rename_coins(connection: Connection, renamed: Mapping[str, str], now: datetime) -> None:
    """Give coins (by old id) their new ids; the old ones go on naming them."""
    for old, new in renamed.items():
        connection.execute(query("rename_coin"), {"old": old, "new": new, "now": now})


def ids(connection: Connection) -> dict[str, int]:
    """The keys of all coins by id, those that they had before included."""
    rows = connection.execute("select id, coin from coin_alias union all select id, key from coin")
    return dict(rows.fetchall())


def learnt_at(connection: Connection, what: str) -> datetime | None:
    """When `what` was last learnt."""
    row = connection.execute("select at from learnt where what = %s", (what,)).fetchone()
    return None if row is None else row[0]


def note_learnt(
    connection: Connection, what: str, now: datetime, number: int | None = None
) -> None:
    """Keep when `what` was learnt, and how many of it there are, where that was told."""
    connection.execute(
        "insert into learnt (what, at, number) values (%s, %s, %s) on conflict (what)"
        " do update set at = excluded.at, number = coalesce(excluded.number, learnt.number)",
        (what, now, number),
    )


def learnt_number(connection: Connection, what: str) -> int | None:
    """How many of it there were when `what` was last learnt; None where nobody told."""
    row = connection.execute("select number from learnt where what = %s", (what,)).fetchone()
    return None if row is None else row[0]


def find(
    connection: Connection,
    symbols: Sequence[str] | None = None,
    most: int | None = None,
    *,
    delisted: bool = False,
) -> list[Coin]:
    """Coins by market-cap rank: those with these symbols or ids in any case, or all.

    All are those that are not left out; with `delisted` also those that were over before anybody
    asked for them.
    """
    wanted = None if symbols is None else list(symbols)
    given = {"symbols": wanted, "most": most, "delisted": delisted}
    return [Coin(*row) for row in connection.execute(query("find_coins"), given)]


def left_out(connection: Connection) -> list[LeftOut]:
    """The coins that are passed over unless they are named, best rank first."""
    rows = connection.execute(
        "select key, id, symbol, name, rank, crypto from coin where not crypto"
        " or left_out and exists (select from listing where coin = key)"
        " order by rank nulls last, id"
    )
    return [LeftOut(Coin(*row[:5]), row[5]) for row in rows]


def inactive_ids(connection: Connection) -> list[str]:
    """The ids of the coins that CoinGecko does not have."""
    rows = connection.execute("select id from coin where not active or not mapped order by id")
    return [id_ for (id_,) in rows]


def note_crypto(connection: Connection, is_crypto: Mapping[str, bool]) -> None:
    """Keep of these coins (by id) whether they are such, or claims on something else."""
    connection.execute(
        "update coin set crypto = told.crypto from unnest(%s::text[], %s::boolean[])"
        " as told (id, crypto) where told.id = coin.id and told.crypto <> coin.crypto",
        (list(is_crypto), list(is_crypto.values())),
    )


def take_in(connection: Connection, coins: Sequence[int]) -> int:
    """Leave these delisted coins (by key) out no longer; return how many there were."""
    return connection.execute(
        "update coin set left_out = false where left_out and key = any (%s)", (list(coins),)
    ).rowcount


def prices(connection: Connection, coins: Sequence[int]) -> dict[int, tuple[float, datetime]]:
    """What CoinGecko last told these coins to cost, in dollars, and when (UTC); by key."""
    rows = connection.execute(
        "select key, price, priced_at from coin where key = any (%s) and price is not null",
        (list(coins),),
    )
    return {key: (price, at.astimezone(UTC)) for key, price, at in rows}
