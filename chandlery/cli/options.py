"""The choices that verbs spell alike."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from chandlery.engine.spec import FIRST_YEAR
from chandlery.errors import Misuse
from chandlery.model import moment
from chandlery.model.time import LATEST

Verb = TypeVar("Verb", bound=Callable[..., Any])


def names(_: click.Context, __: click.Parameter, text: str | None) -> list[str] | None:
    """Names separated by commas."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


START = click.option("--start", metavar="TIME", help="First hour, ISO 8601; a bare date is UTC.")
END = click.option("--end", metavar="TIME", help="First hour no longer wanted. [default: now]")
START_YEAR = click.option("--start-year", type=int, metavar="YEAR", help="Instead of --start.")
SYMBOLS = click.option(
    "--symbols", callback=names, metavar="BTC,ETH", help="Tickers or ids. [default: all]"
)
MAX_COINS = click.option("--max-coins", type=int, metavar="N", help="The N best by market cap.")
SOURCES = click.option(
    "--sources", callback=names, metavar="A,B", help="Sources in the order they are asked."
)
NOW = click.option("--now", metavar="TIME", help="Run as if it were then. [default: the clock]")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


def since(start: str | None, start_year: int | None) -> str | None:
    """The start of a verb that only looks; Misuse where it is given twice, or is no year."""
    if start_year is None:
        return start
    if start is not None:
        raise Misuse("start and start year are both given: write one of them")
    if not FIRST_YEAR <= start_year < LATEST.year:
        raise Misuse(f"start year {start_year} is out of range: write {FIRST_YEAR} or later")
    return f"{start_year}-01-01"


def options(*shared: Callable[[Verb], Verb]) -> Callable[[Verb], Verb]:
    """Several options as one decorator, shown in this order."""

    def decorate(verb: Verb) -> Verb:
        for option in reversed(shared):
            verb = option(verb)
        return verb

    return decorate


def at(now: str | None) -> datetime:
    """The moment a verb takes as now."""
    return moment(now)
