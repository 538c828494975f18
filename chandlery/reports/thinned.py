"""No more of anything than a chart has room for, so that seven years of hours are drawn in one."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

import polars as pl

from chandlery.model import Window
from chandlery.store import Gap

PIECES = 1200  # as many as a chart is dots wide


class Span(NamedTuple):
    """Hours missing for one reason that are drawn as one: `gaps` of them, of `hours` in all."""

    reason: str
    window: Window
    gaps: int
    hours: int


def pieces(bars: pl.DataFrame, least: timedelta) -> pl.DataFrame:
    """Bars added up into at most about PIECES, each with the number of its unbroken `run`.

    A run ends where bars are apart by more than `least`.
    """
    apart = pl.col("timestamp") - pl.col("ends").shift(1) > least
    every = -(-bars.height // PIECES)
    volume = pl.when(pl.col("volume").is_not_null().all()).then(pl.col("volume").sum())
    return (
        bars.with_columns(run=apart.fill_null(value=False).cum_sum())
        .with_columns(place=pl.int_range(pl.len()).over("run") // every)
        .group_by("run", "place", maintain_order=True)
        .agg(
            pl.col("timestamp").first(),
            pl.col("ends").last(),
            pl.col("open_price").first(),
            pl.col("high_price").max(),
            pl.col("low_price").min(),
            pl.col("close_price").last(),
            volume,
            pl.col("source").unique().sort().str.join("+"),
        )
    )


def spans(gaps: Iterable[Gap], least: timedelta) -> list[Span]:
    """Gaps of one reason that are next to one another, by less than `least`, as one."""
    by_reason: dict[str, list[Span]] = {}
    for gap in gaps:
        one = Span(gap.reason, gap.window, 1, gap.window.hours)
        known = by_reason.setdefault(gap.reason, [])
        if known and gap.window.start - known[-1].window.end < least:
            one = _joined(known.pop(), one)
        known.append(one)
    return [span for known in by_reason.values() for span in known]


def _joined(one: Span, other: Span) -> Span:
    window = Window(one.window.start, other.window.end)
    return Span(one.reason, window, one.gaps + other.gaps, one.hours + other.hours)


def source_runs(bars: pl.DataFrame) -> Sequence[tuple[Window, str]]:
    """Bars of the same source that follow one another, as one window each."""
    changed = pl.col("source").ne_missing(pl.col("source").shift(1))
    apart = pl.col("timestamp") > pl.col("ends").shift(1)
    runs = (
        bars.with_columns(same=(changed | apart.fill_null(value=False)).cum_sum())
        .group_by("same", maintain_order=True)
        .agg(pl.col("timestamp").first(), pl.col("ends").last(), pl.col("source").first())
    )
    return [(Window(start, end), source) for _, start, end, source in runs.iter_rows()]
