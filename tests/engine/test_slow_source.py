"""CoinGecko lets few requests through: nobody else's hours wait for it."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from chandlery import store
from chandlery.engine.batch import BATCH
from chandlery.engine.context import RunContext
from chandlery.engine.result import RunResult
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import load
from sandbox import Serving, serving
from tests.engine.replay import Place, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
NOW, SOURCES = Place.NOW, ("binance_spot", "coingecko")
BEGAN = NOW.replace(day=1, month=2, minute=0)
COINS = BATCH + 2
ALONE = {1, 2, BATCH + 1}  # ranks of those that only CoinGecko has


@pytest.fixture
def venues(tmp_path: Path) -> Iterator[Serving]:
    """More coins than a batch has, of which CoinGecko alone has a few."""
    folder, coins = tmp_path / "market", []
    for rank in range(1, COINS + 1):
        candles = hours(BEGAN, NOW.replace(day=2, minute=0), float(rank))
        listings = [] if rank in ALONE else [listed("binance_spot", f"C{rank}USDT", BEGAN)]
        lay(folder, *_market(rank), candles)
        coins.append(coin(f"c{rank}", f"c{rank}", rank, *listings))
    (folder / "coins.json").write_text(json.dumps(coins))
    with serving(market=folder, now=NOW, limits=False) as sandbox:
        yield sandbox


def _market(rank: int) -> tuple[str, str]:
    return ("coingecko", f"c{rank}") if rank in ALONE else ("binance_spot", f"C{rank}USDT")


@pytest.fixture
def learnt(settings: Settings, venues: Serving, open_tools: Open) -> Settings:
    """Settings that know these coins."""
    asked = settings.model_copy(update={"venues_url": venues.url, "priority": SOURCES})
    with open_tools(asked) as context:
        learn(context, NOW)
    return asked


def collected(settings: Settings, open_tools: Open, **given: object) -> tuple[RunResult, list[str]]:
    """What a run did, and who was asked, request by request."""
    asked: list[str] = []

    def note(request: httpx.Request) -> None:
        asked.append(str(request.extensions["venue"].name))

    wanted = {"now": NOW, "sources": SOURCES} | given
    with open_tools(settings) as context:
        context.client.event_hooks = {"request": [note], "response": []}
        result = run(context, run_spec(known_sources=load(), **wanted))  # type: ignore[arg-type]
    return result, asked


def test_all_traded_hours_are_asked_for_before_coingecko_is(
    learnt: Settings, open_tools: Open
) -> None:
    result, asked = collected(learnt, open_tools, start=BEGAN.isoformat())
    assert asked == ["binance_spot"] * asked.count("binance_spot") + ["coingecko"] * len(ALONE)
    assert (len(result.coins), result.successful) == (COINS, COINS)
    assert (result.failed, result.unlisted, result.lacking) == ({}, [], {})
    with store.connect(learnt) as connection:
        rows = connection.execute("select count(*) from candle_1h group by coin").fetchall()
    assert rows == [((NOW - BEGAN).days * 24,)] * COINS


def test_the_newest_hours_of_many_coins_are_one_request_whatever_batch_they_are_in(
    learnt: Settings, open_tools: Open, venues: Serving
) -> None:
    soon = NOW.replace(minute=5)  # a sparkline tells its times shortly after the hour only
    venues.at(soon)
    result, asked = collected(learnt, open_tools, hours=24, now=soon)
    assert asked.count("coingecko") == 1
    assert (result.successful, result.rows["coingecko"]) == (COINS, 24 * len(ALONE))


def test_a_coin_does_not_fail_if_coingecko_has_the_hours_after_all(
    learnt: Settings, open_tools: Open, venues: Serving
) -> None:
    venues.fault("503", source="binance_spot", path="klines")
    result, _ = collected(learnt, open_tools, hours=24)
    assert (len(result.coins), result.failed, result.lacking) == (COINS, {}, {})
    assert result.rows == {"coingecko": 24 * COINS}


def test_a_coin_that_fails_in_both_passes_failed_once_in_the_first_words(
    learnt: Settings, open_tools: Open, venues: Serving
) -> None:
    venues.fault("403", path="klines")  # the mirror and the archive among them
    venues.fault("403", source="coingecko")
    result, _ = collected(learnt, open_tools, hours=24)
    assert (len(result.coins), len(result.failed), result.successful) == (COINS, COINS, 0)
    first = {symbol: words.partition(":")[0] for symbol, words in result.failed.items()}
    alone = {f"C{rank}" for rank in ALONE}
    assert {symbol for symbol, source in first.items() if source == "coingecko"} == alone
    assert {*first.values()} == {"binance_spot", "coingecko"}
