"""Hourly candles by coin and year: what there is, what is to be sent, and the sending."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from psycopg import sql

from chandlery import store
from chandlery.errors import Misuse
from chandlery.model import utc_text
from chandlery.moving.tables import Rows, Table, merge, named
from chandlery.store.frames.copy_out import pieces


class Year(NamedTuple):
    """A coin (by key) and a year, in UTC."""

    coin: int
    start: datetime
    end: datetime


class Held(NamedTuple):
    """What there is of a coin and year; `days` are whole ones, from the first up to the last."""

    rows: Rows
    first_day: datetime
    last_day: datetime


class Part(NamedTuple):
    """Years of a coin that are sent together; `is_new`: the target has no hour of them."""

    years: tuple[Year, ...]
    is_new: bool
    rows: int
    first_day: datetime
    last_day: datetime

    @property
    def bounds(self) -> dict[str, object]:
        """The coin, and the first hour and the first after the last, as parameters."""
        return {
            "coin": self.years[0].coin,
            "start": self.years[0].start,
            "end": self.years[-1].end,
        }


def held(connection: store.Connection, candles: Table) -> dict[Year, Held]:
    """What there is, by coin and year."""
    statement = sql.SQL(
        "select coin, date_trunc('year', open_time, 'UTC') as year,"
        " count(*), {},"
        " date_trunc('day', min(open_time), 'UTC'),"
        " date_trunc('day', max(open_time), 'UTC') + interval '24 hours'"
        " from {} group by coin, date_trunc('year', open_time, 'UTC') order by coin, year"
    ).format(candles.checksum, candles.id)
    return {
        _year(coin, start): Held(Rows(number, int(checksum)), first, last)
        for coin, start, number, checksum, first, last in connection.execute(statement)
    }


def _year(coin: int, start: datetime) -> Year:
    return Year(coin, start, start.replace(year=start.year + 1))


def to_send(here: Mapping[Year, Held], there: Mapping[Year, Held]) -> list[Part]:
    """What the target lacks or has otherwise, a part a coin and run of years."""
    differing = [year for year, held in here.items() if _rows(there, year) != held.rows]
    return list(_parts(differing, here, there))


def _rows(held: Mapping[Year, Held], year: Year) -> Rows | None:
    return held[year].rows if year in held else None


def _parts(
    years: Iterable[Year], here: Mapping[Year, Held], there: Mapping[Year, Held]
) -> Iterator[Part]:
    for (_, is_new), found in groupby(years, lambda year: (year.coin, year not in there)):
        run: list[Year] = []
        for year in found:
            if run and run[-1].end != year.start:
                yield _part(run, here, is_new=is_new)
                run = []
            run.append(year)
        yield _part(run, here, is_new=is_new)


def _part(run: list[Year], here: Mapping[Year, Held], *, is_new: bool) -> Part:
    return Part(
        tuple(run),
        is_new,
        sum(here[year].rows.number for year in run),
        here[run[0]].first_day,
        here[run[-1]].last_day,
    )


def send(here: store.Connection, there: store.Connection, candles: Table, part: Part) -> None:
    """Send a part in one transaction, with the note that its days are to be refreshed.

    Misuse where the target turns out to have hours that the source has not.
    """
    with there.transaction():
        there.execute(
            "insert into stale (starts_at, ends_at) values (%s, %s)",
            (part.first_day, part.last_day),
        )
        if part.is_new:
            _stream(here, there, candles, candles.id, part)
            return
        there.execute("create temp table arrived (like candle_1h) on commit drop")
        _stream(here, there, candles, sql.Identifier("arrived"), part)
        _refuse_more(there, part)
        merge(there, candles, sql.Identifier("arrived"))


def _stream(
    here: store.Connection,
    there: store.Connection,
    candles: Table,
    into: sql.Identifier,
    part: Part,
) -> None:
    """As PostgreSQL's own binary form: nothing is read on the way, so nothing is altered."""
    columns = named(candles.names)
    read = sql.SQL(
        "copy (select {} from {} where coin = {} and open_time >= {} and open_time < {})"
        " to stdout with (format binary)"
    ).format(columns, candles.id, *map(sql.Literal, part.bounds.values()))
    write = sql.SQL("copy {} ({}) from stdin with (format binary)").format(into, columns)
    with (
        here.cursor() as reader,
        there.cursor() as writer,
        reader.copy(read) as sent,
        writer.copy(write) as copy,
    ):
        for piece in pieces(here, sent):
            copy.write(piece)


def _refuse_more(there: store.Connection, part: Part) -> None:
    row = there.execute(
        "select count(*), min(open_time) from candle_1h where coin = %(coin)s"
        " and open_time >= %(start)s and open_time < %(end)s and not exists ("
        "select from arrived where arrived.open_time = candle_1h.open_time)",
        part.bounds,
    ).fetchone()
    if row is not None and row[0]:
        raise Misuse(more_there(there, part.years[0].coin, row[0], row[1]))


def more_there(there: store.Connection, coin: int, hours: int, since: datetime) -> str:
    """What to say of hours that only the target has."""
    row = there.execute("select symbol from coin where key = %s", (coin,)).fetchone()
    symbol = row[0] if row else f"coin {coin}"
    return (
        f"the target has {hours:,} hours of {symbol} from {utc_text(since)} on that the"
        " source has not: copy the other way, or give an empty database"
    )
