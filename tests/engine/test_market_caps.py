"""Market caps of days before anybody asked: with the prices, or a year of a coin by one request."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.settings import Settings
from chandlery.symbology.learn import Universe
from chandlery.symbology.market_caps import learn_market_caps
from sandbox import Serving
from tests.engine.conftest import NOW, Collect

Open = Callable[..., AbstractContextManager[RunContext]]
DAY = timedelta(days=1)
TODAY = NOW.date()
CHART = "/market_chart/range"


def known(settings: Settings) -> dict[str, list[date]]:
    """The days of which a coin's market cap was told later, by its id."""
    with store.connect(settings) as connection:
        rows = connection.execute(
            "select id, array_agg(day order by day) from coin_rank join coin on key = coin"
            " where market_cap > 0 and told_on > day group by id"
        )
        return dict(rows.fetchall())


def test_prices_of_a_coin_bring_its_market_caps_and_cost_no_request_more(
    collect: Collect, at_sandbox: Settings, venues: Serving
) -> None:
    given = {"symbols": ["tether"], "start": f"{TODAY - 30 * DAY}"}
    assert collect(sources=("coingecko",), **given).pages == 1
    assert venues.requests()["total"] == 1
    assert known(at_sandbox) == {"tether": [TODAY - n * DAY for n in range(30, 0, -1)]}


def learnt(settings: Settings, open_tools: Open, most: int, at: timedelta = 0 * DAY) -> Universe:
    with open_tools(settings) as context:
        return learn_market_caps(context, NOW + at, most, Universe())


def test_a_year_of_a_coin_is_one_request_and_the_next_call_goes_on(
    at_sandbox: Settings, venues: Serving, open_tools: Open
) -> None:
    assert learnt(at_sandbox, open_tools, 2).market_caps == 2
    assert venues.requests()["total"] == 2
    assert {id_: len(days) for id_, days in known(at_sandbox).items()} == {
        "bitcoin": 363,
        "ethereum": 363,
    }
    assert learnt(at_sandbox, open_tools, 100).market_caps == 10
    assert learnt(at_sandbox, open_tools, 100).market_caps == 0
    assert venues.requests()["total"] == 12


def test_who_gives_none_ends_it_and_a_coin_that_is_gone_does_not(
    at_sandbox: Settings, venues: Serving, open_tools: Open
) -> None:
    with store.connect(at_sandbox) as connection:
        connection.execute("update coin set id = 'gone' where id = 'bitcoin'")
    assert learnt(at_sandbox, open_tools, 2).market_caps == 1
    assert list(known(at_sandbox)) == ["ethereum"]
    venues.fault("403", source="coingecko")
    done = learnt(at_sandbox, open_tools, 5)
    assert done.market_caps == 0
    assert done.failures["coingecko"].startswith("market caps of the past year: coingecko: ")
    assert venues.requests()["total"] == 3
    venues.clear()
