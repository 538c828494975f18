"""Candles in: polars, Arrow, PostgreSQL's binary form, COPY."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl
import psycopg
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import sql

from chandlery.model import clock
from chandlery.model.frame import RULES, SCHEMA, TAKER, check_all
from chandlery.store.connect import Connection

COLUMNS = (*SCHEMA.names(), "coin", "source")
_VALUES = [name for name in COLUMNS if name not in {"open_time", "coin"}]
_DAY = timedelta(days=1)
_SLICE = 2_500  # rows encoded at a time, while the server stores those before: a tenth less time


def write(
    connection: Connection,
    candles: Mapping[int, pl.DataFrame],
    source: int,
    *,
    better: Sequence[int] = (),
    now: datetime | None = None,
) -> int:
    """Store each coin's candles (frames of model.SCHEMA) from one source; return rows changed.

    All or nothing, with the note that their 4h and 1d candles are stale. Hours known to be missing
    go straight in. Where one is there after all, it is replaced if its values or its source differ,
    unless its source is one of `better`; what it was is kept in `restated`, as replaced at `now`
    (aware; the clock, if None). A candle that lacked nothing but what takers bought is filled in:
    that leaves no trace. Equal values touch nothing. Only one writer at a time does that: it
    holds off the others, as no order of rows can rule out a deadlock with COPY, which writes a
    chunk's rows together.
    """
    rows = _rows(candles, source)
    if rows.is_empty():
        return 0
    try:
        with connection.transaction():
            _mark_stale(connection, rows)
            return _copy(connection, sql.Identifier("candle_1h"), rows)
    except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
        with connection.transaction():
            connection.execute("lock table candle_1h in share row exclusive mode")
            return _merge(connection, rows, better, clock() if now is None else now)


def _rows(candles: Mapping[int, pl.DataFrame], source: int) -> pl.DataFrame:
    """All candles in one frame, with their coin and source: coins in one order for all writers."""
    frames = {coin: candles[coin] for coin in sorted(candles)}
    rows = check_all(list(frames.values()), RULES)
    keys = pl.Series("coin", list(frames), pl.Int32)
    heights = pl.Series([frame.height for frame in frames.values()], dtype=pl.UInt32)
    return rows.with_columns(
        keys.repeat_by(heights).explode(empty_as_null=False),
        pl.lit(source, pl.Int16).alias("source"),
    )


def _copy(connection: Connection, table: sql.Identifier, rows: pl.DataFrame) -> int:
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    statement = sql.SQL("copy {} ({}) from stdin with (format binary)").format(table, columns)
    arrow = rows.select(COLUMNS).to_arrow()
    encoder = ArrowToPostgresBinaryEncoder(arrow.schema)
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            copy.write(encoder.write_header())
            for batch in arrow.to_batches(max_chunksize=_SLICE):
                copy.write(encoder.write_batch(batch))
            copy.write(encoder.finish())
        return cursor.rowcount


def _merge(connection: Connection, rows: pl.DataFrame, better: Sequence[int], now: datetime) -> int:
    connection.execute("create temp table arrived (like candle_1h) on commit drop")
    _copy(connection, sql.Identifier("arrived"), rows)
    connection.execute("analyze arrived (coin)")  # for their number: a few are looked up one by one
    coins, times = rows["coin"].unique().to_list(), rows["open_time"]
    bounds = {"coins": coins, "first": times.min(), "last": times.max()}
    row = connection.execute(_MERGE, {"better": list(better), "now": now} | bounds).fetchone()
    changed = 0 if row is None else int(row[0])
    if changed:
        _mark_stale(connection, rows)
    return changed


# What changes is said once, by the upsert; what it gives back is looked up again. All parts of a
# statement see the table as it was before it, so the look-up finds the old row of each that was
# replaced, and none of those that are new. Coins and times bound it: a planner that cannot know how
# few come back may read all that they have, but no other's.
#
# An hour replaced twice at one `now` was for no time what it was in between: the first trace stays.
# The look-up passes over an old row that only lacked what takers bought: nothing of it is lost.
_MERGE = sql.SQL(
    "with changed as ("
    "insert into candle_1h as held ({columns}) select {columns} from arrived"
    " on conflict (coin, open_time) do update set {assignments}"
    " where ({held}) is distinct from ({new}) and not held.source = any (%(better)s::smallint[])"
    " returning {held}, held.coin, held.open_time"
    "), traced as ("
    "insert into restated ({columns}, replaced_at)"
    " select {old}, %(now)s::timestamptz from candle_1h as old join changed using (coin, open_time)"
    " where ({filled}) is distinct from ({changed}) and coin = any (%(coins)s::integer[])"
    " and open_time >= %(first)s::timestamptz and open_time <= %(last)s::timestamptz"
    " on conflict do nothing"
    ") select count(*) from changed",
).format(
    columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
    assignments=sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in _VALUES
    ),
    held=sql.SQL(", ").join(sql.Identifier("held", name) for name in _VALUES),
    new=sql.SQL(", ").join(sql.Identifier("excluded", name) for name in _VALUES),
    old=sql.SQL(", ").join(sql.Identifier("old", name) for name in COLUMNS),
    changed=sql.SQL(", ").join(sql.Identifier("changed", name) for name in _VALUES),
    filled=sql.SQL(", ").join(
        sql.SQL("coalesce({}, {})").format(
            sql.Identifier("old", name), sql.Identifier("changed", name)
        )
        if name in TAKER
        else sql.Identifier("old", name)
        for name in _VALUES
    ),
)


def _mark_stale(connection: Connection, rows: pl.DataFrame) -> None:
    """Note the whole days from the first to the last row."""
    first, last = rows.select(
        pl.col("open_time").min().dt.truncate("1d").alias("first"),
        pl.col("open_time").max().dt.truncate("1d").alias("last"),
    ).row(0)
    connection.execute(
        "insert into stale (starts_at, ends_at) values (%s, %s)",
        (first, last + _DAY),
    )
