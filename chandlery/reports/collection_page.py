"""What a collection, a backfill or a filling of gaps did."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import polars as pl

from chandlery.engine.result import RunResult
from chandlery.quality.completeness import Survey
from chandlery.reports import charts
from chandlery.reports.markdown import bullets, page, picture, plain, section, table, words
from chandlery.venues import colours
from chandlery.words import counted

COINS = 30  # as many as one reads of those that failed for one reason


def of_collection(
    title: str, result: RunResult, survey: Survey | None = None, *, stopped: str = ""
) -> str:
    """A page about a run, its survey being of what it touched, within its window.

    Of a run that was `stopped` (in these words) nobody looked at what it touched.
    """
    return page(
        f"# {result.records:,} candles",
        f"**{plain(title)}**",
        plain(stopped),
        _numbers(result),
        section("Failed", failures(result.failed)),
        section("Sources", _sources(result), _away(result)),
        *(() if survey is None else _surveyed(survey)),
        section("What is odd", bullets(map(plain, result.findings))),
        section("Left to other runs", bullets(map(plain, result.leaving()))),
        section("No source lists", plain(", ".join(result.unlisted))),
    )


def _surveyed(survey: Survey) -> Sequence[str]:
    return (
        section("Where the candles are from", _shares(survey)),
        section("How complete the coins are", coverage(survey)),
        section("Why hours are missing", missing(survey.reasons)),
    )


def _numbers(result: RunResult) -> str:
    rate = result.records / result.seconds if result.seconds else 0.0
    numbers = {
        "coins": f"{len(result.coins):,}",
        "done": f"{result.successful:,}",
        "failed": f"{len(result.failed):,}",
        "listed nowhere": f"{len(result.unlisted):,}",
        "requests": f"{result.pages:,}",
        "seconds": f"{result.seconds:,.1f}",
        "candles a second": f"{rate:,.0f}",
    }
    return table(list(numbers), [list(numbers.values())], numbers=range(len(numbers)))


def failures(failed: Mapping[str, str]) -> str:
    """The coins (symbol: why) that failed, by the venue's words: one line for all of one kind."""
    by_words: defaultdict[str, list[str]] = defaultdict(list)
    for symbol, why in failed.items():
        by_words[why].append(symbol)
    return bullets(
        f"**{counted(len(symbols), 'coin')}**: {words(why)} {_some(symbols)}"
        for why, symbols in sorted(by_words.items(), key=lambda each: -len(each[1]))
    )


def _some(symbols: Sequence[str]) -> str:
    rest = len(symbols) - COINS
    return plain(", ".join(symbols[:COINS])) + (f" and {rest:,} more" if rest > 0 else "")


def _sources(result: RunResult) -> str:
    rows = [
        (
            name,
            f"{len(result.used[name]):,}",
            f"{candles:,}",
            f"{candles / max(result.records, 1):.1%}",
        )
        for name, candles in result.rows.most_common()
    ]
    return table(("source", "coins", "candles", "share"), rows, numbers=[1, 2, 3]) if rows else ""


def _away(result: RunResult) -> str:
    off = [f"**{name}** was off: {words(why)}" for name, why in result.off.items()]
    return bullets([*off, *(f"{name}: {plain(why)}" for name, why in result.skipped.items())])


def _shares(survey: Survey) -> str:
    if survey.shares.is_empty():
        return ""
    return picture("Candles by source", charts.shares(survey.shares, survey.step, colours()))


def coverage(survey: Survey) -> str:
    """A picture with a row a coin, or a sentence where it would be of one colour."""
    held = survey.held
    if held.is_empty():
        return ""
    coins = held["id"].n_unique()
    if (held["present"] == held["expected"]).all():
        return f"Every hour is there, of each coin that lived then: {coins:,}."
    rows = least_complete(held)
    few = (
        ""
        if coins == (most := rows["id"].n_unique())
        else f"The {most:,} least complete coins of {coins:,}."
    )
    return page(
        few, picture(f"Coins by {survey.step}", charts.heat_map(rows, survey.step))
    ).rstrip()


def least_complete(held: pl.DataFrame) -> pl.DataFrame:
    """As many coins as a picture has names for, those lacking most; still by rank."""
    lacking = held.group_by("id", maintain_order=True).agg(
        lacking=(pl.col("expected") - pl.col("present")).sum()
    )
    chosen = lacking.sort("lacking", descending=True, maintain_order=True).head(charts.MOST_COINS)
    return held.filter(pl.col("id").is_in(chosen["id"].implode()))


def missing(reasons: Mapping[str, Mapping[str, int]]) -> str:
    """Missing hours by reason, as a picture."""
    return picture("Missing hours by reason", charts.reasons(reasons)) if reasons else ""
