"""Coins that were over before anybody asked for them: found, told, and taken in when asked for."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.model import HOUR, instant
from chandlery.settings import Settings
from chandlery.symbology.left_out import left_out
from sandbox import Serving, serving
from sandbox.front import fronting, whole
from tests.conftest import SHARED
from tests.engine.replay import Place, between, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
SPOT = "binance_spot"
BEGAN, STOPPED = instant("2025-10-05T07:00Z"), instant("2025-11-20T13:00Z")
LATELY = Place.NOW.replace(minute=0) - timedelta(days=5)
HOLE = instant("2025-10-29T02:00Z"), instant("2025-10-29T05:00Z")
LATER = Place.NOW + timedelta(days=5)


def over(symbol: str, until: datetime = STOPPED, **more: bool) -> dict[str, Any]:
    return listed(SPOT, symbol, BEGAN, until) | more


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is over, in every way that there is, beside two coins that trade."""
    folder = tmp_path_factory.mktemp("delisted") / "market"
    lives = {
        "BTCUSDT": (BEGAN, LATER),
        "BTCBUSD": (BEGAN, STOPPED),  # an asset that still trades is not over
        "BCHUSDT": (STOPPED, LATER),
        "BCCUSDT": (BEGAN, STOPPED),  # gone from the list: another name of BCH
        "SRMUSDT": (BEGAN, STOPPED),
        "GONEUSDT": (BEGAN, STOPPED),
        "GONEBUSD": (BEGAN, STOPPED),
        "OLDUSDT": (BEGAN, STOPPED),  # gone from the list, and nobody tells what it was
        "BTCUPUSDT": (BEGAN, STOPPED),
        "HALTUSDT": (BEGAN, LATELY),  # it may come back
    }
    for price, (symbol, life) in enumerate(lives.items(), start=1):
        lived = hours(*life, float(price))
        if symbol == "OLDUSDT":  # its files lack some hours, and the API knows it no more
            lived = lived.filter(~pl.col("open_time").is_between(*HOLE, closed="left"))
        lay(folder, SPOT, symbol, lived)
    gone = {"inactive": True}
    coins = [
        coin("bitcoin", "btc", 1, listed(SPOT, "BTCUSDT"), over("BTCBUSD")),
        coin("bitcoin-cash", "bch", 2, listed(SPOT, "BCHUSDT"), over("BCCUSDT", archived=True)),
        coin("serum", "srm", 3, over("SRMUSDT")) | gone,
        coin("gone", "gone", 4, over("GONEUSDT"), over("GONEBUSD")) | gone,
        coin("old", "old", 5, over("OLDUSDT", archived=True)) | gone,
        coin("up", "btcup", 6, over("BTCUPUSDT")) | gone,
        coin("halt", "halt", 7, over("HALTUSDT", LATELY)) | gone,
    ]
    (folder / "coins.json").write_text(json.dumps(coins))
    return folder


@pytest.fixture
def venues(market: Path) -> Iterator[Serving]:
    with serving(market=market, now=Place.NOW, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def place(settings: Settings, venues: Serving, open_tools: Open) -> Iterator[Place]:
    with fronting(venues) as front:
        yield Place(settings, venues, front, open_tools, (SPOT, "coingecko"))


def known(place: Place) -> dict[str, tuple[str, datetime | None]]:
    """By symbol: the coin, and the listing's end."""
    with store.connect(place.settings) as connection:
        coins = {each.key: each.id for each in store.find(connection, delisted=True)}
        coins |= {each.coin.key: each.coin.id for each in left_out(connection)}
        found = store.listings(connection, store.find(connection, list(coins.values())))
    return {each.symbol: (coins[each.coin], each.end) for each in found if each.source == SPOT}


def passed_over(place: Place) -> dict[str, str]:
    with store.connect(place.settings) as connection:
        return {each.coin.id: each.why for each in left_out(connection)}


def test_what_is_over_is_known_to_its_last_hour_and_left_out(place: Place) -> None:
    universe = place.learn()
    assert universe.failures == {}
    assert (universe.coins, universe.delisted, universe.delisted_unmapped) == (2, 5, 3)
    assert known(place) == {
        "BTCUSDT": ("bitcoin", None),
        "BCHUSDT": ("bitcoin-cash", None),
        "BCCUSDT": ("bitcoin-cash", STOPPED),
        "SRMUSDT": ("serum", STOPPED),
        "GONEUSDT": ("unmapped:binance_spot:GONE", STOPPED),
        "OLDUSDT": ("unmapped:binance_spot:OLD", STOPPED),
        "BTCUPUSDT": ("unmapped:binance_spot:BTCUP", STOPPED),
    }
    assert passed_over(place) == {
        "serum": "delisted",
        "unmapped:binance_spot:BTCUP": "leveraged token",
        "unmapped:binance_spot:GONE": "delisted",
        "unmapped:binance_spot:OLD": "delisted",
    }
    place.venues.forget()
    again = place.learn(Place.NOW + timedelta(days=1))
    assert (again.delisted, again.failures) == (0, {})
    asked = place.venues.requests()["counts"]
    candles = {path: count for path, count in asked.items() if "klines" in path}
    assert candles == {"/binance_spot/api/v3/klines": 1}  # of the one that may come back


def test_a_run_takes_in_what_is_over_only_if_it_is_asked_for(place: Place) -> None:
    place.learn()
    result = place.backfill(SPOT)
    assert [each.symbol for each in result.coins] == ["BTC", "BCH"]
    # What Bitcoin Cash was called before comes from the files, without a hole.
    assert place.held("bitcoin-cash") == between(BEGAN, Place.NOW.replace(minute=0))
    result = place.backfill(SPOT, delisted=True)
    assert [each.symbol for each in result.coins] == ["BTC", "BCH", "SRM", "GONE", "OLD"]
    assert (result.failed, result.unlisted) == ({}, [])
    for id_ in ("serum", "unmapped:binance_spot:GONE"):
        assert place.held(id_) == between(BEGAN, STOPPED)
        assert set(place.reasons(id_)) == {"delisted"}
    holed = set(between(BEGAN, STOPPED)) - set(between(*HOLE))
    assert place.held("unmapped:binance_spot:OLD") == sorted(holed)
    assert passed_over(place) == {"unmapped:binance_spot:BTCUP": "leveraged token"}
    with store.connect(place.settings) as connection:  # a symbol that is gone is no illness
        assert {each.source for each in store.health(connection) if not each.is_well} == set()
    assert place.backfill(SPOT).records == 0  # from now on it is among all coins
    assert len(place.backfill(SPOT).coins) == 5


def test_a_coin_that_is_named_is_taken_in(place: Place) -> None:
    place.learn()
    assert place.backfill(SPOT, symbols=["SRM"]).records == len(between(BEGAN, STOPPED))
    assert "serum" not in passed_over(place)


def test_a_symbol_that_comes_back_is_its_coins_with_all_its_hours(place: Place) -> None:
    place.learn()
    with store.connect(place.settings) as connection:
        (gone,) = store.find(connection, ["GONE"])
        (bitcoin,) = store.find(connection, ["bitcoin"])
        listing = next(each for each in store.listings(connection, [gone]))
        seen = {"id": ["bitcoin"], "symbol": [listing.symbol]}
        assert store.adopt(connection, SPOT, pl.DataFrame(seen)) == 1
        assert store.listings(connection, [gone]) == []
        assert listing.symbol in {each.symbol for each in store.listings(connection, [bitcoin])}
        assert "unmapped:binance_spot:GONE" not in {each.coin.id for each in left_out(connection)}


def test_files_that_are_not_listed_cost_what_only_they_have(place: Place) -> None:
    place.venues.fault("500", source="binance_spot_archive")
    universe = place.learn()
    assert "HTTP 500" in universe.odd["binance_spot_archive"]
    assert (universe.failures, universe.delisted) == ({}, 3)
    place.venues.clear()
    assert place.learn(Place.NOW + timedelta(days=1)).delisted == 2


REAL = {
    "BTTUSDT": ("bittorrent-old", "2022-01-17"),
    "TORNUSDT": ("tornado-cash", "2022-12-27"),
    "COCOSUSDT": ("cocos-bcx", "2023-05-29"),
    "BUSDUSDT": ("binance-usd", "2023-12-15"),
}


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Real hours of four coins that are over, as a venue leaves them: BREAK, and no id told."""
    trouble = SHARED / "trouble"
    if not trouble.is_dir():
        pytest.skip("needs the recorded candles in ../shared/trouble, which are not here")
    folder = tmp_path / "market"
    (folder / SPOT).mkdir(parents=True)
    coins = [coin("bitcoin", "btc", 1, listed(SPOT, "BTCUSDT"))]
    for symbol in (*REAL, "BTCUSDT"):
        (folder / SPOT / symbol).symlink_to(trouble / SPOT / symbol)
    for symbol, (id_, _) in REAL.items():
        end = opened(folder, symbol)[-1] + HOUR
        gone = listed(SPOT, symbol, instant("2017-01-01"), end)
        coins.append(coin(id_, symbol[:-4].lower(), 9, gone) | {"inactive": True})
    (folder / "coins.json").write_text(json.dumps(coins))
    return folder


def opened(folder: Path, symbol: str) -> list[datetime]:
    return pl.read_parquet(folder / SPOT / symbol / "1h.parquet")["open_time"].to_list()


def test_what_is_over_in_the_recordings_comes_whole_to_a_fresh_install(
    recorded: Path, settings: Settings, open_tools: Open
) -> None:
    now = instant("2026-03-01T00:30Z")
    with serving(market=recorded, now=now, limits=False) as venues, fronting(venues) as front:
        place = Place(settings, venues, front, open_tools, (SPOT, "coingecko"))
        assert place.learn(now).delisted == len(REAL)
        ids = [id_ for id_, _ in REAL.values()]
        result = place.backfill(SPOT, now=now, start="2017-01-01", delisted=True, symbols=ids)
    assert result.failed == {}
    for symbol, (id_, day) in REAL.items():
        held = place.held(id_)
        assert held == opened(recorded, symbol)
        assert format(held[-1], "%Y-%m-%d") == day


def test_a_list_that_lacks_a_symbol_once_makes_it_no_coin_that_is_over(
    tmp_path: Path, settings: Settings, open_tools: Open
) -> None:
    """The newest file of a month may be of the month before last, until the first Monday."""
    folder, sunday = tmp_path / "market", instant("2026-09-06T00:30Z")
    for price, symbol in enumerate(("BTCUSDT", "ETHUSDT"), start=1):
        lay(folder, SPOT, symbol, hours(instant("2026-05-01"), instant("2026-09-10"), float(price)))
    coins = [
        coin("bitcoin", "btc", 1, listed(SPOT, "BTCUSDT")),
        coin("ethereum", "eth", 2, listed(SPOT, "ETHUSDT")),
    ]
    (folder / "coins.json").write_text(json.dumps(coins))

    def lacking(_: str, answer: httpx.Response) -> Iterable[bytes]:
        if "exchangeInfo" not in str(answer.url):
            return [whole(answer)]
        body = answer.json()
        body["symbols"] = [each for each in body["symbols"] if each["symbol"] != "ETHUSDT"]
        return [whole(answer, json.dumps(body).encode())]

    with serving(market=folder, now=sunday, limits=False) as venues, fronting(venues) as front:
        place = Place(settings, venues, front, open_tools, (SPOT, "coingecko"))
        place.front.everything, place.front.spoil = True, lacking
        assert place.learn(sunday).delisted == 0
        place.front.spoil = None
        assert place.learn(sunday + timedelta(days=1)).delisted == 0
        assert known(place) == {"BTCUSDT": ("bitcoin", None), "ETHUSDT": ("ethereum", None)}
