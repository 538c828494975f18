"""`chandlery fill-gaps`: ask again for what is missing."""

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
from chandlery.engine.run import fill_gaps as run
from chandlery.engine.spec import FILL_HOURS, RECHECK_HOURS, Choices


@click.command("fill-gaps")
@click.option(
    "--recheck-hours",
    default=RECHECK_HOURS,
    show_default=True,
    help="The newest hours are asked for again: a venue may have restated them.",
)
@click.option(
    "--again",
    "patient",
    flag_value=False,
    default=True,
    type=bool,
    help="Ask for hours found empty too, before their time.",
)
@options(START, START_YEAR, END, SYMBOLS, MAX_COINS, SOURCES, NOW, JSON)
def fill_gaps(
    *, as_json: bool, now: str | None, sources: list[str] | None, **choices: Unpack[Choices]
) -> int:
    """Ask for what is missing and due, and for what may be better by now; the last 30 days."""
    if choices.get("start") is None and choices.get("start_year") is None:
        choices["hours"] = FILL_HOURS
    return collect("fill-gaps", as_json=as_json, now=now, sources=sources, run=run, **choices)
