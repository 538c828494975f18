"""What is odd about the candles: noted once, kept, and told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from candles import Window
from store.connect import Connection
from store.queries import query

SPLICE = 0.05  # two venues' prices of one moment are that far apart, as a logarithm
POWER_OF_TEN = 0.15  # how near to one a redenomination's ratio comes, as a logarithm to ten
REUSED = 0.3  # another coin's price is twice or half the old, as a logarithm to ten
LONG = timedelta(hours=72)  # no outage of a venue was as long
LONGEST = timedelta(days=1500)
SUSPECT = ("rules", "jump")  # kinds that speak of a candle, and not of two or of none


class Finding(NamedTuple):
    """One oddity: its kind, the candle at which it shows, and what was seen."""

    symbol: str
    kind: str
    open_time: datetime
    detail: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.open_time:%Y-%m-%d %H:%M}: {self.kind}: {self.detail}"


def find_oddities(connection: Connection, coins: Sequence[int]) -> list[Finding]:
    """Look through these coins for splices and jumps; return what was not known before.

    A splice is where two sources join and their prices do not; a jump, where the price is another
    after hours without a candle: a redenomination, or a symbol that came back as another coin.
    """
    keys = {"coins": list(coins)}
    with connection.transaction():
        row = connection.execute("select now()").fetchone()
        connection.execute(query("splices"), keys | {"bound": SPLICE})
        connection.execute(
            query("jumps"),
            keys | {"near": POWER_OF_TEN, "far": REUSED, "long": LONG, "longest": LONGEST},
        )
        since = {"since": row[0] if row else None}
        return [Finding(*found) for found in connection.execute(query("findings"), keys | since)]


def suspects(
    connection: Connection, coins: Sequence[int], window: Window
) -> list[tuple[int, datetime]]:
    """The hours (coin, hour) in `window` whose candles look wrong: they may be restated by now."""
    rows = connection.execute(
        "select distinct coin, open_time from finding where coin = any (%s) and kind = any (%s)"
        " and open_time >= %s and open_time < %s order by coin, open_time",
        (list(coins), list(SUSPECT), window.start, window.end),
    )
    return [(coin, opened.astimezone(UTC)) for coin, opened in rows]
