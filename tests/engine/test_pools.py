"""Coins that trade in pools alone: found, asked after who trades, and moved with a date."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
import orjson
import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR, Listing, instant
from chandlery.settings import Settings
from chandlery.venues import load
from sandbox import Serving, serving
from sandbox.front import fronting, whole
from sandbox.known import address, pool
from tests.engine import replay

Open = Callable[..., AbstractContextManager[RunContext]]
TWIN = "ethereum-made-up-twin"
SHALLOW = f"eth/{address('shallow pool', TWIN)}/base"
VENUES = ("binance_futures", "binance_spot", "okx", "bybit")
SOURCES = (*VENUES, "geckoterminal", "coingecko")


class Place(replay.Place):
    """A database, and made-up coins, of which three have pools."""

    NOW: ClassVar = instant("2026-11-22T10:30Z")

    def listings(self, source: str) -> dict[str, list[Listing]]:
        """What is listed at a source, by coin."""
        with store.connect(self.settings) as connection:
            coins = {coin.key: coin.id for coin in store.find(connection)}
            known = store.listings(connection, store.find(connection))
        found: dict[str, list[Listing]] = {}
        for each in known:
            if each.source == source:
                found.setdefault(coins[each.coin], []).append(each)
        return found


@pytest.fixture(scope="module")
def venues() -> Iterator[Serving]:
    with serving(coins=104, seed=7, now=Place.NOW, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def place(settings: Settings, venues: Serving, open_tools: Open) -> Iterator[Place]:
    with fronting(venues) as front:
        made = Place(settings, venues, front, open_tools, SOURCES)
        made.front.everything = True
        assert made.learn(made.NOW).failures == {}
        yield made


def deep(times: float, *, alone: bool = False) -> Callable[[str, httpx.Response], Iterable[bytes]]:
    """Have the shallow pools be so many times as deep as the others; or the others gone."""

    def spoil(_: str, answer: httpx.Response) -> Iterable[bytes]:
        if "/tokens/multi/" not in str(answer.url):
            return [whole(answer)]
        body: dict[str, Any] = answer.json()
        for each in body["included"]:
            if each["attributes"]["reserve_in_usd"] != "250000.0":
                each["attributes"]["reserve_in_usd"] = str(times * 250_000)
        if alone:
            body["included"] = [
                it for it in body["included"] if it["attributes"]["reserve_in_usd"] != "250000.0"
            ]
        return [whole(answer, orjson.dumps(body))]

    return spoil


def test_who_trades_at_a_venue_needs_no_pool_and_the_others_get_the_deepest(place: Place) -> None:
    pooled = place.listings("geckoterminal")
    traded = {id_ for source in VENUES for id_ in place.listings(source)}
    assert TWIN in pooled
    assert len(pooled) == 3
    assert not pooled.keys() & traded
    assert {id_: [each.symbol for each in its] for id_, its in pooled.items()} == {
        id_: [pool(id_)] for id_ in pooled
    }


def test_its_hours_are_a_pools(place: Place) -> None:
    result = place.backfill(*SOURCES, start="2026-11-20", symbols=[TWIN, "bitcoin"])
    assert result.failed == {}
    assert result.rows["geckoterminal"] == len(place.held(TWIN)) == 58
    assert result.rows["coingecko"] == 0


def test_an_indicative_hour_gives_way_to_a_pools(place: Place) -> None:
    place.backfill("coingecko", start="2026-11-20", symbols=[TWIN])
    result = place.backfill(*SOURCES, start="2026-11-20", symbols=[TWIN])
    assert result.rows == {"geckoterminal": 58}


@pytest.mark.parametrize(("times", "moves"), [(1.9, False), (2.1, True)])
def test_a_pool_is_left_for_one_that_is_twice_as_deep_and_from_that_hour_on(
    place: Place,
    times: float,
    moves: bool,  # noqa: FBT001
) -> None:
    place.front.spoil = deep(times)
    later = place.NOW + timedelta(hours=15)
    assert place.learn(later).failures == {}
    hour = later.replace(minute=0)
    spans = {each.symbol: (each.start, each.end) for each in place.listings("geckoterminal")[TWIN]}
    began = instant("2021-05-05T21:00Z")
    left = {pool(TWIN): (began, hour), SHALLOW: (hour, None)}
    assert spans == (left if moves else {pool(TWIN): (began, None)})
    if moves:
        assert place.learn(later + 24 * HOUR).failures == {}
        again = place.listings("geckoterminal")[TWIN]
        assert {each.symbol: (each.start, each.end) for each in again} == left


def test_a_pool_that_is_no_longer_told_of_is_left_for_the_next(place: Place) -> None:
    place.front.spoil = deep(0.1, alone=True)
    place.learn(place.NOW + timedelta(hours=15))
    open_now = [each for each in place.listings("geckoterminal")[TWIN] if each.end is None]
    assert [each.symbol for each in open_now] == [SHALLOW]


def test_a_list_that_does_not_come_ends_nothing(place: Place) -> None:
    before = place.listings("geckoterminal")
    place.venues.fault("500", source="geckoterminal")
    failures = place.learn(place.NOW + timedelta(hours=15)).failures
    place.venues.clear()
    assert list(failures) == ["geckoterminal"]
    assert place.listings("geckoterminal") == before


def test_an_hourly_run_asks_for_the_best_only_and_gap_filling_for_all(place: Place) -> None:
    pooled = place.listings("geckoterminal")

    def asked(hours: int) -> set[str]:
        collect(place, place.NOW, hours, SOURCES)
        return {id_ for id_ in pooled if has_pools(place, id_)}

    assert asked(24) == {TWIN}
    assert asked(25) == pooled.keys()


def test_a_gap_names_gap_filling_where_hourly_runs_pass_a_pool_over(place: Place) -> None:
    with store.connect(place.settings) as connection:
        connection.execute(
            "delete from listing using source where key = source and source.name = 'coingecko'"
        )
    pools = ("geckoterminal",)
    collect(place, place.NOW - 5 * HOUR, 25, pools)
    collect(place, place.NOW, 24, pools)
    with store.connect(place.settings) as connection:
        found = store.gaps(connection, None, None, place.NOW)
    told = {gap.coin_id: (gap.window.hours, gap.asked_by) for gap in found}
    others = place.listings("geckoterminal").keys() - {TWIN}
    assert {id_: told[id_] for id_ in others} == dict.fromkeys(others, (5, "fill-gaps"))
    assert TWIN not in told


def collect(place: Place, now: datetime, hours: int, sources: Sequence[str]) -> None:
    """Run for the newest hours, where hourly runs ask for one pool only."""
    with place.open_tools(place.settings) as context:
        slow = replace(context.sources["geckoterminal"], hourly=1)
        context.sources = {**context.sources, "geckoterminal": slow}
        place.venues.at(now)
        spec = run_spec(known_sources=load(), now=now, sources=sources, hours=hours)
        assert run(context, spec).failed == {}


def has_pools(place: Place, id_: str) -> bool:
    with store.connect(place.settings) as connection:
        frame = store.read(connection, store.find(connection, [id_]))
    return "geckoterminal" in frame["source"].to_list()
