"""What answers prove of the hours they lack.

A hole inside one answer is the venue's word that it has nothing there. A hole at an answer's edge
may be the answer's own: only what lies beyond tells. One that begins and ends with a page, where
the pages around it are whole, is a page that was lost.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from candles import HOUR, Window, within

EMPTY = frozenset({"hole", "between", "edge", "refused"})
"""The venue said that it has nothing; `lost` and `failed` are ours to mend."""


class Sighting(NamedTuple):
    """Hours that did not come, how that was seen, and the venue's words where it had some."""

    window: Window
    outcome: str
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a page: its first and last candle, and the hours wanted that did not come.

    `asked` may be wider than `page`, so that candles on both sides frame what lacks.
    """

    page: Window
    asked: Window
    first: datetime | None
    last: datetime | None
    holes: tuple[Window, ...]


def answer(page: Window, asked: Window, frame: pl.DataFrame) -> Answer:
    """Read an answer; `frame` is in order."""
    opened = frame["open_time"]
    first, last = (opened[0], opened[-1]) if frame.height else (None, None)
    if frame.height == asked.hours:
        return Answer(page, asked, first, last, ())
    came = within(frame, page)["open_time"].to_list()
    marks = pairwise([page.start - HOUR, *came, page.end])
    holes = tuple(Window(before + HOUR, after) for before, after in marks if after - before > HOUR)
    return Answer(page, asked, first, last, holes)


def sightings(answers: Iterable[Answer], held: Collection[datetime]) -> list[Sighting]:
    """What these answers of one listing say of the hours that did not come.

    `held` are hours that are held from this very source.
    """
    ordered = sorted(answers, key=lambda each: each.page.start)
    return [_judged(run, ordered, held) for run in _runs(ordered)]


def _runs(ordered: Sequence[Answer]) -> list[list[tuple[int, Window]]]:
    """Holes that touch across pages, as one; each with the number of its answer."""
    runs: list[list[tuple[int, Window]]] = []
    for place, each in enumerate(ordered):
        for hole in each.holes:
            if runs and runs[-1][-1][1].end == hole.start and runs[-1][-1][0] == place - 1:
                runs[-1].append((place, hole))
            else:
                runs.append([(place, hole)])
    return runs


def _judged(
    run: Sequence[tuple[int, Window]],
    ordered: Sequence[Answer],
    held: Collection[datetime],
) -> Sighting:
    (first, head), (last, tail) = run[0], run[-1]
    hole = Window(head.start, tail.end)
    before, after = ordered[first].first, ordered[last].last
    framed = before is not None and before < hole.start and after is not None and after >= hole.end
    if framed:
        return Sighting(hole, "hole" if first == last else "between")
    pages = ordered[first : last + 1]
    if _fills_pages(hole, pages, ordered, first, last) or _lacks_what_is_held(pages, held):
        return Sighting(hole, "lost")
    return Sighting(hole, "edge")


def _fills_pages(
    hole: Window, pages: Sequence[Answer], ordered: Sequence[Answer], first: int, last: int
) -> bool:
    """Whether whole pages lack, and what lies around them came to the very hour."""
    earlier = ordered[first - 1] if first > 0 else None
    later = ordered[last + 1] if last + 1 < len(ordered) else None
    return (
        hole == Window(pages[0].page.start, pages[-1].page.end)
        and earlier is not None
        and earlier.last == hole.start - HOUR
        and later is not None
        and later.first == hole.end
    )


def _lacks_what_is_held(pages: Iterable[Answer], held: Collection[datetime]) -> bool:
    """Whether an answer without any candle should have had one at its end that is held."""
    return any(
        hour in held
        for each in pages
        if each.first is None
        for hour in (each.asked.start, each.asked.end - HOUR)
        if not each.page.start <= hour < each.page.end
    )
