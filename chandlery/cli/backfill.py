"""`chandlery backfill`: fetch history."""

from typing import Unpack

import click

from chandlery.cli.collect import collect
from chandlery.cli.options import (
    END,
    JSON,
    MAX_COINS,
    NOW,
    SOURCES,
    START,
    START_YEAR,
    SYMBOLS,
    options,
)
from chandlery.engine.spec import REFETCH, Choices


@click.command()
@click.option(
    "--archive/--no-archive",
    default=None,
    help="Bulk files first, or only for what an API refuses. [default: whole months of files, and"
    " the API for the rest, at once, where it is much]",
)
@click.option(
    "--delisted", is_flag=True, help="Also what was delisted before it was ever asked for."
)
@click.option(
    "--refetch",
    type=click.Choice(REFETCH),
    help="Not what is missing, but what is held without this: of sources that send it.",
)
@click.option("--shard", metavar="K/N", help="Only the K-th of N parts of the coins, as 2/4.")
@options(START, START_YEAR, END, SYMBOLS, MAX_COINS, SOURCES, NOW, JSON)
def backfill(
    *, as_json: bool, now: str | None, sources: list[str] | None, **choices: Unpack[Choices]
) -> int:
    """Fetch the hours that are missing, best market cap first; since 2020, if no start is given."""
    return collect("backfill", as_json=as_json, now=now, sources=sources, **choices)
