"""Reading from Python: candles, gaps and coins as polars frames, from the database in force.

    import chandlery

    btc = chandlery.read("BTC", "4h", start="2026-01-01")
    wide = chandlery.closes(["BTC", "ETH"], "1d", start="2026-01-01")

The database is the one of the settings: `DATABASE_URL`, or the embedded one under `CHANDLERY_HOME`.
`database` names another for one call. A time is a datetime with a zone, a date, or their text; it
is read as UTC, and a bare date is its midnight. Windows are half-open. What is wrong with a call
is a `ChandleryError` in one line.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

import polars as pl

from chandlery import store
from chandlery.engine.chosen import choose
from chandlery.errors import Misuse
from chandlery.model import Coin, instant, window
from chandlery.settings import settings

Time = str | date | datetime
CANDLES = pl.Schema(
    {
        "symbol": pl.String(),
        "timestamp": pl.Datetime("us", "UTC"),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
        "source": pl.String(),
        "quote_volume": pl.Float64(),
        "vwap": pl.Float64(),
        "taker_buy_volume": pl.Float64(),
        "taker_buy_quote_volume": pl.Float64(),
        "hours": pl.Int64(),
    }
)
GAPS = pl.Schema(
    {
        "symbol": pl.String(),
        "start": pl.Datetime("us", "UTC"),
        "end": pl.Datetime("us", "UTC"),
        "hours": pl.Int64(),
        "reason": pl.String(),
    }
)
COINS = pl.Schema(
    {"symbol": pl.String(), "id": pl.String(), "name": pl.String(), "rank": pl.Int64()}
)
UNIVERSE = store.UNIVERSE


def read(  # noqa: PLR0913  what to read, and how
    symbols: str | Sequence[str],
    timeframe: str = "1h",
    *,
    start: Time | None = None,
    end: Time | None = None,
    adjusted: bool = False,
    database: str | None = None,
) -> pl.DataFrame:
    """The candles of these coins that open in [start, end), a row each, as CANDLES.

    `symbols` are tickers or CoinGecko's ids. `timestamp` is when a candle opens. Prices are in
    dollars (USDT or USD, as the source has them), `volume` in coins, `quote_volume` in dollars;
    `vwap` is the one by the other. `taker_buy_volume` is the part of the volume that takers bought.
    An amount is null where it is unknown. `hours` says how many hours a bar holds: one with fewer
    than its timeframe has is a part of it. `adjusted` prices are in a redenominated coin's unit of
    today, as far as `chandlery adjust` was told. Only what has closed is there.
    """
    _refuse_other_than(store.TIMEFRAMES, timeframe)
    within = window(_text(start), _text(end))
    with _connected(database) as connection:
        chosen = _chosen(connection, symbols)
        frame = store.read(connection, chosen, timeframe, within, adjusted=adjusted)
    prices = {name: f"{name}_price" for name in ("open", "high", "low", "close")}
    return frame.select(pl.col(prices.get(name, name)).alias(name) for name in CANDLES)


def closes(  # noqa: PLR0913  what to read, and how
    symbols: str | Sequence[str],
    timeframe: str = "1d",
    *,
    start: Time | None = None,
    end: Time | None = None,
    adjusted: bool = False,
    database: str | None = None,
) -> pl.DataFrame:
    """Closing prices side by side: `timestamp` and a column a coin, null where it has no candle."""
    frame = read(symbols, timeframe, start=start, end=end, adjusted=adjusted, database=database)
    names = frame["symbol"].unique(maintain_order=True).to_list()
    wide = frame.pivot("symbol", index="timestamp", values="close").sort("timestamp")
    return wide.select("timestamp", *names)


def gaps(
    symbols: str | Sequence[str] | None = None,
    *,
    start: Time | None = None,
    end: Time | None = None,
    database: str | None = None,
) -> pl.DataFrame:
    """The runs of hours that are missing, and why, as GAPS; of all coins, if none is named.

    `start` and `end` are a run's own, half-open. Hours before a listing, after its end, or never
    asked for are not missing.
    """
    within = window(_text(start), _text(end))
    with _connected(database) as connection:
        keys = None if symbols is None else [each.key for each in _chosen(connection, symbols)]
        found = store.gaps(connection, keys, within, before=False)
    rows = [
        (gap.symbol, gap.window.start, gap.window.end, gap.window.hours, gap.reason)
        for gap in found
        if gap.reason not in store.NOT_MISSING
    ]
    return pl.DataFrame(rows, GAPS, orient="row")


def coins(*, database: str | None = None) -> pl.DataFrame:
    """The coins that are known and collected, best rank by market cap first, as COINS."""
    with _connected(database) as connection:
        found = store.find(connection)
    rows = [(coin.symbol, coin.id, coin.name, coin.rank) for coin in found]
    return pl.DataFrame(rows, COINS, orient="row")


def universe(
    day: Time, *, top: int | None = None, ranked_by: str | None = None, database: str | None = None
) -> pl.DataFrame:
    """The coins by their rank on a UTC day, best first, as UNIVERSE; empty if none is known.

    `basis` says by what they are ranked: CoinGecko's ranks of that day (`market_cap`), market caps
    that were told later (`market_cap_later`), or dollars traded in the 30 days before
    (`volume_30d`). The first that is known is taken; `ranked_by` (`market_cap`, `volume_30d`) has
    one of them. Ranks told later leave out coins that were gone by then.
    """
    if top is not None and top < 1:
        raise Misuse(f"top {top} is out of range: write 1 or more")
    if ranked_by is not None and ranked_by not in store.RANKED_BY:
        raise Misuse(f"coins are not ranked by {ranked_by!r}: write {', '.join(store.RANKED_BY)}")
    at = instant(str(_text(day)), name="day")
    with _connected(database) as connection:
        return store.universe(connection, at.date(), top, ranked_by)


@contextmanager
def _connected(database: str | None) -> Iterator[store.Connection]:
    current = settings()
    if database is not None:
        current = current.model_copy(update={"database_url": database})
    with store.connect(current) as connection:
        store.migrate(connection)
        yield connection


def _chosen(connection: store.Connection, symbols: str | Sequence[str]) -> list[Coin]:
    return choose(connection, [symbols] if isinstance(symbols, str) else symbols)


def _refuse_other_than(known: Sequence[str], timeframe: str) -> None:
    if timeframe not in known:
        raise Misuse(f"timeframe {timeframe!r} is not kept: write {', '.join(known)}")


def _text(at: Time | None) -> str | None:
    return at.isoformat() if isinstance(at, date) else at
