"""`chandlery listings COIN`: where a coin is listed, under which name and contract."""

from datetime import datetime

import click
from rich.table import Table
from rich.text import Text

from chandlery import store
from chandlery.cli.console import output, print_json
from chandlery.cli.options import JSON, options
from chandlery.engine.chosen import choose
from chandlery.model import utc_text
from chandlery.settings import settings

COLUMNS = ("source", "symbol", "from", "to", "name", "contracts")


@click.command()
@click.argument("coin")
@options(JSON)
def listings(*, coin: str, as_json: bool) -> None:
    """Show where COIN is or was listed, and its name and contract there, where these are known.

    COIN is a ticker or CoinGecko's id. A contract on several networks has several addresses. Asks
    no venue.
    """
    with store.connect(settings()) as connection:
        store.migrate(connection)
        best, *_ = choose(connection, [coin])  # where two have the name, the better-ranked has it
        found = store.where_listed(connection, best)
    if as_json:
        known = {"symbol": best.symbol, "coin_id": best.id, "name": best.name}
        print_json({**known, "listings": [_as_json(each) for each in found]})
        return
    output.print(f"{best.symbol} ({best.id}): {best.name}", highlight=False, markup=False)
    table = Table(*COLUMNS, box=None, header_style="bold")
    for each in found:
        table.add_row(*map(Text, _cells(each)))
    output.print(table)


def _as_json(listing: store.NamedListing) -> dict[str, object]:
    times = {"start": listing.start, "end": listing.end}
    return listing._asdict() | {name: at and at.isoformat() for name, at in times.items()}


def _cells(listing: store.NamedListing) -> list[str]:
    ends = [_hour(listing.start), _hour(listing.end)]
    name, contracts = listing.name or "", ", ".join(listing.contracts)
    return [listing.source, listing.symbol, *ends, name, contracts]


def _hour(at: datetime | None) -> str:
    return "" if at is None else utc_text(at)
