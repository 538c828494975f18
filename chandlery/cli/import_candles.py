"""`chandlery import`: candles from files that people have."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from chandlery import store, venues
from chandlery.cli.console import output, print_json, progress
from chandlery.cli.options import JSON, NOW, at, names, options
from chandlery.engine.imported import File, Imported, listed_as, take_in
from chandlery.errors import Malformed, Misuse
from chandlery.files.taken import ISO, LARGEST, PER_SECOND, Reading, mapped, read
from chandlery.model import Listing, one_line
from chandlery.settings import settings
from chandlery.venues import OnDisk, Source
from chandlery.words import counted, did_you_mean


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--source", required=True, metavar="NAME", help="Whose candles they are.")
@click.option("--symbol", metavar="SYMBOL", help="As the source writes it. [default: by the name]")
@click.option(
    "--map", "columns", callback=names, metavar="OURS=THEIRS,...", help="A CSV's columns."
)
@click.option(
    "--times",
    type=click.Choice([ISO, *PER_SECOND]),
    default=ISO,
    show_default=True,
    help="A CSV's times: ISO 8601, or numbers since 1970.",
)
@click.option("--utc", is_flag=True, help="A CSV's times without a zone are UTC.")
@options(NOW, JSON)
def import_candles(  # noqa: PLR0913  a verb's options
    *,
    files: Sequence[str],
    source: str,
    symbol: str | None,
    columns: list[str] | None,
    times: str,
    utc: bool,
    now: str | None,
    as_json: bool,
) -> int:
    """Take in hourly candles from files, into hours without a traded one. Asks no venue.

    FILE is freqtrade's BTC_USDT-1h.feather, an archive's BTCUSDT-1h-2024-10.zip, or a CSV with
    opening times, whose columns --map names: open_time=Date,open=Open. Prices and volumes are in
    the source's units.
    """
    how = Reading(*_sources(source), mapped(columns or []), times, utc)
    moment, total, failed = at(now), Imported(), dict[str, str]()
    with store.connect(settings()) as connection, progress("import", shown=not as_json) as bar:
        store.migrate(connection)
        store.refuse_clock_behind(connection, moment)
        known = store.listings_of(connection, source)
        if not known:
            raise Misuse(f"nothing is known to be listed at {source}: `chandlery coins` learns it")
        for each in bar.track(files, task_id=bar.tasks[0].id):
            try:
                total.add(_one(connection, Path(each), how, known, symbol, moment))
            except Malformed as error:
                failed[each] = one_line(str(error), 400)
        store.refresh(connection)
        noted = list(map(str, store.find_oddities(connection, sorted(total.coins))))
    _tell(total, failed, noted, len(files), as_json=as_json)
    return 1 if failed else 0


def _sources(name: str) -> tuple[Source, OnDisk | None]:
    """The source of this name, and how the files of its archive are read."""
    known = venues.load()
    source = known.get(name)
    if source is None:
        near = did_you_mean(name, known)
        raise Misuse(f"no source {one_line(name, 40)}: {near}there are {', '.join(sorted(known))}")
    if source.serves is not None:
        raise Misuse(f"{name} has the candles of {source.serves}: write --source {source.serves}")
    if source.kind != "traded":
        raise Misuse(f"candles of {name} are {source.kind}, from no trades of a venue's own")
    archives = (each.on_disk for each in known.values() if each.serves == name and each.on_disk)
    return source, next(archives, None)


def _one(  # noqa: PLR0913, PLR0917  a file, and how it is taken
    connection: store.Connection,
    path: Path,
    how: Reading,
    known: Sequence[Listing],
    symbol: str | None,
    now: datetime,
) -> Imported:
    content = _bytes(path)
    found = read(path, content, how)
    name = symbol or found.name
    if name is None:
        raise Malformed("nothing tells its symbol: say it by --symbol")
    file = File(path.name, hashlib.sha256(content).hexdigest())
    return take_in(connection, found.candles, listed_as(known, name), file, now)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise Malformed(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > LARGEST:
        raise Malformed(f"it has more than {LARGEST:,} bytes: hours do not")
    return content


def _tell(
    total: Imported,
    failed: dict[str, str],
    noted: Sequence[str],
    files: int,
    *,
    as_json: bool,
) -> None:
    for name, why in failed.items():
        click.echo(f"failed: {one_line(name)}: {why}", err=True)
    if as_json:
        print_json(_statistics(total, failed, files) | {"findings": noted})
        return
    output.print(
        f"{files - len(failed)} of {counted(files, 'file')}, {counted(total.read, 'row')}:"
        f" {total.stored:,} stored, {total.there:,} already there,"
        f" {total.refused.total():,} refused",
        highlight=False,
    )
    for rule, rows in total.refused.most_common():
        output.print(f"  refused: {rule}: {rows:,}", highlight=False, markup=False)
    if total.differing:
        output.print(
            f"  {total.differing:,} of those already there have another price in the files",
            highlight=False,
        )
    for finding in noted:
        output.print(f"  noted: {finding}", highlight=False, markup=False)


def _statistics(total: Imported, failed: dict[str, str], files: int) -> dict[str, object]:
    return {
        "files": files,
        "rows": total.read,
        "stored": total.stored,
        "already_there": total.there,
        "differing": total.differing,
        "refused": dict(total.refused.most_common()),
        "coins": len(total.coins),
        "failed": failed,
    }
