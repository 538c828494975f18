"""What is odd about the candles: noted once, kept, closed when it no longer holds, and told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import log10
from typing import NamedTuple

from chandlery.model import Coin, Window, price, utc_text
from chandlery.store.connect import Connection, taken_as_now
from chandlery.store.queries import query

SPLICE = 0.05  # two venues' prices of one moment are that far apart, as a logarithm
POWER_OF_TEN = -log10(1 - 0.08)  # a redenomination's factor is within 8 % of one, as a logarithm
REDENOMINATED = timedelta(hours=240)  # the halts before six real ones took 96 to 221 hours
REUSED = 0.3  # another coin's price is twice or half the old, as a logarithm to ten
LONG = timedelta(hours=72)  # no outage of a venue was as long: another coin may come after it
LONGEST = timedelta(days=1500)
STEP = 0.5  # 1.65 times as much between two hours, as a logarithm
NEAR_PRICE, LEAST_PRICE = 1.1, 5.7  # thrice the price, and a price of 300 or a 300th
JUMP = 0.405  # half as much again within an hour, as a logarithm, beyond what the neighbours did
BACK = 0.1  # of a move: no more than that is left of a wick
KNOWN = 12  # of the 24 hours before one that is judged
PRICE = 0.69  # a venue's price is twice or half of CoinGecko's, as a logarithm
ZOMBIE = timedelta(hours=48)  # the quietest coins that trade have a trade in two days
HALT = timedelta(hours=24)
LEAST = 0.0001  # of a price: what is restated by less moves nobody
LATE = timedelta(hours=3)  # the hourly run was missed three times

SUSPECT = ("rules", "jump")  # kinds that speak of a candle, and not of two or of none
TOLD = timedelta(days=7)  # how long an event is told before it is a thing of the past
_LOCK = 0x66696E64696E6773  # "findings": one keeps them at a time


class Look(NamedTuple):
    """A query of sql/queries, the kinds of finding it tells, and what bounds it.

    A row is a `_Seen`; its last column may be absent.
    """

    query: str
    kinds: tuple[str, ...]
    bounds: Mapping[str, object]


ODDITIES = (
    Look("splices", ("splice",), {"bound": SPLICE}),
    Look(
        "jumps",
        ("redenomination", "suspected reuse"),
        {
            "near": POWER_OF_TEN,
            "halted": REDENOMINATED,
            "far": REUSED,
            "long": LONG,
            "longest": LONGEST,
        },
    ),
)
"""What a run looks for in the coins it touched."""

EVERYTHING = (
    *ODDITIES,
    Look("steps", ("step",), {"bound": STEP}),
    Look("volume_steps", ("volume",), {"near": NEAR_PRICE, "least": LEAST_PRICE}),
    Look("moves", ("jump",), {"bound": JUMP, "known": KNOWN, "back": BACK}),
    Look("halts", ("halt",), {"long": HALT}),
    Look("zombies", ("zombie",), {"long": ZOMBIE}),
    Look("stale_coins", ("stale",), {"late": LATE}),
    Look("broken_rules", ("rules",), {}),
    Look("prices", ("price",), {"bound": PRICE}),
    Look("restatements", ("restated",), {"least": LEAST}),
)
"""What there is to look for."""

EVENTS = ("restated",)  # they happened; the others hold until they do not
# Of one hour the first is told and not the second.
EXPLAINS = {
    (better, said)
    for better in ("redenomination", "suspected reuse")
    for said in ("jump", "halt", "splice")
}


class Finding(NamedTuple):
    """One oddity: its kind, the candle at which it shows, and what was seen."""

    symbol: str
    kind: str
    open_time: datetime
    detail: str

    def __str__(self) -> str:
        return f"{self.symbol} {utc_text(self.open_time)}: {self.kind}: {self.detail}"


class _Seen(NamedTuple):
    """A row of a look's query: `detail` has {} where one of the `prices`, in dollars, belongs."""

    kind: str
    coin: int
    open_time: datetime
    detail: str
    prices: Sequence[float | None] = ()

    def words(self) -> str:
        """The detail with its prices as people write them."""
        return self.detail.format(*(None if each is None else price(each) for each in self.prices))


def find_oddities(connection: Connection, coins: Sequence[int]) -> list[Finding]:
    """Look through these coins for ODDITIES; return what was not known before.

    A splice is where two sources join and their prices do not. Where the price is another after
    hours without a candle, the coin was redenominated, or its symbol came back as another coin.
    """
    row = connection.execute("select now()").fetchone()
    at = row[0] if row else None
    look_for(connection, coins, at, ODDITIES)
    rows = connection.execute(query("findings"), {"coins": list(coins), "since": at})
    return [Finding(*found) for found in rows]


def look_for(
    connection: Connection,
    coins: Sequence[int],
    at: datetime | None,
    looks: Sequence[Look] = EVERYTHING,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Look through these coins for all that is odd, as of `at`, and keep it.

    What was found before and does not hold any more is closed. Each look is a transaction of its
    own: on the embedded database nobody else has a turn while one lasts. `say` is told each kind.
    """
    seen: list[_Seen] = []
    for each in looks:
        say(f"looking for {' and '.join(each.kinds)}")
        asked = {"coins": list(coins), "at": at, **each.bounds}
        with taken_as_now(connection, at):
            seen += [_Seen(*row) for row in connection.execute(query(each.query), asked)]
    _keep(connection, coins, at, _explained(seen), [kind for each in looks for kind in each.kinds])


def _explained(seen: Sequence[_Seen]) -> list[_Seen]:
    """Without what another kind says better of the same hour."""
    told = {
        (said, each.coin, each.open_time)
        for each in seen
        for better, said in EXPLAINS
        if each.kind == better
    }
    return [each for each in seen if (each.kind, each.coin, each.open_time) not in told]


def _keep(
    connection: Connection,
    coins: Sequence[int],
    at: datetime | None,
    seen: Iterable[_Seen],
    looked_for: Sequence[str],
) -> None:
    found = {each[:3]: each for each in seen}
    rows = sorted(found.values())
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(
            query("keep_findings"),
            {
                "kinds": [each.kind for each in rows],
                "of": [each.coin for each in rows],
                "times": [each.open_time for each in rows],
                "details": [each.words() for each in rows],
                "coins": list(coins),
                "looked_for": list(looked_for),
                "at": at,
                "events": list(EVENTS),
                "told": TOLD,
            },
        )


def suspects(
    connection: Connection, coins: Sequence[int], window: Window
) -> list[tuple[int, datetime]]:
    """The hours (coin, hour) in `window` whose candles look wrong: they may be restated by now."""
    rows = connection.execute(
        "select distinct coin, open_time from finding where coin = any (%s) and kind = any (%s)"
        " and ended_at is null and open_time >= %s and open_time < %s order by coin, open_time",
        (list(coins), list(SUSPECT), window.start, window.end),
    )
    return [(coin, opened.astimezone(UTC)) for coin, opened in rows]


class PriceStep(NamedTuple):
    """Where a coin's prices make a step; `since` its hours are wanted."""

    coin_id: str
    open_time: datetime
    since: datetime


def price_steps(connection: Connection, coins: Sequence[int], now: datetime) -> list[PriceStep]:
    """Where these coins' prices were lately found to make a step, newest first (UTC).

    Lately: what is there after a week of being asked for again was no mistake.
    """
    asked = {"coins": list(coins), "since": now - TOLD}
    rows = connection.execute(query("steps_lately"), asked)
    return [PriceStep(id_, at.astimezone(UTC), since.astimezone(UTC)) for id_, at, since in rows]


def findings_within(connection: Connection, coin: Coin, window: Window) -> list[Finding]:
    """What was found at the hours of a window and still holds, in time."""
    rows = connection.execute(
        "select kind, open_time, detail from finding where coin = %s and ended_at is null"
        " and open_time >= %s and open_time < %s order by open_time, kind",
        (coin.key, window.start, window.end),
    )
    return [Finding(coin.symbol, kind, at.astimezone(UTC), detail) for kind, at, detail in rows]
