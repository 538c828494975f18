"""Everything that a database holds into one file, as it was at one moment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from chandlery import store
from chandlery.moving import archive, binary, candles, tables
from chandlery.moving.archive import Manifest, Member
from chandlery.moving.candles import Held, Year
from chandlery.moving.snapshot import snapshot
from chandlery.moving.tables import Rows, Table
from chandlery.settings import Settings
from chandlery.store.frames.copy_out import copy_out, pieces

Say = Callable[[str], None]
Move = Callable[[int, int], None]
GROUP = 100_000  # hours that are held at a time, and lie together in the file


@dataclass(frozen=True, slots=True)
class _Writer:
    """From where to where, when, and who wants to know how far it is."""

    here: store.Connection
    file: ZipFile
    now: datetime
    move: Move

    def table(self, table: Table) -> Member:
        """As CSV with a header, by primary key: null is nothing, an empty text is two quotes."""
        name = f"tables/{table.name}.csv"
        read = sql.SQL(
            "copy (select {} from {} order by {}) to stdout with (format csv, header)"
        ).format(tables.named(table.names), table.id, tables.named(table.key))
        with (
            archive.member(self.file, name, self.now, packed=True) as written,
            self.here.cursor() as cursor,
            cursor.copy(read) as copy,
        ):
            for piece in pieces(self.here, copy):
                written.write(piece)
        return _member(name, table, tables.rows(self.here, table), written)

    def years(self, hourly: Table, held: Mapping[Year, Held]) -> dict[int, Member]:
        """A file a year."""
        done, total, members = 0, _hours(held), {}
        for number in sorted({year.start.year for year in held}):
            of_year = {year: each for year, each in held.items() if year.start.year == number}
            members[number] = self._year(hourly, of_year, done, total)
            done += members[number].rows
        return members

    def _year(self, hourly: Table, held: Mapping[Year, Held], done: int, total: int) -> Member:
        """As Parquet, by coin and time; `done` hours of `total` were written before."""
        years = sorted(held)
        name = f"candles/{years[0].start.year}.parquet"
        form = binary.schema(hourly.columns)
        with (
            archive.member(self.file, name, self.now, packed=False) as written,
            pq.ParquetWriter(written, form, compression="zstd") as parquet,
        ):
            for group in _groups(years, held):
                parquet.write_table(self._read(hourly, group))
                done += sum(held[year].rows.number for year in group)
                self.move(done, total)
        rows = reduce(Rows.plus, (each.rows for each in held.values()))
        return _member(name, hourly, rows, written)

    def _read(self, hourly: Table, group: Sequence[Year]) -> pa.Table:
        statement = sql.SQL(
            "copy (select {} from {} where coin = any ({}) and open_time >= {} and open_time < {}"
            " order by coin, open_time) to stdout with (format binary)"
        ).format(
            binary.asked(hourly.columns),
            hourly.id,
            [year.coin for year in group],
            group[0].start,
            group[0].end,
        )
        with self.here.cursor() as cursor, cursor.copy(statement) as copy:
            sent = copy_out(self.here, copy)
        return binary.table(sent, hourly.columns)


def backup(  # noqa: PLR0913  what a backup holds, and who wants to know how far it is
    settings: Settings,
    to: Path,
    now: datetime,
    *,
    made_by: str,
    with_candles: bool = True,
    say: Say = lambda _: None,
    move: Move = lambda *_: None,
) -> Manifest:
    """Write a backup into the file `to`; `move` is told how many hours are written of how many.

    One snapshot is read. OSError where the file cannot be written.
    """
    with store.connect(settings) as here:
        store.migrate(here)
        with snapshot(here), ZipFile(to, "w") as file:
            writer = _Writer(here, file, now, move)
            others, hourly = tables.kept(here)
            say("reading")
            held = candles.held(here, hourly) if with_candles else {}
            say("writing")
            manifest = Manifest(
                made_by=made_by,
                made_at=now,
                born_at=tables.born_at(here),
                migrations=tuple(tables.migrations(here)),
                tables={table.name: writer.table(table) for table in others},
                years=writer.years(hourly, held),
                with_candles=with_candles,
            )
            archive.write_manifest(file, manifest)
    return manifest


def _member(name: str, table: Table, rows: Rows, written: archive.Hashed) -> Member:
    return Member(
        file=name,
        columns=tuple(table.names),
        rows=rows.number,
        checksum=rows.checksum,
        size=written.size,
        sha256=written.sha256,
    )


def _hours(held: Mapping[Year, Held]) -> int:
    return sum(each.rows.number for each in held.values())


def _groups(years: Sequence[Year], held: Mapping[Year, Held]) -> list[list[Year]]:
    """Coins of one year, as many as GROUP hours have room for, or one."""
    groups: list[list[Year]] = []
    room = 0
    for year in years:
        hours = held[year].rows.number
        if not groups or hours > room:
            groups.append([])
            room = GROUP
        groups[-1].append(year)
        room -= hours
    return groups
