"""`chandlery sources`: which sources there are, when they are asked, and how they fare."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath

import click
from rich.table import Table
from rich.text import Text

from chandlery import store
from chandlery.cli.console import output, print_json
from chandlery.cli.options import JSON, options
from chandlery.engine.batch import ordered
from chandlery.model import utc_text
from chandlery.settings import Settings, keys, settings
from chandlery.venues import Budget, Source, configured, in_order, load

MARKETS = {False: "spot", True: "futures"}
PERIODS = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}
COLUMNS = (
    *("asked", "source", "kind", "market", "coins", "only here", "over", "limit", "answered"),
    "failed",
)
NUMBERS = ("asked", "coins", "only here", "over")
NONE, NEVER = store.Listed(0, 0, 0), store.Health("", None, None, None)


@click.command()
@options(JSON)
def sources(*, as_json: bool) -> None:
    """Show each source: what it gives, when it is asked, its limits, how it fares.

    The order is that of a run without --sources. `coins` are listed there now, `only here` by no
    other source (a traded one is compared with traded ones), and `over` are listings that ended.
    Asks no venue.
    """
    current, known = settings(), load()
    with store.connect(current) as connection:
        store.migrate(connection)
        kinds = [each.name for each in known.values() if each.kind == "indicative"]
        listed = store.listed(connection, kinds)
        health = {each.source: each for each in store.health(connection)}
    rows = [
        _row(source, known, listed.get(source.name, NONE), health.get(source.name, NEVER))
        for source in known.values()
    ]
    found = _in_order(rows, current, known)
    if as_json:
        print_json({"sources": found})
    else:
        _print(found)


def _row(
    source: Source, known: Mapping[str, Source], listed: store.Listed, health: store.Health
) -> dict[str, object]:
    """What there is to say of a source, as JSON has it."""
    catalogue = known[source.listings].catalogue
    return {
        "source": source.name,
        "asked": None,
        "kind": source.kind,
        "market": MARKETS[catalogue.derivatives] if catalogue else None,
        "listings_of": source.listings,
        **listed._asdict(),
        "limits": _limits(source.venue.metering.budgets),
        "page_hours": source.page_hours,
        "reach_days": source.reach and source.reach.days,
        "answered_at": health.answered_at,
        "failed_at": health.failed_at,
        "words": health.words,
    }


def _limits(budgets: Iterable[Budget]) -> list[str]:
    """Each limit; endpoints with a limit of their own but the same size stand together."""
    paths: dict[str, list[str]] = {}
    for budget in budgets:
        of = paths.setdefault(_limit(budget), [])
        if budget.path:
            of.append(PurePosixPath(budget.path).name)
    return [f"{each} for {_each(of)}" if of else each for each, of in paths.items()]


def _each(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"each of {', '.join(names)}"


def _limit(budget: Budget) -> str:
    what = "requests" if budget.is_of_requests else "weight"
    return (
        f"{budget.most:,.0f} {what} {PERIODS.get(int(budget.seconds), f'in {budget.seconds:g} s')}"
    )


def _in_order(
    rows: Iterable[dict[str, object]], current: Settings, known: Mapping[str, Source]
) -> list[dict[str, object]]:
    """The rows in the order of asking; those that are not asked last, with the reason."""
    held, names = keys(known, current), in_order(current.priority)
    place = {each.name: n for n, each in enumerate(ordered(known, held, names), start=1)}
    for row in rows:
        source = known[str(row["source"])]
        row["asked"] = place.get(source.name)
        row["why_not"] = None if row["asked"] else _why_not(source, held)
    return sorted(rows, key=lambda row: (row["asked"] is None, row["asked"] or 0, row["source"]))


def _why_not(source: Source, held: Mapping[str, object]) -> str:
    if not configured(held, source):
        return f"{source.name.upper()}_API_KEY is not set"
    return "asked only if CHANDLERY_SOURCES or --sources names it"


def _print(rows: Iterable[Mapping[str, object]]) -> None:
    table = Table(*COLUMNS, box=None, header_style="bold")
    for name, column in zip(COLUMNS, table.columns, strict=True):
        column.justify = "right" if name in NUMBERS else "left"
        column.no_wrap = name == "source"
    for row in rows:
        table.add_row(*map(Text, _cells(row)))
    output.print(table)
    for row in rows:
        if row["why_not"]:
            output.print(f"{row['source']}: {row['why_not']}", highlight=False, markup=False)


def _cells(row: Mapping[str, object]) -> list[str]:
    own = row["listings_of"] == row["source"]
    counts = [f"{row[name]:,}" if own else "" for name in ("coins", "only_here", "over")]
    listings = counts if own else [f"as {row['listings_of']}", "", ""]
    limits = row["limits"]
    failed = f"{_minute(row['failed_at'])} {row['words'] or ''}".strip()
    return [
        str(row["asked"] or "-"),
        str(row["source"]),
        str(row["kind"]),
        str(row["market"] or "-"),
        *listings,
        ", ".join(limits) if isinstance(limits, list) else "",
        _minute(row["answered_at"]) or "never",
        failed,
    ]


def _minute(at: object) -> str:
    return utc_text(at) if isinstance(at, datetime) else ""
