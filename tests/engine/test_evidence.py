"""What answers prove of the hours they lack."""

from collections.abc import Iterable
from datetime import UTC, datetime

import polars as pl
import pytest

from chandlery.engine.evidence import Answer, Sighting, answer, first_after_emptiness, sightings
from chandlery.model import HOUR, SCHEMA, Window
from chandlery.model.frame import AMOUNTS

T0 = datetime(2024, 1, 1, tzinfo=UTC)


def window(start: int, end: int) -> Window:
    return Window(T0 + start * HOUR, T0 + end * HOUR)


def came(
    page: tuple[int, int], hours: Iterable[int], asked: tuple[int, int] | None = None
) -> Answer:
    times = [T0 + hour * HOUR for hour in hours]
    prices = dict.fromkeys(("open", "high", "low", "close"), 1.0)
    amounts = dict.fromkeys(AMOUNTS)
    frame = pl.DataFrame({"open_time": times} | prices | amounts, schema=SCHEMA)
    return answer(window(*page), window(*(asked or page)), frame)


def test_a_whole_answer_lacks_nothing() -> None:
    assert sightings([came((0, 10), range(10))], (), None) == []


def test_a_hole_inside_an_answer_is_the_venues_word() -> None:
    found = sightings([came((0, 10), [0, 1, 5, 6, 8, 9])], (), None)
    assert found == [Sighting(window(2, 5), "hole"), Sighting(window(7, 8), "hole")]


def test_a_hole_between_pages_is_known_as_such() -> None:
    found = sightings([came((0, 10), range(7)), came((10, 20), range(12, 20))], (), None)
    assert found == [Sighting(window(7, 12), "between")]


def test_at_the_edge_of_all_that_was_asked_nothing_tells_that_the_answer_was_whole() -> None:
    found = sightings([came((0, 10), range(2, 8))], (), None)
    assert found == [Sighting(window(0, 2), "edge"), Sighting(window(8, 10), "edge")]


def test_a_page_that_lacks_whole_between_whole_ones_was_lost() -> None:
    pages = [came((0, 10), range(10)), came((10, 20), []), came((20, 30), range(20, 30))]
    assert sightings(pages, (), None) == [Sighting(window(10, 20), "lost")]


def test_pages_in_any_order_tell_the_same() -> None:
    pages = [came((20, 30), range(20, 30)), came((0, 10), range(10)), came((10, 20), [])]
    assert sightings(pages, (), None) == [Sighting(window(10, 20), "lost")]


def test_a_first_page_that_lacks_whole_was_lost_if_candles_are_known_to_begin_before() -> None:
    pages = [came((0, 10), []), came((10, 20), range(10, 20))]
    assert sightings(pages, (), T0) == [Sighting(window(0, 10), "lost")]
    assert sightings(pages, (), None) == [Sighting(window(0, 10), "edge")]


def test_a_last_page_that_lacks_whole_was_lost() -> None:
    pages = [came((0, 10), range(10)), came((10, 20), [])]
    assert sightings(pages, (), None) == [Sighting(window(10, 20), "lost")]


@pytest.mark.parametrize(
    ("before", "after"), [(range(9), range(21, 30)), (range(8), range(25, 30))]
)
def test_a_halt_that_outlasts_a_page_is_no_lost_page(
    before: Iterable[int], after: Iterable[int]
) -> None:
    pages = [came((0, 10), before), came((10, 20), []), came((20, 30), after)]
    (found,) = sightings(pages, (), None)
    assert found.outcome == "between"


def test_an_empty_answer_that_should_have_what_is_held_was_lost() -> None:
    framed = [came((5, 7), [], asked=(4, 8))]
    assert sightings(framed, {T0 + 4 * HOUR}, None) == [Sighting(window(5, 7), "lost")]
    assert sightings(framed, {T0 + 7 * HOUR}, None) == [Sighting(window(5, 7), "lost")]
    assert sightings(framed, {T0 + 9 * HOUR}, None) == [Sighting(window(5, 7), "edge")]


def test_a_gap_asked_for_with_its_neighbours_is_affirmed() -> None:
    assert sightings([came((5, 7), [4, 7], asked=(4, 8))], (), None) == [
        Sighting(window(5, 7), "hole")
    ]


def test_candles_begin_where_long_emptiness_ends_and_nowhere_else() -> None:
    empty, then = came((0, 800), []), came((800, 900), range(820, 900))
    assert first_after_emptiness([then, empty], T0) == T0 + 820 * HOUR
    assert first_after_emptiness([empty], T0) is None  # nothing is no beginning
    assert first_after_emptiness([then], T0) is None  # what lies before was not asked for
    assert first_after_emptiness([came((0, 100), range(100))], T0) is None
    assert first_after_emptiness([came((0, 800), range(700, 800))], T0) is None  # may be a halt
