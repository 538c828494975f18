"""What is odd in pages of candles: whose hours they are, what their rows are, how old they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

from sandbox.facts import Layout, facts
from sandbox.odd_met import Met, Play, Played, at, body, fine, house, put, with_body
from sandbox.odd_rows import BAD, Row, moved, opened, swapped
from sandbox.venue import Answer
from sandbox.words import DAY, HOUR, hour_of

_NEAR_ONE = 0.05
_FAR = 10**15


def layout(met: Met) -> Layout:
    """Return how the venue lays rows out."""
    form = facts()[house(met.venue)].layout
    if form is None:
        raise LookupError(f"{met.venue.source} does not say where its rows are")
    return form


def rows_of(met: Met, answer: Answer | None = None) -> list[Row]:
    """Return the rows of a page."""
    rows: list[Row] = at(body(answer or met.real), layout(met).keys)
    return rows


def _differs(met: Met, answer: Answer) -> bool:
    """Tell whether another right answer is a page with other rows."""
    return fine(answer) and rows_of(met, answer) != rows_of(met)


def _with_rows(met: Met, rows: Sequence[Row], detail: str) -> Played:
    """Return a page with other rows; it concerns the hours of the real one."""
    told = put(body(met.real), layout(met).keys, rows)
    return _spanning(met, with_body(met.real, told), detail)


def _spanning(met: Met, answer: Answer, detail: str) -> Played:
    """Return an answer that concerns the hours of the real page."""
    times = [opened(row, layout(met)) for row in rows_of(met)]
    if not times:
        return Played(answer, detail)
    return Played(answer, detail, start=min(times), end=max(times) + HOUR)


def _each(met: Met, change: Callable[[Row], Row], detail: str) -> Played | None:
    """Change every row; None where that changes nothing."""
    rows = rows_of(met)
    changed = [change(row) for row in rows]
    return None if changed == rows else _with_rows(met, changed, detail)


def _first_wrong(met: Met) -> Played | None:
    """Answer yesterday's candle, or none, where the very first is asked for."""
    query = met.ask.query
    if (query.get("startTime"), query.get("limit")) != ("0", "1") or not rows_of(met):
        return None
    if met.dice % 2:
        return _with_rows(met, [], "none")
    yesterday = str(hour_of(met.ask.now) - DAY)
    answer = met.again(replace(met.ask, query={**query, "startTime": yesterday}))
    return _spanning(met, answer, "yesterday's") if _differs(met, answer) else None


def _stale(met: Met) -> Played | None:
    """Answer as a day ago, with the date of then."""
    then = met.ask.now - DAY
    answer = met.again(replace(met.ask, now=then))
    if not _differs(met, answer):
        return None
    date = format_datetime(datetime.fromtimestamp(then // 1000, UTC), usegmt=True)
    return _spanning(met, replace(met.real, body=answer.body).also({"date": date}), "a day old")


def _other(met: Met) -> Played | None:
    """Answer another window: as many hours earlier as the page has, or a day's."""
    count = len(rows_of(met))
    back = met.choose((count, 24)) * HOUR
    form = layout(met)
    times = {name: form.read(met.ask.query.get(name, "")) for name in form.window}
    earlier = {k: form.write(max(0, at - back)) for k, at in times.items() if at is not None}
    answer = met.again(replace(met.ask, query={**met.ask.query, **earlier}))
    if not count or not _differs(met, answer) or not rows_of(met, answer):
        return None
    return _spanning(met, answer, f"{back // HOUR} hours earlier")


def asked(met: Met) -> tuple[int, int]:
    """Return the window asked for, in milliseconds, both ends included."""
    form = layout(met)
    start, end = (form.read(met.ask.query.get(name, "")) for name in form.window)
    after, before = form.exclusive
    return 0 if start is None else start + after, _FAR if end is None else end - before


def _hour_off(met: Met) -> Played | None:
    """Have all times an hour early or late, where one then lies outside what was asked for."""
    form, (first, last) = layout(met), asked(met)
    times = [opened(row, form) for row in rows_of(met)]
    ways = [by for by in form.off if any(not first <= t + by <= last for t in times)]
    if not ways:
        return None
    by = met.choose(ways)
    return _each(met, lambda row: moved(row, form, by), "early" if by < 0 else "late")


def _swapped(met: Met) -> Played | None:
    """Swap base and quote volume, where both are told and the price tells them apart."""
    form, rows = layout(met), rows_of(met)
    if None in (form.volume, form.quote) or any(
        abs(float(row[form.prices[3]]) - 1) <= _NEAR_ONE for row in rows
    ):
        return None
    return _each(met, lambda row: swapped(row, form), "base and quote volume")


def _bad_row(met: Met) -> Played | None:
    """Spoil one row that is closed."""
    rows, form = rows_of(met), layout(met)
    closed = [i for i, row in enumerate(rows) if opened(row, form) + HOUR <= met.ask.now]
    if not closed:
        return None
    chosen, detail = met.choose(closed), [*BAD][met.number("how") % len(BAD)]
    bad = BAD[detail](rows[chosen], form)
    hour = opened(rows[chosen], form)
    played = _with_rows(met, [bad if i == chosen else x for i, x in enumerate(rows)], detail)
    return replace(played, start=hour, end=hour + HOUR)


def _more_columns(met: Met) -> Played | None:
    """Add a column."""
    return _each(met, lambda row: [*row, "0"], "one more")


PLAYS: Mapping[str, Play] = {
    "first candle wrong": _first_wrong,
    "stale page": _stale,
    "other page": _other,
    "hour off": _hour_off,
    "volumes swapped": _swapped,
    "bad row": _bad_row,
    "more columns": _more_columns,
}
