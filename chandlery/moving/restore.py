"""A backup into an empty database: all of it, or nothing."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import pyarrow.parquet as pq
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import sql

from chandlery import store
from chandlery.errors import ChandleryError, Misuse
from chandlery.moving import archive, candles, tables
from chandlery.moving.archive import Manifest, Member
from chandlery.moving.tables import NONE, Table
from chandlery.settings import Settings
from chandlery.store.migrate import MIGRATIONS

Say = Callable[[str], None]
Move = Callable[[int, int], None]
_PIECE = 1 << 18
_SLICE = 50_000  # hours that are encoded at a time


class NotAsWritten(ChandleryError):
    """What was restored is not what was written: nothing was kept of it."""


def restore(
    settings: Settings,
    path: Path,
    say: Say = lambda _: None,
    move: Move = lambda *_: None,
    folder: Path = MIGRATIONS,
) -> Manifest:
    """Restore the backup in the file `path`; `move` is told how many hours are done of how many.

    One transaction has all rows. They are counted and compared before it ends. Misuse where the
    file is no whole backup, or the database has data.
    """
    say("reading the file")
    with archive.opened(path) as (file, manifest), store.connect(settings) as there:
        _refuse_newer(there, manifest, folder)
        store.migrate(there, folder, only=manifest.migrations)
        with there.transaction():
            kept, hourly = tables.kept(there)
            _refuse_filled(there)
            _refuse_unknown(manifest, [*kept, hourly])
            say("restoring")
            _restore_tables(there, file, manifest, kept)
            _restore_candles(there, file, manifest, hourly, move)
            say("comparing")
            _compare(there, manifest, kept, hourly)
            there.execute(
                "insert into copied (born_at, finished_at) values (%s::timestamptz, now())",
                (manifest.born_at,),
            )
        store.migrate(there, folder)
        say("refreshing")
        store.refresh(there)
    return manifest


def _refuse_newer(there: store.Connection, manifest: Manifest, folder: Path) -> None:
    ours = {path.name for path in folder.glob("*.sql")}
    if newer := [name for name in manifest.migrations if name not in ours]:
        raise Misuse(f"the backup has {newer[-1]}: a newer Chandlery made it; update this one")
    if newer := [name for name in tables.migrations(there) if name not in manifest.migrations]:
        raise Misuse(
            f"the database's tables are newer than the backup's ({newer[0]}): restore into a"
            " database without tables, which are then made and brought up to date"
        )


def _refuse_filled(there: store.Connection) -> None:
    others, hourly = tables.moved(there)
    if filled := tables.filled(there, [hourly, *others]):
        raise Misuse(
            f"the database has data (in {filled[0]}): restore into an empty one, by another"
            " DATABASE_URL or CHANDLERY_HOME"
        )


def _refuse_unknown(manifest: Manifest, known: Sequence[Table]) -> None:
    columns = {table.name: {*table.names} for table in known}
    told = [*manifest.tables.items(), *((tables.CANDLES, year) for year in manifest.years.values())]
    for name, member in told:
        if not {*member.columns} <= columns.get(name, set()):
            raise Misuse(f"the backup has other columns of {name} than the tables of its version")


def _restore_tables(
    there: store.Connection, file: ZipFile, manifest: Manifest, kept: Sequence[Table]
) -> None:
    """Those referred to before those that refer to them."""
    for table in kept:
        if (member := manifest.tables.get(table.name)) is not None:
            _restore_table(there, file, member, table)
    tables.go_on_numbering(there, kept)


def _restore_table(there: store.Connection, file: ZipFile, told: Member, table: Table) -> None:
    write = sql.SQL("copy {} ({}) from stdin with (format csv, header)").format(
        table.id, tables.named(told.columns)
    )
    with file.open(told.file) as read, there.cursor() as cursor, cursor.copy(write) as copy:
        while piece := read.read(_PIECE):
            copy.write(piece)


def _restore_candles(
    there: store.Connection, file: ZipFile, manifest: Manifest, hourly: Table, move: Move
) -> None:
    done = 0
    for told in manifest.years.values():
        for rows in _restore_year(there, file, told, hourly):
            done += rows
            move(done, manifest.hours)
    there.execute(
        "insert into stale (starts_at, ends_at)"
        " select date_trunc('day', min(open_time), 'UTC'),"
        " date_trunc('day', max(open_time), 'UTC') + interval '24 hours'"
        " from candle_1h having count(*) > 0"
    )


def _restore_year(
    there: store.Connection, file: ZipFile, told: Member, hourly: Table
) -> Iterator[int]:
    write = sql.SQL("copy {} ({}) from stdin with (format binary)").format(
        hourly.id, tables.named(told.columns)
    )
    with (
        archive.region(file, told.file) as region,
        pq.ParquetFile(region) as parquet,
        there.cursor() as cursor,
        cursor.copy(write) as copy,
    ):
        encoder = ArrowToPostgresBinaryEncoder(parquet.schema_arrow)
        copy.write(encoder.write_header())
        for batch in parquet.iter_batches(_SLICE, columns=list(told.columns)):
            copy.write(encoder.write_batch(batch))
            yield batch.num_rows
        copy.write(encoder.finish())


def _compare(
    there: store.Connection, manifest: Manifest, kept: Sequence[Table], hourly: Table
) -> None:
    found = {f"the table {table.name}": tables.rows(there, table) for table in kept}
    for year, held in candles.held(there, hourly).items():
        name = _candles_of(year.start.year)
        found[name] = held.rows.plus(found.get(name))
    told = {f"the table {name}": member for name, member in manifest.tables.items()}
    told |= {_candles_of(year): member for year, member in manifest.years.items()}
    for name, member in told.items():
        rows = found.get(name, NONE)
        if (rows.number, rows.checksum) != (member.rows, member.checksum):
            raise NotAsWritten(
                f"{name} came back otherwise than it was written: nothing is restored"
            )


def _candles_of(year: int) -> str:
    return f"the candles of {year}"
