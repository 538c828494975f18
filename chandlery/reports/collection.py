"""What a collection, a backfill or a filling of gaps did."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import polars as pl

from chandlery.engine import RunResult
from chandlery.quality import Survey
from chandlery.reports import charts
from chandlery.reports.markdown import bullets, page, picture, plain, section, table, words

COINS = 30  # as many as one reads of those that failed for one reason


def of_gathering(title: str, tally: RunResult, survey: Survey) -> str:
    """A page about a run, its survey being of what it touched, within its window."""
    return page(
        f"# {plain(title)}",
        _numbers(tally),
        section("Failed", failures(tally.failed)),
        section("Sources", _sources(tally), _away(tally)),
        section("Where the candles are from", _shares(survey)),
        section("How complete the coins are", _coverage(survey)),
        section("Why hours are missing", missing(survey.reasons)),
        section("What is odd", bullets(map(plain, tally.findings))),
        section("Left to other runs", bullets(map(plain, tally.leaving()))),
        section("No source lists", plain(", ".join(tally.unlisted))),
    )


def _numbers(tally: RunResult) -> str:
    rate = tally.records / tally.seconds if tally.seconds else 0.0
    numbers = {
        "coins": f"{len(tally.coins):,}",
        "done": f"{tally.successful:,}",
        "failed": f"{len(tally.failed):,}",
        "listed nowhere": f"{len(tally.unlisted):,}",
        "candles": f"{tally.records:,}",
        "requests": f"{tally.pages:,}",
        "seconds": f"{tally.seconds:,.1f}",
        "candles a second": f"{rate:,.0f}",
    }
    return table(list(numbers), [list(numbers.values())], numbers=range(len(numbers)))


def failures(failed: Mapping[str, str]) -> str:
    """The coins (symbol: why) that failed, by the venue's words: one line for all of one kind."""
    by_words: defaultdict[str, list[str]] = defaultdict(list)
    for symbol, why in failed.items():
        by_words[why].append(symbol)
    rows = [
        (f"{len(symbols):,}", _some(symbols), words(why))
        for why, symbols in sorted(by_words.items(), key=lambda each: -len(each[1]))
    ]
    return table(("coins", "", "in whose words"), rows, numbers=[0]) if rows else ""


def _some(symbols: Sequence[str]) -> str:
    rest = len(symbols) - COINS
    return plain(", ".join(symbols[:COINS])) + (f" and {rest:,} more" if rest > 0 else "")


def _sources(tally: RunResult) -> str:
    rows = [
        (
            name,
            f"{len(tally.used[name]):,}",
            f"{candles:,}",
            f"{candles / max(tally.records, 1):.1%}",
        )
        for name, candles in tally.rows.most_common()
    ]
    return table(("source", "coins", "candles", "share"), rows, numbers=[1, 2, 3]) if rows else ""


def _away(tally: RunResult) -> str:
    off = [f"**{name}** was off: {words(why)}" for name, why in tally.off.items()]
    return bullets([*off, *(f"{name}: {plain(why)}" for name, why in tally.skipped.items())])


def _shares(survey: Survey) -> str:
    if survey.shares.is_empty():
        return ""
    return picture("Candles by source", charts.shares(survey.shares, survey.step))


def _coverage(survey: Survey) -> str:
    """The picture, or a sentence where it would be of one colour."""
    held = survey.held
    if held.is_empty():
        return ""
    if (held["present"] == held["expected"]).all():
        return f"Every hour is there, of each coin that lived then: {held['id'].n_unique():,}."
    return picture(f"Coins by {survey.step}", charts.heat_map(shown(held), survey.step))


def shown(held: pl.DataFrame) -> pl.DataFrame:
    """All coins if they have room, with a name each; else those that lack something."""
    if held["id"].n_unique() <= charts.LABELLED:
        return held
    lacking = held.filter(pl.col("present") < pl.col("expected"))["id"].unique()
    return held.filter(pl.col("id").is_in(lacking.implode()))


def missing(reasons: Mapping[str, Mapping[str, int]]) -> str:
    """Missing hours by reason, as a picture."""
    return picture("Missing hours by reason", charts.reasons(reasons)) if reasons else ""
