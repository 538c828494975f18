"""A venue's list, or CoinGecko's, that is wrong once: nothing ends by it, and it is told."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.engine.run import fill_gaps
from chandlery.settings import Settings
from sandbox import Serving, serving
from sandbox.front import fronting, whole
from tests.engine.replay import Place, between, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
DAY = timedelta(days=1)
NIGHT = Place.NOW + timedelta(hours=1, minutes=0, seconds=12)  # 01:30:12
BEGAN = Place.NOW.replace(minute=0) - 10 * DAY
MANY = 60
SYMBOLS = {"binance_futures": "{}USDT", "okx": "{}-USDT", "bybit": "{}USDT"}
SOURCES = (*SYMBOLS, "coingecko")
LISTS = {
    "binance_futures": ("exchangeInfo", ("symbols",)),
    "okx": ("public/instruments", ("data",)),
    "bybit": ("instruments-info", ("result", "list")),
}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty coins, each at three venues."""
    folder, coins = tmp_path_factory.mktemp("lists") / "market", []
    for rank in range(1, MANY + 1):
        names = {source: form.format(f"C{rank}") for source, form in SYMBOLS.items()}
        for source, symbol in names.items():
            lay(folder, source, symbol, hours(BEGAN, Place.NOW + 5 * DAY, float(rank)))
        places = (listed(source, symbol) for source, symbol in names.items())
        coins.append(coin(f"coin-{rank}", f"c{rank}", rank, *places))
    (folder / "coins.json").write_text(json.dumps(coins))
    return folder


@pytest.fixture
def venues(market: Path) -> Iterator[Serving]:
    with serving(market=market, now=Place.NOW, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def place(settings: Settings, venues: Serving, open_tools: Open) -> Iterator[Place]:
    with fronting(venues) as front:
        made = Place(settings, venues, front, open_tools, SOURCES)
        assert made.learn().failures == {}
        made.front.everything = True
        yield made


def ends(place: Place, source: str) -> list[Any]:
    with store.connect(place.settings) as connection:
        known = store.listings(connection, store.find(connection))
    return [each.end for each in known if each.source == source and each.end is not None]


def shortened(source: str, share: float) -> Callable[[str, httpx.Response], Iterable[bytes]]:
    """Leave so much of a venue's list; what else is answered passes."""
    path, names = LISTS[source]

    def spoil(venue: str, answer: httpx.Response) -> Iterable[bytes]:
        if venue != source or path not in str(answer.url):
            return [whole(answer)]
        body = at = answer.json()
        for name in names[:-1]:
            at = at[name]
        at[names[-1]] = at[names[-1]][: int(share * MANY)]
        return [whole(answer, json.dumps(body).encode())]

    return spoil


@pytest.mark.fault(
    "venue",
    "a list of symbols that is empty, halved or short once (HTTP 200)",
    "no listing ends, told, exit code 1; believed once it says so again, hours later",
)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9], ids=["empty", "halved", "short"])
@pytest.mark.parametrize("source", LISTS)
def test_a_list_that_shrinks_once_ends_nothing(
    place: Place, source: str, share: float, happened: Callable[[str], None]
) -> None:
    place.front.spoil = shortened(source, share)
    failures = place.learn(NIGHT).failures
    assert list(failures) == [source]
    assert ends(place, source) == []
    place.front.spoil = None
    assert place.learn(NIGHT + DAY).failures == {}
    assert place.backfill(source, now=NIGHT, start=None, hours=24).records == MANY * 24
    happened(f"“{failures[source]}”; {MANY} listings stayed, each had its 24 hours")


def test_a_list_that_stays_short_is_believed_the_second_time(place: Place) -> None:
    place.front.spoil = shortened("okx", 0.5)
    assert "lost 30 of 60 symbols at once" in place.learn(NIGHT).failures["okx"]
    assert ends(place, "okx") == []
    place.learn(NIGHT + timedelta(hours=1))  # too soon to be another answer
    assert ends(place, "okx") == []
    place.learn(NIGHT + DAY)
    assert ends(place, "okx") == [NIGHT.replace(hour=2, minute=0, second=0)] * 30
    place.front.spoil = None
    assert place.learn(NIGHT + 2 * DAY).failures == {}
    assert ends(place, "okx") == []


def coingecko(
    change: Callable[[httpx.Response, list[dict[str, Any]]], list[dict[str, Any]]],
) -> Callable[[str, httpx.Response], Iterable[bytes]]:
    """Change CoinGecko's ranking."""

    def spoil(venue: str, answer: httpx.Response) -> Iterable[bytes]:
        if venue != "coingecko" or "coins/markets" not in str(answer.url):
            return [whole(answer)]
        return [whole(answer, json.dumps(change(answer, answer.json())).encode())]

    return spoil


@pytest.mark.fault(
    "venue",
    "CoinGecko's ranking lacks half of the coins once",
    "all stay active under their tickers, told; believed once it says so again",
)
def test_a_ranking_that_lacks_coins_once_retires_nobody(
    place: Place, happened: Callable[[str], None]
) -> None:
    def active() -> int:
        with store.connect(place.settings) as connection:
            return store.active(connection)

    place.front.spoil = coingecko(lambda _, rows: rows[::2])
    failures = place.learn(NIGHT).failures
    assert "lost 30 of 60 coins at once" in failures["coingecko"]
    assert (active(), ends(place, "okx")) == (MANY, [])
    place.learn(NIGHT + DAY)
    assert active() == MANY // 2
    place.front.spoil = None
    assert place.learn(NIGHT + 2 * DAY).failures == {}
    assert active() == MANY
    happened(f"“{failures['coingecko']}”; {MANY} stayed active")


def test_an_empty_ranking_is_no_answer(place: Place) -> None:
    place.front.spoil = coingecko(lambda *_: [])
    for day in range(3):
        failures = place.learn(NIGHT + day * DAY).failures
        assert failures == {"coingecko": "coingecko: its list of coins is empty (coins)"}
    with store.connect(place.settings) as connection:
        assert store.active(connection) == MANY


@pytest.mark.fault(
    "venue",
    "CoinGecko tells no rank of a coin once",
    "it keeps its rank and its ticker",
)
def test_a_rank_that_is_null_once_is_not_lost(
    place: Place, happened: Callable[[str], None]
) -> None:
    def unranked(_: httpx.Response, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        twin = rows[40] | {"symbol": "c1"}
        return [rows[0] | {"market_cap_rank": None}, *rows[1:40], twin, *rows[41:]]

    place.front.spoil = coingecko(unranked)
    place.learn(NIGHT)
    with store.connect(place.settings) as connection:
        (found,) = store.find(connection, ["C1"])
    assert (found.id, found.rank) == ("coin-1", 1)
    happened(f"symbol = 'C1' is still {found.id}, rank {found.rank}")


@pytest.mark.fault(
    "venue",
    "CoinGecko gives a coin another id, here and in all tickers",
    "one coin: its candles go on, the old id finds it",
)
def test_a_renamed_coin_goes_on(place: Place, happened: Callable[[str], None]) -> None:
    def renamed(venue: str, answer: httpx.Response) -> Iterable[bytes]:
        if venue != "coingecko":
            return [whole(answer)]
        return [whole(answer, answer.content.replace(b'"coin-7"', b'"coin-seven"'))]

    sources = ("okx", "bybit")
    place.backfill(*sources, symbols=["C7"], now=Place.NOW)
    with store.connect(place.settings) as connection:
        (before,) = store.find(connection, ["C7"])
    place.front.spoil = renamed
    universe = place.learn(NIGHT)
    assert universe.renamed == {"coin-7": "coin-seven"}
    place.backfill(*sources, symbols=["coin-7"], now=NIGHT + DAY)
    with store.connect(place.settings) as connection:
        (after,) = store.find(connection, ["C7"])
        known = store.listings(connection, [after])
    assert (after.key, after.id) == (before.key, "coin-seven")
    assert {(each.source, each.symbol, each.end) for each in known} == {
        ("okx", "C7-USDT", None),
        ("bybit", "C7USDT", None),
        ("binance_futures", "C7USDT", None),
        ("coingecko", "coin-seven", None),
    }
    end = (NIGHT + DAY).replace(minute=0, second=0)
    assert place.held("coin-7") == between(BEGAN, end)
    happened(f"{len(place.held('coin-7'))} hours under one key, to {end:%Y-%m-%d %H:%M}")


@pytest.mark.fault(
    "venue",
    "a coin stops at Binance spot at 09:17, seen by a sync at 01:30:12",
    "the listing ends with a whole hour; hourly, fill-gaps and backfill go on",
)
def test_an_ordinary_delisting_stops_no_run(
    settings: Settings, tmp_path: Path, open_tools: Open, happened: Callable[[str], None]
) -> None:
    folder, stopped = tmp_path / "market", Place.NOW.replace(hour=9, minute=17) - DAY
    last = stopped.replace(minute=0)
    lay(folder, "binance_spot", "GONEUSDT", hours(BEGAN, last + timedelta(hours=1), 2.0))
    lay(folder, "binance_spot", "STAYUSDT", hours(BEGAN, Place.NOW + 5 * DAY, 3.0))
    coins = [
        coin("gone", "gone", 1, listed("binance_spot", "GONEUSDT", BEGAN, stopped)),
        coin("stay", "stay", 2, listed("binance_spot", "STAYUSDT", BEGAN)),
    ]
    (folder / "coins.json").write_text(json.dumps(coins))
    with serving(market=folder, now=stopped - DAY, limits=False) as sandbox, fronting(sandbox) as f:
        place = Place(settings, sandbox, f, open_tools, ("binance_spot", "coingecko"))
        assert place.learn(stopped - DAY).failures == {}
        place.backfill("binance_spot", now=stopped - DAY)
        sandbox.at(NIGHT)
        assert place.learn(NIGHT).failures == {}
        assert ends(place, "binance_spot") == [NIGHT.replace(hour=2, minute=0, second=0)]
        for given in ({"start": None, "hours": 24}, {"do": fill_gaps}, {}):
            for wait in range(3):
                now = NIGHT + wait * timedelta(hours=2)
                assert place.backfill("binance_spot", now=now, **given).failed == {}
    assert place.held("gone") == between(BEGAN, last + timedelta(hours=1))
    assert place.held("stay")[-1] == now.replace(minute=0, second=0) - timedelta(hours=1)
    assert place.reasons("gone") == {"delisted": 14}  # as of midnight
    happened(f"ends at {ends(place, 'binance_spot')[0]:%Y-%m-%d %H:%M}; nine runs, nobody failed")
