"""Which candles came from files that people had."""

from datetime import datetime
from typing import NamedTuple

from chandlery.model import Coin
from chandlery.store.connect import Connection
from chandlery.store.queries import query


class Import(NamedTuple):
    """A file that gave an hour's candle; `source` and `symbol` are what it was said to be of."""

    source: str
    symbol: str
    file: str
    sha256: str
    imported_at: datetime


def imports(connection: Connection, coin: Coin, hour: datetime) -> list[Import]:
    """The imports that stored a candle of this hour (aware), newest first."""
    rows = connection.execute(query("imports"), {"coin": coin.key, "hour": hour})
    return [Import(*row) for row in rows]
