"""Sources named for one run: learnt where they were not, and asked in a sensible turn."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from chandlery import store
from chandlery.engine.batch import sources_in_order
from chandlery.engine.context import RunContext
from chandlery.engine.result import RunResult
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.settings import Settings
from chandlery.symbology.learn import learn, learn_if_due
from chandlery.venues import in_order, load
from sandbox import Serving
from tests.engine.conftest import NOW

Open = Callable[..., AbstractContextManager[RunContext]]
Ask = Callable[..., RunResult]


@pytest.fixture
def in_force() -> tuple[str, ...]:
    return ("binance_futures",)


@pytest.fixture
def ask(settings: Settings, venues: Serving, open_tools: Open, in_force: tuple[str, ...]) -> Ask:
    """A run as a verb makes it, where only some sources are in force."""
    current = settings.model_copy(update={"venues_url": venues.url, "priority": in_force})

    def once(*sources: str, **given: Any) -> RunResult:
        asked = {"now": NOW, "hours": 24, "symbols": ["BTC"]} | given
        with open_tools(current) as context:
            wanted = run_spec(known_sources=load(), sources=sources or in_force, **asked)
            learn_if_due(context, wanted)
            return run(context, wanted)

    return once


def test_a_source_named_is_a_source_learnt(ask: Ask) -> None:
    ask()
    result = ask("okx", hours=48)
    assert (result.unlisted, result.failed) == ([], {})
    assert result.rows == {"okx": 24}


def test_it_is_learnt_once(ask: Ask, venues: Serving) -> None:
    ask()
    ask("okx", hours=48)
    venues.forget()
    ask("okx", hours=72)
    assert not [each for each in venues.requests()["requests"] if "coins" in each["path"]]


@pytest.mark.parametrize("in_force", [in_order()])
def test_what_is_slow_to_list_is_waited_for_by_who_names_it(ask: Ask, settings: Settings) -> None:
    slow = {name for name, source in load().items() if source.slow_to_list}

    def learnt() -> set[str]:
        with store.connect(settings) as connection:
            rows = connection.execute("select what from learnt").fetchall()
        return {what.removeprefix("listings at ") for (what,) in rows} & load().keys()

    ask()
    assert "gate" in slow
    assert not learnt() & slow
    ask("gate", hours=48)
    assert "gate" in learnt()


@pytest.mark.parametrize("in_force", [("binance_futures",), ("binance_spot",)])
def test_a_second_way_that_is_named_stands_for_its_first(ask: Ask) -> None:
    result = ask("binance_spot_archive", start="2026-11-10", end="2026-11-12", hours=None)
    assert (result.unlisted, result.failed) == ([], {})
    assert result.rows == {"binance_spot_archive": 48}


def test_a_run_of_coins_that_nobody_lists_says_so(ask: Ask) -> None:
    assert ask(symbols=["LEO", "USDT"]).is_listed_nowhere
    assert not ask(symbols=["LEO", "BTC"]).is_listed_nowhere


def test_indicative_sources_are_asked_last_and_nothing_counts_twice(
    settings: Settings, venues: Serving, open_tools: Open
) -> None:
    sources = ("coingecko", "okx", "bybit", "binance_spot")
    current = settings.model_copy(update={"venues_url": venues.url, "priority": sources})
    with open_tools(current) as context:
        learn(context, NOW)
        wanted = run_spec(known_sources=load(), sources=sources, now=NOW, hours=24)
        names = [each.name for each in sources_in_order(context, wanted)]
        assert [name for name in names if not name.endswith("archive")] == [
            "okx",
            "bybit",
            "binance_spot",
            "coingecko",
        ]
        result = run(context, wanted)
        rows = context.connection.execute("select count(*) from candle_1h").fetchone()
        replaced = context.connection.execute("select count(*) from restated").fetchone()
    assert (result.records,) == rows
    assert replaced == (0,)
    assert {"okx", "coingecko"} <= result.rows.keys()
