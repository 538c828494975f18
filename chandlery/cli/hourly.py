"""`chandlery hourly`: fetch the newest closed hours."""

from typing import Unpack

import click

from chandlery.cli.collect import Given, collect
from chandlery.cli.options import JSON, MAX_COINS, NOW, SOURCES, SYMBOLS, choices


@click.command()
@click.option("--hours", default=24, show_default=True, help="How far back an hour is looked for.")
@choices(SYMBOLS, MAX_COINS, SOURCES, NOW, JSON)
def hourly(*, as_json: bool, **given: Unpack[Given]) -> int:
    """Fetch the newest closed hours that are missing."""
    return collect("hourly", as_json=as_json, **given)
