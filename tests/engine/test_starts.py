"""When a listing begins: what the venue tells, what its candles show, and what once was wrong."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.model import HOUR, instant
from chandlery.settings import Settings
from sandbox import Serving, serving
from sandbox.front import fronting, whole
from tests.engine.replay import Place, between, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
NOW = Place.NOW
DAY = timedelta(days=1)
SOURCES = ("binance_futures", "binance_spot", "bybit", "coingecko")
OLD = instant("2025-06-01T00:00Z")
GONE = OLD + 20 * DAY
NEW = GONE + 60 * DAY  # and 6 hours: the first trade comes a little after the told day
TRADED = NEW + 6 * HOUR


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """LITUSDT was one coin, and is another; XUSDT is one all the while, as is YUSDT."""
    folder = tmp_path / "market"
    lay(folder, "binance_futures", "LITUSDT", hours(OLD, GONE, 0.9), hours(TRADED, NOW + DAY, 2.6))
    lay(folder, "binance_spot", "XUSDT", hours(OLD, NOW + DAY, 3.0))
    lay(folder, "bybit", "YUSDT", hours(OLD, NOW + DAY, 5.0))
    coins = [
        coin("litentry", "lit", 1, listed("binance_futures", "LITUSDT", OLD, GONE)),
        coin("lighter", "lit", 2, listed("binance_futures", "LITUSDT", NEW)),
        coin("x", "x", 3, listed("binance_spot", "XUSDT", OLD)),
        coin("y", "y", 4, listed("bybit", "YUSDT", OLD + 5 * DAY)),  # as it says, and is not so
    ]
    (folder / "coins.json").write_text(json.dumps(coins))
    return folder


@pytest.fixture
def venues(market: Path) -> Iterator[Serving]:
    with serving(market=market, now=NOW, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def place(settings: Settings, venues: Serving, open_tools: Open) -> Iterator[Place]:
    with fronting(venues) as front:
        made = Place(settings, venues, front, open_tools, SOURCES)
        assert made.learn().failures == {}
        yield made


@pytest.mark.fault(
    "venue",
    "a futures symbol that was another coin until months before",
    "the hours before the told start are nobody's, by REST and by files",
)
@pytest.mark.parametrize("archive", [False, True])
def test_a_reused_symbols_old_hours_are_not_the_new_coins(
    place: Place, *, archive: bool, happened: Callable[[str], None]
) -> None:
    assert place.listing("lighter").told_start == NEW
    place.backfill("binance_futures", symbols=["lighter"], archive=archive)
    assert place.held("lighter") == between(TRADED, NOW.replace(minute=0))
    assert place.listing("lighter").start == TRADED
    happened(f"{len(place.held('lighter'))} hours from {TRADED:%Y-%m-%d %H:%M} on; 480 not taken")


def test_where_the_api_is_closed_the_files_are_held_to_the_told_start(place: Place) -> None:
    place.venues.fault("451", source="binance_futures")
    place.backfill("binance_futures", symbols=["lighter"])
    held = place.held("lighter")
    assert held[0] == TRADED
    assert len(held) > 24  # to the newest file
    assert place.listing("lighter").start is None  # a guess, and not kept


@pytest.mark.fault(
    "venue",
    "candles begin days before the told start, without a hole",
    "candles win",
)
def test_candles_win_over_a_told_start_where_there_is_no_hole(
    place: Place, happened: Callable[[str], None]
) -> None:
    assert place.listing("y").start == OLD + 5 * DAY
    place.backfill("bybit", symbols=["Y"])
    assert place.listing("y").start == OLD
    assert place.held("y") == between(OLD, NOW.replace(minute=0))
    happened(f"told {OLD + 5 * DAY:%Y-%m-%d}, candles from {OLD:%Y-%m-%d}: all stored")


def wrong_once(answers: list[bytes]) -> Callable[[str, httpx.Response], Iterable[bytes]]:
    """Answer the probe for the first candle so, as often as there are answers."""

    def spoil(_: str, answer: httpx.Response) -> Iterable[bytes]:
        is_probe = answer.url.params.get("limit") == "1" and answer.url.params["startTime"] == "0"
        return [whole(answer, answers.pop() if is_probe and answers else None)]

    return spoil


YESTERDAY = int((NOW.replace(minute=0) - DAY).timestamp()) * 1000
CANDLE = f'[[{YESTERDAY},"3","3.03","2.97","3","10",{YESTERDAY + 3_599_999},"30",5,"0","0","0"]]'
WRONG = {"yesterday's candle": CANDLE.encode(), "nothing": b"[]"}


@pytest.mark.fault(
    "venue",
    "the probe for the first candle answers wrongly once",
    "all hours are stored, the start is the first candle's",
)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_for_the_first_candle_is_not_believed(
    place: Place, wrong: str, happened: Callable[[str], None]
) -> None:
    place.front.spoil = wrong_once([WRONG[wrong]])
    result = place.backfill("binance_spot", symbols=["X"])
    assert result.failed == {}
    assert place.listing("x").start == OLD
    assert place.held("x") == between(OLD, NOW.replace(minute=0))
    happened(f"{wrong}: {len(place.held('x')):,} hours from {OLD:%Y-%m-%d} on")


@pytest.mark.parametrize("wrong", WRONG)
def test_an_answer_that_stays_wrong_is_a_failure_and_not_learnt(place: Place, wrong: str) -> None:
    place.front.spoil = wrong_once([WRONG[wrong]] * 20)
    result = place.backfill("binance_spot", symbols=["X"])
    if wrong == "nothing":
        assert "tells no first candle, and has candles (XUSDT)" in result.failed["X"]
        assert place.listing("x").start is None
    place.front.spoil = None
    assert place.backfill("binance_spot", symbols=["X"]).failed == {}
    assert place.listing("x").start == OLD
    assert place.held("x") == between(OLD, NOW.replace(minute=0))


def test_a_start_that_was_learnt_wrongly_is_learnt_anew(place: Place) -> None:
    late = NOW.replace(minute=0) - DAY
    with store.connect(place.settings) as connection:
        store.note_start(connection, place.listing("x"), late, NOW)
    place.backfill("binance_spot", symbols=["X"])
    assert len(place.held("x")) == 24  # it was looked at today, they say
    with store.connect(place.settings) as connection:
        assert store.doubt_starts(connection) > 0
    place.backfill("binance_spot", symbols=["X"])
    assert place.held("x") == between(OLD, NOW.replace(minute=0))
    assert place.reasons("x") == {}


def test_a_start_that_was_learnt_wrongly_is_looked_at_again_after_a_month(place: Place) -> None:
    late = NOW.replace(minute=0) - DAY
    with store.connect(place.settings) as connection:
        store.note_start(connection, place.listing("x"), late, NOW - 31 * DAY)
    place.backfill("binance_spot", symbols=["X"])
    assert place.held("x") == between(OLD, NOW.replace(minute=0))


def test_a_symbol_without_a_candle_yet_is_no_failure(
    settings: Settings, tmp_path: Path, open_tools: Open
) -> None:
    folder = tmp_path / "young"
    lay(folder, "binance_spot", "ZUSDT", hours(NOW.replace(minute=0), NOW + DAY, 1.0))
    (folder / "coins.json").write_text(
        json.dumps([coin("z", "z", 1, listed("binance_spot", "ZUSDT"))])
    )
    with serving(market=folder, now=NOW, limits=False) as venues, fronting(venues) as front:
        made = Place(settings, venues, front, open_tools, ("binance_spot", "coingecko"))
        made.learn()
        result = made.backfill("binance_spot", symbols=["Z"])
    assert (result.failed, result.records) == ({}, 0)
    assert made.listing("z").start is None
