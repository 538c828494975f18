"""What is known of absences, and when hours are asked for again."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given

from chandlery.engine.empty_answers import merged
from chandlery.engine.evidence import Sighting
from chandlery.model import HOUR, Window
from chandlery.store import Absence

T0 = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2024, 3, 1, 10, 5, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def window(start: int, end: int) -> Window:
    return Window(T0 + start * HOUR, T0 + end * HOUR)


def see(
    known: list[Absence],
    now: datetime,
    *holes: tuple[int, int],
    asked: Window,
    outcome: str = "hole",
) -> list[Absence]:
    seen = [Sighting(window(*hole), outcome) for hole in holes]
    return merged(1, known, [asked], seen, now)


def told(absence: Absence) -> tuple[object, ...]:
    return absence.outcome, absence.words, absence.first_at, absence.retry_at


def retries(known: list[Absence]) -> list[tuple[Window, datetime | None]]:
    return [(each.window, each.retry_at) for each in known]


def test_emptiness_is_asked_about_again_after_an_hour_and_then_once_a_week() -> None:
    asked = window(0, 10)
    first = see([], NOW, (2, 4), asked=asked)
    assert retries(first) == [(window(2, 4), NOW + HOUR)]
    soon = see(first, NOW + 29 * MINUTE, (2, 4), asked=asked)
    assert retries(soon) == [(window(2, 4), NOW + HOUR)]
    again = see(first, NOW + 30 * MINUTE, (2, 4), asked=asked)
    assert retries(again) == [(window(2, 4), NOW + 30 * MINUTE + timedelta(days=7))]
    assert (again[0].first_at, again[0].attempts) == (NOW, 2)


def test_rows_that_arrive_trim_or_close_what_was_known() -> None:
    known = see([], NOW, (2, 8), asked=window(0, 10))
    trimmed = see(known, NOW + HOUR, (2, 4), (6, 8), asked=window(0, 10))
    assert [(each.window, each.attempts) for each in trimmed] == [
        (window(2, 4), 2),
        (window(6, 8), 2),
    ]
    assert see(trimmed, NOW + 2 * HOUR, asked=window(0, 10)) == []


def test_what_was_not_asked_for_stays_as_it_was() -> None:
    known = see([], NOW, (0, 10), asked=window(0, 10))
    later = see(known, NOW + HOUR, (4, 6), asked=window(4, 6))
    assert [(each.window, each.attempts) for each in later] == [
        (window(0, 4), 1),
        (window(4, 6), 2),
        (window(6, 10), 1),
    ]


def test_new_hours_of_a_growing_hole_are_not_taken_for_seen_twice() -> None:
    known = see([], NOW, (0, 2), asked=window(0, 2))
    grown = see(known, NOW + HOUR, (0, 3), asked=window(0, 3))
    assert [(each.window, each.attempts) for each in grown] == [
        (window(0, 2), 2),
        (window(2, 3), 1),
    ]
    assert grown[1].retry_at == NOW + 2 * HOUR


def test_what_failed_is_for_the_next_run_and_no_sighting_of_emptiness() -> None:
    failed = see([], NOW, (0, 2), asked=window(0, 2), outcome="failed")
    assert failed[0].retry_at is None
    empty = see(failed, NOW + HOUR, (0, 2), asked=window(0, 2))
    assert empty[0].retry_at == NOW + 2 * HOUR
    assert (empty[0].first_at, empty[0].attempts) == (NOW + HOUR, 2)


def test_what_others_had_stays_with_hours_that_are_found_empty_again_and_no_others() -> None:
    (hole,) = see([], NOW, (2, 8), asked=window(0, 10))
    compared = [
        hole._replace(window=window(2, 5), others="have", other=7),
        hole._replace(window=window(5, 8), others="lack"),
    ]
    again = see(compared, NOW + HOUR, (2, 9), asked=window(0, 10))
    assert [(each.window, each.others, each.other) for each in again] == [
        (window(2, 5), "have", 7),
        (window(5, 8), "lack", None),
        (window(8, 9), None, None),
    ]
    failed = see(again, NOW + 2 * HOUR, (2, 9), asked=window(0, 10), outcome="failed")
    assert [(each.window, each.others, each.other) for each in failed] == [
        (window(2, 9), None, None)
    ]


def look(known: list[Absence], now: datetime, outcome: str, *, sparse: bool) -> Absence:
    seen = [Sighting(window(2, 4), outcome)]
    (found,) = merged(1, known, [window(0, 10)], seen, now, sparse=sparse)
    return found


def test_a_hole_of_a_sparse_source_is_settled_by_a_second_look_half_a_day_later() -> None:
    first = look([], NOW, "hole", sparse=True)
    assert (first.retry_at, first.settled) == (NOW + timedelta(days=1), False)
    known = [first._replace(others="have")]
    soon = look(known, NOW + 12 * HOUR - MINUTE, "hole", sparse=True)
    assert (soon.retry_at, soon.settled) == (NOW + timedelta(days=1), False)
    again = look(known, NOW + 12 * HOUR, "hole", sparse=True)
    assert (again.retry_at, again.settled, again.attempts) == (None, True, 2)
    kept = look([again], NOW + timedelta(days=30), "hole", sparse=True)
    assert (kept.retry_at, kept.settled) == (None, True)
    lost = look([again], NOW + timedelta(days=30), "edge", sparse=True)
    assert (lost.retry_at, lost.settled) == (NOW + timedelta(days=37), False)


@pytest.mark.parametrize(
    ("before", "others", "outcome", "sparse"),
    [
        ("hole", "have", "hole", False),
        ("hole", "have", "between", True),
        ("hole", "have", "edge", True),
        ("hole", "lack", "hole", True),
        ("hole", "alone", "hole", True),
        ("hole", None, "hole", True),
        ("refused", "have", "hole", True),
        ("malformed", "have", "hole", True),
    ],
)
def test_anything_less_settles_nothing_and_is_asked_for_again_in_a_week(
    before: str, others: str | None, outcome: str, *, sparse: bool
) -> None:
    first = look([], NOW, before, sparse=sparse)._replace(others=others)
    later = NOW + timedelta(days=1)
    again = look([first], later, outcome, sparse=sparse)
    assert (again.retry_at, again.settled) == (later + timedelta(days=7), False)


holes = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 6)).map(lambda x: (x[0], min(x[0] + x[1], 36))),
    max_size=4,
)
sights = st.lists(
    st.tuples(
        st.integers(0, 36), st.integers(1, 36), holes, st.sampled_from(["hole", "edge", "failed"])
    ),
    max_size=5,
)


@given(sights)
def test_what_is_known_is_disjoint_in_order_and_what_was_last_seen(
    sightings: list[tuple[int, int, list[tuple[int, int]], str]],
) -> None:
    known: list[Absence] = []
    expected: dict[int, str] = {}
    for step, (start, hours, seen, outcome) in enumerate(sightings):
        asked = window(start, start + hours)
        inside = [part for hole in seen if (part := window(*hole).clip(asked))]
        known = merged(
            1, known, [asked], [Sighting(part, outcome) for part in inside], NOW + step * HOUR
        )
        for hour in range(start, start + hours):
            expected.pop(hour, None)
        for part in inside:
            first = (part.start - T0) // HOUR
            expected.update(dict.fromkeys(range(first, first + part.hours), outcome))
    for one, next_ in pairwise(known):
        assert one.window.end <= next_.window.start
        touching = one.window.end == next_.window.start
        assert not (touching and told(one) == told(next_))  # else they would be one
    got = {
        (each.window.start - T0) // HOUR + hour: each.outcome
        for each in known
        for hour in range(each.window.hours)
    }
    assert got == expected
    assert all((each.retry_at is None) == (each.outcome == "failed") for each in known)
