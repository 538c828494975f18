"""What people see: tables on stdout, progress on stderr."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from chandlery.engine.coins_known import CoinsKnown
    from chandlery.engine.result import RunResult
    from chandlery.engine.run import Progress as Step
    from chandlery.symbology.left_out import LeftOut

NO_CANDLES = "no candles yet: `chandlery backfill --max-coins 20` fetches some"
WIDE = 240  # where no terminal says how wide it is, a table is not to be folded


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=WIDE)


output = _console()
errors = _console(stderr=True)


def log_to_stderr() -> None:
    """Show warnings on stderr, above a bar that is under way."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=errors, show_time=False, show_path=False, show_level=False)],
    )


@contextmanager
def progress(title: str, *, shown: bool = True) -> Iterator[Progress]:
    """A bar on stderr while work goes on; nothing where stderr is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    hidden = not (shown and errors.is_terminal)
    with Progress(*columns, console=errors, disable=hidden, transient=True) as bar:
        bar.add_task(title, total=None, detail="")
        yield bar


def move(bar: Progress, step: Step) -> None:
    """Show how far a run is: coins done, candles and their rate."""
    task = bar.tasks[0]
    rate = step.records / task.elapsed if task.elapsed else 0.0
    detail = f"{step.records:,} candles, {rate:,.0f}/s"
    bar.update(task.id, total=step.coins, completed=step.done, detail=detail)


def counted(number: int, what: str) -> str:
    """A number and what it counts: "1 gap", "2,000 gaps"."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def print_json(statistics: Mapping[str, object]) -> None:
    """One JSON object and nothing else."""
    click.echo(json.dumps(statistics, default=_in_json))


def _in_json(value: object) -> str:
    """What JSON has no form for: times as ISO 8601, all else by its words."""
    return value.isoformat() if isinstance(value, date) else str(value)


def print_universe(known: CoinsKnown, left_out: Mapping[str, int]) -> None:
    """How many coins are known of how many, and what is passed over."""
    if words := known.sentence():
        output.print(f"  {words}", highlight=False)
    if left_out:
        counts = ", ".join(counted(number, why) for why, number in left_out.items())
        output.print(
            f"  left out: {counts} (`chandlery coins --left-out` lists them)", highlight=False
        )


def print_left_out(coins: Iterable[LeftOut], *, as_json: bool) -> None:
    """The coins that are known and not collected, and why."""
    if as_json:
        rows = [{**asdict(each.coin), "why": each.why} for each in coins]
        print_json({"left_out": rows})
        return
    table = Table("coin", "id", "rank", "why", box=None, header_style="bold")
    for coin, why in coins:
        rank = "" if coin.rank is None else f"{coin.rank:,}"
        table.add_row(*map(Text, (coin.symbol, coin.id, rank, why)))
    if not table.row_count:
        output.print("no coin that is known is left out")
        return
    output.print(table)
    output.print("taken in by CHANDLERY_INCLUDE; what is delisted by `backfill --delisted`")


def print_result(result: RunResult, named: AbstractSet[str] = frozenset()) -> None:
    """What a run did, in a few lines; what cannot be asked only if it was `named`."""
    output.print(
        f"{result.successful} of {len(result.coins)} coins, {result.records:,} candles"
        f" in {result.pages:,} requests, {result.seconds:.1f} s",
        highlight=False,
    )
    for name, rows in result.rows.most_common():
        output.print(f"  {name}: {rows:,} of {len(result.used[name])} coins", highlight=False)
    for name in sorted(named & result.skipped.keys()):
        output.print(f"  {name}: {result.skipped[name]}", highlight=False, markup=False)
    for words in result.leaving():
        output.print(f"  {words}", highlight=False, markup=False)
    for finding in result.findings:
        output.print(f"  noted: {finding}", highlight=False, markup=False)
    for reason, each in (result.open_gaps or {}).items():
        output.print(
            f"  missing: {each['hours']:,} hours in {each['gaps']:,} gaps: {reason}",
            highlight=False,
        )
    if result.known and (known := result.known.sentence()):
        output.print(f"  {known}", highlight=False)
    if result.unlisted:
        output.print(f"  no source lists {_some(result.unlisted)}", highlight=False, markup=False)
    for symbol, why in list(result.failed.items())[:10]:
        errors.print(f"  failed: {symbol}: {why}", highlight=False, markup=False)
    if len(result.failed) > 10:  # noqa: PLR2004  a screen's worth
        errors.print(f"  and {len(result.failed) - 10} more", highlight=False)


def _some(names: list[str], most: int = 10) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
