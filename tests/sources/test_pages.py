"""Pages of every source: they tile what can be asked for, without overlap and without a hole."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chandlery.model import HOUR, Window, whole_hour
from chandlery.venues import Source, load, page_before, pages

# Gate's files begin where its API ends: test_gate_archive has both.
SOURCES = {name: source for name, source in load().items() if name != "gate_archive"}
T0 = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
hours = st.integers(0, 3 * 366 * 24)


def reached(source: Source, window: Window, now: datetime) -> Window | None:
    """What can be asked for: as far back as there is any, and files up to the day before last."""
    start, end = window.start, window.end
    if source.reach is not None:
        start = max(start, whole_hour(now - source.reach) + HOUR)
    if source.in_files:
        end = min(end, (now - DAY).replace(hour=0, minute=0))
    return Window(start, end) if start < end else None


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@given(hours, hours, st.integers(0, 200), st.integers(0, 59))
def test_pages_tile_what_can_be_asked_for(
    source: Source, one: int, other: int, later: int, minutes: int
) -> None:
    window = Window(T0 + min(one, other) * HOUR, T0 + max(one, other) * HOUR)
    now = window.end + timedelta(hours=later, minutes=minutes)
    found, whole = list(pages(source, window, now)), reached(source, window, now)
    assert bool(found) == (whole is not None)
    assert all(0 < page.hours <= source.page_hours for page in found)
    assert all(one.end == next_.start for one, next_ in pairwise(found))
    assert whole is None or (found[0].start, found[-1].end) == (whole.start, whole.end)
    if source.in_files:
        assert all(page.start.month == (page.end - HOUR).month for page in found)  # a file each


@pytest.mark.parametrize(
    "source", [it for it in SOURCES.values() if not it.in_files], ids=lambda it: it.name
)
@given(hours, st.integers(0, 59))
def test_the_page_before_an_hour_is_what_the_source_serves_of_that_age(
    source: Source, age: int, minutes: int
) -> None:
    end = T0 + 3 * 366 * DAY - age * HOUR
    now = T0 + 3 * 366 * DAY + timedelta(minutes=minutes)
    page = page_before(source, end, now)
    longest = Window(end - source.page_hours * HOUR, end)
    whole = reached(source, longest, now)
    assert (page is None) == (whole is None)
    if page is not None and whole is not None:
        assert page.end == end
        assert page.hours == next(iter(pages(source, whole, now))).hours
        assert whole.start <= page.start
