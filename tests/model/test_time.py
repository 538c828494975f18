"""Windows and instants: aware, UTC, half-open."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chandlery.errors import Misuse
from chandlery.model import HOUR, Listing, Window, instant, whole_hour

T0 = datetime(2024, 1, 1, tzinfo=UTC)
hours = st.integers(0, 300)
windows = st.tuples(hours, hours).map(
    lambda ends: Window(T0 + min(ends) * HOUR, T0 + max(ends) * HOUR)
)


def covered(window: Window) -> set[datetime]:
    return {window.start + n * HOUR for n in range(window.hours)}


@pytest.mark.parametrize(
    "start",
    [
        datetime(2024, 1, 1),  # noqa: DTZ001  what is refused
        datetime(2024, 1, 1, tzinfo=timezone(HOUR)),
        datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/London")),
    ],
)
def test_a_window_that_is_not_in_utc_is_refused(start: datetime) -> None:
    with pytest.raises(ValueError, match="is not in UTC"):
        Window(start, datetime(2025, 1, 1, tzinfo=UTC))


def test_utc_by_another_name_becomes_utc() -> None:
    window = Window(datetime(2024, 1, 1, tzinfo=ZoneInfo("Etc/UTC")), T0 + HOUR)
    assert window == Window(T0, T0 + HOUR)
    assert window.start.tzinfo is UTC


def test_a_window_cannot_end_before_it_starts_but_may_be_empty() -> None:
    assert Window(T0, T0).hours == 0
    with pytest.raises(ValueError, match="ends before it starts"):
        Window(T0, T0 - HOUR)


@given(windows, st.integers(1, 40))
def test_tiles_cover_a_window_without_overlap_or_hole(window: Window, size: int) -> None:
    tiles = list(window.tiles(size))
    assert sum(tile.hours for tile in tiles) == window.hours
    assert all(0 < tile.hours <= size for tile in tiles)
    ends = [window.start, *(tile.end for tile in tiles)]
    assert [tile.start for tile in tiles] == ends[:-1]
    assert ends[-1] == window.end


@given(windows, windows)
def test_clip_keeps_the_hours_in_both_windows(one: Window, other: Window) -> None:
    clipped = one.clip(other)
    assert (covered(clipped) if clipped else set()) == covered(one) & covered(other)
    assert clipped == other.clip(one)


@given(windows, st.lists(windows, max_size=5))
def test_what_is_left_of_a_window_is_in_no_other_in_order_and_in_one_piece_where_it_can(
    window: Window, others: list[Window]
) -> None:
    left = window.without(others)
    assert [hour for part in left for hour in sorted(covered(part))] == sorted(
        covered(window) - set().union(*map(covered, others))
    )
    assert all(one.end < next_.start for one, next_ in pairwise(left))
    assert all(part.hours for part in left)


@given(windows, st.none() | hours, st.none() | hours)
def test_a_listing_clips_a_window_to_its_life(
    window: Window, first: int | None, last: int | None
) -> None:
    start, end = (None if n is None else T0 + n * HOUR for n in (first, last))
    clipped = Listing(1, "somewhere", "X", start=start, end=end).clip(window)
    alive = {
        hour
        for hour in covered(window)
        if (start is None or hour >= start) and (end is None or hour < end)
    }
    assert (covered(clipped) if clipped else set()) == alive


def test_a_whole_hour_is_the_end_of_the_newest_closed_candle() -> None:
    assert whole_hour(T0 + timedelta(minutes=59, seconds=59, microseconds=1)) == T0
    assert whole_hour(T0) == T0


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("20240131", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T05:00Z", datetime(2024, 1, 31, 5, tzinfo=UTC)),
        ("2024-01-31 05:00:00+00:00", datetime(2024, 1, 31, 5, tzinfo=UTC)),
        ("2024-01-31 05:00Z", datetime(2024, 1, 31, 5, tzinfo=UTC)),
        ("2024-01-31T05:00+05:30", datetime(2024, 1, 30, 23, 30, tzinfo=UTC)),
        ("2024-01-31T05:00:00.123456Z", datetime(2024, 1, 31, 5, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_as_utc(text: str, at: datetime) -> None:
    assert instant(text) == at
    assert instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["2024-01-31T05:00", "2024-01-31 05", "20240131T05", "2024W05T05", "2024-01-31T00:00:00"],
)
def test_a_clock_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match=f"^start '{text}' has no time zone: write {text}Z for UTC$"):
        instant(text, name="start")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "now",
        "yesterday",
        "1700000000",
        "2024-13-01",
        "2024-02-30",
        "31.01.2024",
        "\0",
        "٢٠٢٤",
    ],
)
def test_garbage_is_no_time(text: str) -> None:
    with pytest.raises(
        Misuse, match="is not a time: write 2024-01-31 or '2024-01-31 05:00Z'"
    ) as told:
        instant(text)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+05:00", "9999-12-31T23:59-05:00"])
def test_an_instant_beyond_the_calendar_is_out_of_range(text: str) -> None:
    with pytest.raises(Misuse, match="is out of range"):
        instant(text)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_misuse(text: str) -> None:
    try:
        at = instant(text)
    except Misuse:
        return
    assert at.tzinfo is UTC
