"""A row that breaks a rule costs its hour: told in words, filled by others, and asked for again."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.engine.run import fill_gaps
from chandlery.model import HOUR, Window
from chandlery.settings import Settings
from sandbox import serving
from sandbox.front import fronting, whole
from tests.engine.replay import Place, between, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
NOON = Place.NOW.replace(minute=0)
BEGAN = NOON - timedelta(days=3)
BAD = BEGAN + 30 * HOUR


@pytest.fixture
def place(settings: Settings, tmp_path: Path, open_tools: Open) -> Iterator[Place]:
    folder = tmp_path / "market"
    lay(folder, "binance_spot", "AUSDT", hours(BEGAN, NOON, 2.0))
    lay(folder, "okx", "A-USDT", hours(BEGAN, NOON, 2.0))
    places = (listed("binance_spot", "AUSDT"), listed("okx", "A-USDT"))
    (folder / "coins.json").write_text(json.dumps([coin("a", "a", 1, *places)]))
    with serving(market=folder, now=Place.NOW, limits=False) as venues, fronting(venues) as front:
        made = Place(settings, venues, front, open_tools, ("binance_spot", "okx", "coingecko"))
        assert made.learn().failures == {}
        made.front.spoil = high_below_low
        yield made


def high_below_low(source: str, answer: httpx.Response) -> Iterable[bytes]:
    """One row of Binance's, always the same."""
    if source != "binance_spot":
        return [whole(answer)]
    rows = answer.json()
    for row in rows:
        if row[0] == int(BAD.timestamp() * 1000):
            row[2] = "0.5"
    return [whole(answer, json.dumps(rows).encode())]


@pytest.mark.fault(
    "venue",
    "one row of a page breaks a rule, for ever",
    "the others stored, its hour malformed at the venue, in words; the next source fills it",
)
def test_a_bad_row_is_a_hole_with_words(place: Place, happened: Callable[[str], None]) -> None:
    assert place.backfill("binance_spot").failed == {}
    assert place.held("a") == [at for at in between(BEGAN, NOON) if at != BAD]
    with store.connect(place.settings) as connection:
        (gap,) = store.gaps(connection, None, None, Place.NOW)
    assert (gap.window, gap.reason) == (Window(BAD, BAD + HOUR), "malformed at the venue")
    (evidence,) = gap.evidence
    assert evidence["outcome"] == "malformed"
    assert "high is highest (1 rows)" in evidence["words"]
    assert gap.next_attempt == Place.NOW + HOUR
    place.backfill("binance_spot", "okx")
    assert place.held("a") == between(BEGAN, NOON)
    happened(f"71 of 72 stored; {gap.reason}: “{evidence['words']}”; okx had the one")


def test_a_row_that_is_mended_is_had_when_it_is_due(place: Place) -> None:
    place.backfill("binance_spot")
    place.front.spoil = None
    assert place.backfill("binance_spot", now=Place.NOW + HOUR / 2).records == 0  # not due yet
    place.backfill("binance_spot", now=Place.NOW + 2 * HOUR)
    assert BAD in place.held("a")


def test_what_was_to_be_seen_again_and_was_not_given_is_asked_for_again(place: Place) -> None:
    """The hour is held; the night it is to be seen again, its row is broken."""
    place.front.spoil = None
    place.backfill("binance_spot")
    place.front.spoil = high_below_low
    again = {"start": None, "hours": 72, "recheck_hours": 72, "do": fill_gaps}
    place.backfill("binance_spot", **again)
    later = {"now": Place.NOW + timedelta(days=2), "recheck_hours": 1, "hours": 24 * 30}
    place.front.spoil = None
    place.front.asked.clear()
    place.backfill("binance_spot", **(again | later))
    pages = [httpx.URL(path).params for path in place.front.asked if "startTime" in path]
    ends = [(int(each["startTime"]), int(each["endTime"])) for each in pages]
    at = int(BAD.timestamp() * 1000)
    assert (at - 3_600_000, at + 7_200_000 - 1) in ends  # with an hour on both sides
