"""`chandlery hourly`: fetch the newest closed hours."""

from typing import Unpack

import click

from chandlery.cli.collect import collect
from chandlery.cli.options import JSON, MAX_COINS, NOW, SOURCES, SYMBOLS, options
from chandlery.engine.spec import Choices


@click.command()
@click.option("--hours", default=24, show_default=True, help="How far back an hour is looked for.")
@options(SYMBOLS, MAX_COINS, SOURCES, NOW, JSON)
def hourly(
    *, as_json: bool, now: str | None, sources: list[str] | None, **choices: Unpack[Choices]
) -> int:
    """Fetch the newest closed hours that are missing."""
    return collect("hourly", as_json=as_json, now=now, sources=sources, **choices)
