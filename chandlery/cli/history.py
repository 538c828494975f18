"""`chandlery history COIN HOUR`: what one hour's candle is, and what it was before."""

from datetime import datetime
from itertools import zip_longest

import click
from rich.markup import escape
from rich.table import Table

from chandlery import store
from chandlery.cli.console import output, print_json
from chandlery.cli.gaps import said, times
from chandlery.cli.options import JSON, NOW, at, options
from chandlery.engine.chosen import choose
from chandlery.errors import Misuse
from chandlery.model import HOUR, SCHEMA, Coin, instant, one_line, utc_text, whole_hour
from chandlery.settings import settings
from chandlery.store import History, Import, Version

VALUES = [name for name in SCHEMA.names() if name != "open_time"]
SHOWN = ("open", "high", "low", "close", "volume")


@click.command()
@click.argument("coin")
@click.argument("hour")
@options(NOW, JSON)
def history(*, coin: str, hour: str, now: str | None, as_json: bool) -> None:
    """Show what COIN's candle of HOUR is, what it was before, and who was asked and had none.

    COIN is a ticker or CoinGecko's id; HOUR is when the candle opened, as 2024-01-31T05:00Z.
    """
    open_time = _hour(hour, at(now))
    with store.connect(settings()) as connection:
        store.migrate(connection)
        best, *_ = choose(connection, [coin])  # where two have the name, the better-ranked has it
        past = store.history(connection, best, open_time)
        asked = store.asked(connection, best, open_time)
        imports = store.imports(connection, best, open_time)
    if as_json:
        told = {"asked": asked, "imported": [_import(each) for each in imports]}
        print_json(_as_json(best, open_time, past) | told)
        return
    _print(best, open_time, past)
    for one in imports:
        output.print(_imported(one), highlight=False, markup=False)
    for each in asked:
        how = f"asked {times(each['attempts'])}, last {utc_text(each['last_asked'])}"
        output.print(f"{said(each)} ({how})", highlight=False, markup=False)


def _hour(text: str, now: datetime) -> datetime:
    """The hour that is meant; Misuse where it is none, or has not closed."""
    hour = instant(text, name="hour")
    if hour != whole_hour(hour):
        raise Misuse(f"hour {text!r} is not a whole one: write '{utc_text(whole_hour(hour))}'")
    newest = whole_hour(now) - HOUR
    if hour > newest:
        raise Misuse(f"hour {utc_text(hour)} has not closed: the newest is {utc_text(newest)}")
    return hour


def _as_json(coin: Coin, hour: datetime, past: History) -> dict[str, object]:
    return {
        "symbol": coin.symbol,
        "coin_id": coin.id,
        "open_time": hour.isoformat(),
        "current": None if past.current is None else _values(past.current),
        "before": [
            _values(each) | {"replaced_at": each.until and each.until.isoformat()}
            for each in past.before
        ],
    }


def _import(each: Import) -> dict[str, object]:
    return each._asdict() | {"imported_at": each.imported_at.isoformat()}


def _imported(each: Import) -> str:
    return (
        f"imported at {utc_text(each.imported_at)} from {one_line(each.file)}"
        f" as {each.source}'s {each.symbol} (sha256 {each.sha256})"
    )


def _values(version: Version) -> dict[str, object]:
    return {name: getattr(version, name) for name in (*VALUES, "source")}


def _print(coin: Coin, hour: datetime, past: History) -> None:
    output.print(
        f"{coin.symbol} ({coin.id}) {utc_text(hour)}: {past}", highlight=False, markup=False
    )
    versions = [*([] if past.current is None else [past.current]), *past.before]
    if not versions:
        return
    table = Table("held until", "source", *SHOWN, "close by", box=None, header_style="bold")
    for column in table.columns[2:]:
        column.justify = "right"
    for version, older in zip_longest(versions, versions[1:]):
        style = "bold" if version.until is None else None
        table.add_row(*_cells(version), _change(version, older), style=style)
    output.print(table)


def _cells(version: Version) -> list[str]:
    until = "now" if version.until is None else utc_text(version.until)
    numbers = [getattr(version, name) for name in SHOWN]
    shown = ["unknown" if number is None else str(number) for number in numbers]
    return [until, escape(version.source), *shown]


def _change(version: Version, older: Version | None) -> str:
    return "" if older is None else f"{100 * (version.close / older.close - 1):+,.4f} %"
