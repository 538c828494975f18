"""`chandlery quality`: how complete the candles are, whose they are, and what is odd about them."""

import click
import polars as pl
from rich.table import Table
from rich.text import Text

from chandlery.cli.console import NO_CANDLES, output, print_json, progress
from chandlery.cli.options import JSON, MAX_COINS, NOW, SYMBOLS, at, options
from chandlery.quality.check import Report, check
from chandlery.quality.wording import cut
from chandlery.settings import settings
from chandlery.store.frames.read import TIMEFRAMES

ROWS = 20  # a screen's worth
SENTENCES = 15
OF_A_KIND = 4  # so that a thousand stale coins do not hide the one that was redenominated


@click.command()
@options(SYMBOLS, MAX_COINS, NOW, JSON)
def quality(
    *, symbols: list[str] | None, max_coins: int | None, now: str | None, as_json: bool
) -> None:
    """Check what is stored: completeness, sources, and what is odd. Asks no venue."""
    moment = at(now)
    with progress("quality", shown=not as_json) as bar:

        def say(what: str) -> None:
            bar.update(bar.tasks[0].id, detail=what)

        report = check(settings(), moment, symbols, max_coins, say)
    if as_json:
        print_json(report.statistics())
    else:
        _print(report)


def _print(report: Report) -> None:
    if report.coins.is_empty():
        output.print(NO_CANDLES)
        return
    output.print(_table(report))
    rest = report.coins["id"].n_unique() - ROWS
    if rest > 0:
        output.print(f"and {rest:,} coins more, none of them less complete", highlight=False)
    output.print(report.summary(), highlight=False)
    shown = _shown(report)
    for row in shown:
        output.print(f"  {row}", highlight=False, markup=False)
    more = report.open.height - len(shown)
    if more > 0:
        output.print(
            f"  and {more:,} more; by kind: {_kinds(report)}", highlight=False, markup=False
        )
    if report.ended.height:
        output.print(f"  {report.ended.height:,} no longer hold", highlight=False)


def _table(report: Report) -> Table:
    """The least complete coins, worst first, then by rank."""
    columns = ("coin", *TIMEFRAMES, "hours", "missing", "sources")
    table = Table(*columns, box=None, header_style="bold")
    for column in table.columns[1:-1]:
        column.justify = "right"
    wide = report.coins.pivot(
        on="timeframe", index="id", values="completeness", maintain_order=True
    )
    hourly = report.coins.filter(timeframe="1h").join(wide, on="id", maintain_order="left")
    for row in hourly.sort("1h", maintain_order=True).head(ROWS).iter_rows(named=True):
        table.add_row(
            _plain(row["symbol"]),
            *("" if row.get(name) is None else cut(row[name]) for name in TIMEFRAMES),
            f"{row['total']:,}",
            f"{row['missing']:,}",
            _plain(_sources(report, row["id"])),
        )
    return table


def _sources(report: Report, coin_id: str) -> str:
    parts = report.shares.filter(id=coin_id).select("source", "share").iter_rows()
    return ", ".join(f"{source} {share:.1%}" for source, share in parts)


def _shown(report: Report) -> list[str]:
    """Sentences, newest first, few of each kind."""
    within = pl.int_range(pl.len()).over("kind") < OF_A_KIND
    wanted = report.open.select(within.alias("shown"))["shown"]
    told = zip(report.sentences(), wanted, report.open["new"], strict=True)
    return [f"{'new: ' if new else ''}{text}" for text, shown, new in told if shown][:SENTENCES]


def _kinds(report: Report) -> str:
    counts = report.open.group_by("kind").len().sort("len", descending=True).iter_rows()
    return ", ".join(f"{count:,} {kind}" for kind, count in counts)


def _plain(text: str) -> Text:
    """Names come from outside: rich is to read no markup in them."""
    return Text(text)
