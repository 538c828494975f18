"""Redenominations that are proposed for back-adjusted prices, and those that a person confirmed.

Proposed is what the findings say holds. Only what is confirmed changes `market_data_adjusted`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from chandlery.model import Coin
from chandlery.store.connect import Connection
from chandlery.store.queries import query


class Adjustment(NamedTuple):
    """A moment (UTC) from which a coin is counted in another unit.

    Prices of the hours before it are to be multiplied by `factor`, volumes divided; None where the
    candles do not tell it. It is proposed while `confirmed_at` is None. `detail` is what a finding
    saw, None where none holds.
    """

    coin: Coin
    open_time: datetime
    factor: float | None
    confirmed_at: datetime | None
    detail: str | None


def adjustments(connection: Connection, coins: Sequence[Coin]) -> list[Adjustment]:
    """What is proposed and what is confirmed of these coins, by symbol and time."""
    known = {coin.key: coin for coin in coins}
    rows = connection.execute(query("adjustments"), {"coins": list(known)}).fetchall()
    return [
        Adjustment(known[key], at, _factor(factor, tens), confirmed_at, detail)
        for key, at, factor, confirmed_at, detail, tens in rows
    ]


def _factor(confirmed: float | None, tens: int | None) -> float | None:
    """What was confirmed, else the power of ten nearest to how the price changed."""
    if confirmed is not None or not tens:
        return confirmed
    return float(f"1e{tens}")  # by its text: 10 ** -2 is not the double nearest to 0.01


def confirm_adjustment(
    connection: Connection, coin: Coin, at: datetime, factor: float, now: datetime
) -> None:
    """Have the prices before `at` multiplied by `factor`, in the place of what was said before."""
    connection.execute(
        "insert into adjustment (coin, open_time, factor, confirmed_at) values (%s, %s, %s, %s)"
        " on conflict (coin, open_time) do update"
        " set factor = excluded.factor, confirmed_at = excluded.confirmed_at"
        " where adjustment.factor <> excluded.factor",
        (coin.key, at, factor, now),
    )


def take_back_adjustment(connection: Connection, coin: Coin, at: datetime) -> None:
    """Have the prices before `at` as they are again."""
    connection.execute("delete from adjustment where coin = %s and open_time = %s", (coin.key, at))
