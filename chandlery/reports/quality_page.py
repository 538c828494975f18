"""How good the candles are: the page one opens every morning."""

from datetime import datetime, timedelta

import polars as pl

from chandlery.model import utc_text
from chandlery.quality.check import Report
from chandlery.quality.wording import cut
from chandlery.reports import charts
from chandlery.reports.collection_page import coverage, missing
from chandlery.reports.markdown import bullets, page, picture, plain, section, table, words
from chandlery.venues import colours

WORST = 15
NEWS = 20
OPEN = 25
OUTAGES = 20
MOST_SOURCES = 2  # of a coin: a cell of a table is not folded, and what is too wide is cut off
AGO = {"a day ago": timedelta(days=1), "a week ago": timedelta(days=7)}


def of_quality(report: Report) -> str:
    """A page about a check: what is new first, then what there is, then what is odd."""
    if report.coins.is_empty():
        return page("# No candles yet", "A backfill fetches some.")
    survey = report.survey
    return page(
        f"# {_headline(report)}",
        f"{_when(report.now)}. {_news_count(report)} {_freshness(report)}",
        _numbers(report),
        section("New since the last check", _news(report)),
        section("Over the last month", _trend(report)),
        section("Coverage", coverage(survey)),
        section("Why hours are missing", missing(survey.reasons)),
        section("The least complete coins", _worst(report)),
        section(
            "Where the candles are from",
            picture("Candles by source", charts.shares(survey.shares, survey.step, colours())),
        ),
        section("Venues", _venues(report), _outages(report)),
        section("What is odd", _kinds(report), _odd(report)),
    )


def _headline(report: Report) -> str:
    return f"{cut(report.totals()['completeness_percentage'])} complete"


def _news_count(report: Report) -> str:
    new = int(report.open["new"].sum())
    return f"**New findings: {new:,}.**" if new else "Nothing new is odd."


def _when(at: datetime) -> str:
    return utc_text(at)


def _freshness(report: Report) -> str:
    if report.fresh == report.living:
        return f"All {report.living:,} coins that are listed have their newest hour."
    late = report.living - report.fresh
    return f"**{late:,} of {report.living:,} coins that are listed lack their newest hour.**"


def _numbers(report: Report) -> str:
    """Now beside a day and a week ago, where there was a check."""
    totals = report.totals()
    hourly = report.coins.filter(timeframe="1h")
    then = {name: _then(report, report.now - ago) for name, ago in AGO.items()}
    known = {name: row for name, row in then.items() if row is not None}
    columns = [(int(hourly["expected"].sum()), int(hourly["present"].sum())), *known.values()]
    blank = [""] * len(known)
    rows = [
        ("complete", *(cut(100 * have / max(of, 1)) for of, have in columns)),
        ("hours there", *(f"{have:,}" for _, have in columns)),
        ("hours missing", *(f"{of - have:,}" for of, have in columns)),
        ("listed before what was wanted", f"{totals['unwanted_hours']:,}", *blank),
        ("coins", f"{totals['total_symbols']:,}", *blank),
        ("findings", f"{totals['open_findings']:,}", *blank),
    ]
    return table(("", "now", *known), rows, numbers=range(1, len(columns) + 1))


def _then(report: Report, at: datetime) -> tuple[int, int] | None:
    """Hours expected and present at the last check of that day."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    found = report.trend.filter(pl.col("day") == day)
    return None if found.is_empty() else (int(found["expected"][0]), int(found["present"][0]))


def _news(report: Report) -> str:
    new = [
        text for text, is_new in zip(report.sentences(), report.open["new"], strict=True) if is_new
    ]
    lines = [plain(text) for text in new[:NEWS]]
    if len(new) > NEWS:
        lines.append(f"and {len(new) - NEWS:,} more")
    if report.ended.height:
        lines.append(f"{report.ended.height:,} findings no longer hold")
    return bullets(lines) or "Nothing."


def _trend(report: Report) -> str:
    two = 2  # of one check there is no line
    if report.trend.height < two:
        return ""
    return picture("Hours missing, day by day", charts.trend(report.trend))


def _worst(report: Report) -> str:
    hourly = report.coins.filter(timeframe="1h")
    lacking = hourly.filter("has_gaps").sort("missing", descending=True, maintain_order=True)
    rows = [
        (
            plain(row["symbol"]),
            f"{row['missing']:,}",
            cut(row["completeness"]),
            _sources(report, row["id"]),
        )
        for row in lacking.head(WORST).iter_rows(named=True)
    ]
    if not rows:
        return "Every coin is complete."
    header = ("coin", "hours missing", "complete", "from")
    rest = lacking.height - len(rows)
    more = f"and {rest:,} coins more" if rest else ""
    return page(table(header, rows, numbers=[1, 2]), more).rstrip()


def _sources(report: Report, coin_id: str) -> str:
    parts = report.shares.filter(id=coin_id).select("source", "share").rows()
    told = [f"{source} {share:.0%}" for source, share in parts[:MOST_SOURCES]]
    rest = len(parts) - len(told)
    return ", ".join([*told, f"{rest} more"] if rest else told)


def _venues(report: Report) -> str:
    rows = [
        (
            each.source,
            "well" if each.is_well else "**failing**",
            _when(each.answered_at) if each.answered_at else "never",
        )
        for each in report.health
    ]
    said = [
        f"**{each.source}**: {words(each.words)}"
        for each in report.health
        if each.words and not each.is_well
    ]
    states = table(("source", "state", "answered last"), rows) if rows else ""
    return page(states, bullets(said)).rstrip()


def _outages(report: Report) -> str:
    lines = [
        f"{each.source} had no candle of any of {each.coins:,} coins"
        f" from {_when(each.window.start)}, {each.window.hours:,} hours"
        for each in report.outages[-OUTAGES:][::-1]
    ]
    return page("Outages in the last 30 days:", bullets(lines)).rstrip() if lines else ""


def _kinds(report: Report) -> str:
    counts = report.open.group_by("kind").agg(pl.len(), new=pl.col("new").sum())
    rows = [
        (kind, f"{count:,}", f"{new:,}" if new else "")
        for kind, count, new in counts.sort("len", descending=True).iter_rows()
    ]
    return table(("kind", "open", "new"), rows, numbers=[1, 2]) if rows else ""


def _odd(report: Report) -> str:
    told = [plain(text) for text in report.sentences()[:OPEN]]
    rest = report.open.height - len(told)
    return bullets([*told, f"and {rest:,} more"] if rest else told)
