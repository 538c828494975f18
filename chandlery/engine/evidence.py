"""What answers prove of the hours they lack.

A hole inside one answer is the venue's word that it has nothing there. A hole at an answer's edge
may be the answer's own: only what lies beyond tells. A page without any candle next to one that
is whole up to there is a page that was lost.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, cast

import polars as pl

from chandlery.model import HOUR, Window, whole_hour, within
from chandlery.venues import Fetched, MalformedRows

FRAMED = frozenset({"hole", "between"})
"""The source had candles on both sides of these hours."""
LACKED = FRAMED | {"edge"}
"""The source answered, and these hours were not in it."""
EMPTY = LACKED | {"refused", "malformed"}
"""The venue said that it has nothing; `lost` and `failed` are ours to mend."""
NO_HALT = timedelta(days=30)
"""Where there is nothing for longer, a coin was not listed yet: it was not merely halted."""


class Sighting(NamedTuple):
    """Hours that did not come, how that was seen, and the venue's words where it had some."""

    window: Window
    outcome: str
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a page: its first and last candle, and the hours wanted that did not come.

    `asked` may be wider than `page`, so that candles on both sides frame what lacks. `malformed`
    are hours that came, in rows that broke a rule.
    """

    page: Window
    asked: Window
    first: datetime | None
    last: datetime | None
    holes: tuple[Window, ...]
    malformed: tuple[MalformedRows, ...] = ()


def answer(
    page: Window, asked: Window, frame: pl.DataFrame, malformed: Sequence[MalformedRows] = ()
) -> Answer:
    """Read an answer; `frame` is in order."""
    opened = frame["open_time"]
    first, last = cast("tuple[datetime | None, ...]", (opened.min(), opened.max()))
    if frame.height == asked.hours:
        return Answer(page, asked, first, last, ())
    came = within(frame, page)["open_time"].to_list()
    marks = pairwise([page.start - HOUR, *came, page.end])
    holes = tuple(Window(before + HOUR, after) for before, after in marks if after - before > HOUR)
    return Answer(page, asked, first, last, holes, tuple(malformed))


def told_by(page: Window, asked: Window, found: Fetched) -> Answer | None:
    """Read what was fetched, as far as it had closed; None where nothing of the page had."""
    closed = Window(asked.start, max(asked.start, whole_hour(found.closed_by)))
    page_, asked_ = page.clip(closed), asked.clip(closed)
    if page_ is None or asked_ is None:
        return None
    return answer(page_, asked_, found.frame, found.malformed)


def first_after_emptiness(answers: Iterable[Answer], since: datetime) -> datetime | None:
    """The first candle, if all that was asked for from `since` on was empty before it, and long.

    None too if there was nothing at all: that is no beginning.
    """
    asked = since
    for each in sorted(answers, key=lambda each: each.page.start):
        if each.page.start != asked:
            return None
        if each.first is not None:
            return each.first if each.first - since >= NO_HALT else None
        asked = each.page.end
    return None


def sightings(
    answers: Iterable[Answer], held: Collection[datetime], since: datetime | None
) -> list[Sighting]:
    """What these answers of one listing say of the hours that did not come.

    `held` are hours that are held from this very source; `since` is when the listing's candles
    begin, if that is known.
    """
    ordered = sorted(answers, key=lambda each: each.page.start)
    broken = [row for each in ordered for row in each.malformed]
    told = [_judged(run, ordered, held, since) for run in _runs(ordered)]
    return [part for sighting in told for part in _with_words(sighting, broken)]


def _with_words(sighting: Sighting, broken: Sequence[MalformedRows]) -> Iterable[Sighting]:
    """The hours of a sighting whose rows came and broke a rule, with the rule; and the others."""
    for row in broken:
        if (hours := row.window.clip(sighting.window)) is not None:
            yield Sighting(hours, "malformed", row.words)
    for rest in sighting.window.without(row.window for row in broken):
        yield sighting._replace(window=rest)


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
    since: datetime | None,
) -> Sighting:
    (first, head), (last, tail) = run[0], run[-1]
    hole, pages = Window(head.start, tail.end), ordered[first : last + 1]
    begins_inside = pages[0].first is not None and pages[0].first < hole.start
    ends_inside = pages[-1].last is not None and pages[-1].last >= hole.end
    follows = first > 0 and ordered[first - 1].last == hole.start - HOUR
    is_followed = last + 1 < len(ordered) and ordered[last + 1].first == hole.end
    if begins_inside and ends_inside and first == last:
        return Sighting(hole, "hole")
    # The market's holes do not begin or end where our pages happen to; but candles begin somewhere.
    fills_pages = all(each.first is None for each in pages)
    is_lost = follows or (is_followed and since is not None)
    if (fills_pages and is_lost) or _lacks_what_is_held(pages, held):
        return Sighting(hole, "lost")
    framed = (begins_inside or follows) and (ends_inside or is_followed)
    return Sighting(hole, "between" if framed else "edge")


def _lacks_what_is_held(pages: Iterable[Answer], held: Collection[datetime]) -> bool:
    """Whether an answer without any candle should have had one at its end that is held."""
    return any(
        hour in held
        for each in pages
        if each.first is None
        for hour in (each.asked.start, each.asked.end - HOUR)
        if not each.page.start <= hour < each.page.end
    )
