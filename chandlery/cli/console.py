"""What people see: tables on stdout, progress on stderr."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from chandlery.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from chandlery.engine.coins_known import CoinsKnown
    from chandlery.engine.progress import Progress as Step
    from chandlery.engine.result import RunResult
    from chandlery.engine.waits import Waits
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
    beside_a_bar = RichHandler(console=errors, show_time=False, show_path=False, show_level=False)
    # That a rollback failed, too, where a connection was lost: what it was lost by is told.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        # For a file or cron's mail a line is a line: Rich would fill it up with blanks.
        handlers=[beside_a_bar if errors.is_terminal else logging.StreamHandler()],
    )


@contextmanager
def progress(title: str, *, shown: bool = True) -> Iterator[Progress]:
    """A bar on stderr while work goes on; nothing where stderr is no terminal."""
    whole = partial(Column, no_wrap=True)  # where it is narrow, the bar gives way
    columns = (
        SpinnerColumn(table_column=whole()),
        TextColumn("{task.description}", table_column=whole()),
        BarColumn(None),
        _Share(whole()),
        _Detail(whole()),
        TimeElapsedColumn(whole()),
        _Remaining(table_column=whole()),
    )
    hidden = not (shown and errors.is_terminal)
    with Progress(*columns, console=errors, disable=hidden, transient=True, expand=True) as bar:
        bar.add_task(title, total=None, detail="")
        yield bar


class _Share(ProgressColumn):
    """The share that is done, where that can be told."""

    def render(self, task: Task) -> Text:
        """Such as " 43%"."""
        return Text("" if task.total is None else f"{int(task.percentage):>3}%")


def _waits(task: Task) -> float:
    """Seconds that a task under way does nothing but wait."""
    waits = task.fields.get("waits")
    return 0.0 if task.finished or waits is None else waits()


class _Detail(ProgressColumn):
    """What a task says beside its bar, and for how long it waits if it does."""

    def render(self, task: Task) -> Text:
        """Such as "456,498 candles, 7,364/s"; "456,498 candles, waits 31 s"."""
        left, rate = _waits(task), task.fields.get("rate", "")
        told = [task.fields["detail"], f"waits {left:.0f} s" if left else rate]
        return Text(", ".join(filter(None, told)))


class _Remaining(TimeRemainingColumn):
    """The time to go; as long as is waited for, at least."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """Such as "0:00:31"."""
        left = round(_waits(task))
        if left <= (task.time_remaining or 0.0):
            return super().render(task)
        return Text(str(timedelta(seconds=left)), style="progress.remaining")


class RunLines:
    """A run's lines: what it asks, and what it refreshes, which stay until the run ends.

    What nobody can tell how far it is has a line while it lasts.
    """

    def __init__(self, bar: Progress, waits: Waits) -> None:
        self._bar, self._waits = bar, waits
        self._lines: dict[str, TaskID] = {}
        self._now, self._told_at = bar.tasks[0].id, waits.clock()

    def __call__(self, step: Step) -> None:
        """Show how far a run is: what it does, the share of it, candles and their rate."""
        self._told_at = self._waits.clock()
        line = self._line("asking" if step.is_asking else step.doing, step.doing)
        if step.share is not None:
            if line.finished and step.share < 1:  # bars are refreshed now and then
                self._bar.reset(line.id)
            self._bar.update(line.id, total=1.0, completed=step.share)
        if step.is_asking:
            rate = step.records / line.elapsed if line.elapsed else 0.0
            words = f"{step.records:,} candles"
            self._bar.update(line.id, description=step.doing, detail=words, rate=f"{rate:,.0f}/s")

    def _line(self, what: str, words: str) -> Task:
        """The line of this; another's is over, and goes if nobody could tell how far it was."""
        if self._lines.get(what) != self._now and self._task(self._now).total is None:
            self._bar.remove_task(self._now)
            self._lines = {name: line for name, line in self._lines.items() if line != self._now}
        if what not in self._lines:
            self._lines[what] = self._bar.add_task(words, total=None, detail="", waits=self._left)
        self._now = self._lines[what]
        return self._task(self._now)

    def _task(self, wanted: TaskID) -> Task:
        return next(each for each in self._bar.tasks if each.id == wanted)

    def _left(self) -> float:
        """Seconds to wait, if more than one, and if nothing came within one."""
        left = self._waits.left()
        return left if min(left, self._waits.clock() - self._told_at) >= 1 else 0.0


def move_hours(bar: Progress, done: int, total: int) -> None:
    """Show how many hours are done of how many."""
    bar.update(bar.tasks[0].id, total=total, completed=done, detail="hours")


def say(bar: Progress, what: str) -> None:
    """Show what is being done."""
    bar.update(bar.tasks[0].id, detail=what)


def print_json(statistics: Mapping[str, object]) -> None:
    """One JSON object and nothing else."""
    click.echo(json.dumps(statistics, default=in_json))


def in_json(value: object) -> str:
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


def print_result(result: RunResult) -> None:
    """What a run did, in a few lines."""
    output.print(
        f"{result.successful} of {len(result.coins)} coins, {result.records:,} candles"
        f" in {result.pages:,} requests, {result.seconds:.1f} s",
        highlight=False,
    )
    for name, rows in result.rows.most_common():
        output.print(f"  {name}: {rows:,} of {len(result.used[name])} coins", highlight=False)
    for name, why in result.skipped.items():
        output.print(f"  {name}: {why}", highlight=False, markup=False)
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
