"""What is special about Gate: quote volume ahead of base volume, a flag, ten thousand hours."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from chandlery.errors import Malformed, Rejected
from chandlery.model import HOUR, SCHEMA, Listing, Window, whole_hour
from chandlery.venues import catalogue, client, fetch, load, pages
from sandbox.serving import Serving, serving
from sources import coingecko
from tests.sources.conftest import Clock, Connect, Page

GATE = load()["gate"]
LISTING = Listing(1, "gate", "BTC_USDT")
FIRST = 1_704_067_200
STEP = 3_600
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def row(opened: int, closed: object = "true") -> list[object]:
    """An hour of 2 + 1/2 coins for 250 dollars and a quarter."""
    return [str(opened), "250.25", "100.75", "101.25", "99.125", "100.5", "2.5", closed]


def venue(request: httpx.Request) -> httpx.Response:
    """The hours as Gate documents it: both ends within, oldest first, a thousand at most."""
    asked = request.url.params
    assert "limit" not in asked
    start, end = int(asked["from"]), int(asked["to"])
    assert (end - start) // STEP + 1 <= 1000
    opens = range(FIRST - 50 * STEP, FIRST + 1100 * STEP, STEP)
    return httpx.Response(200, json=[row(at) for at in opens if start <= at <= end])


def test_a_page_is_asked_for_up_to_its_last_hour_in_seconds_and_without_a_limit(page: Page) -> None:
    asked = GATE.request(LISTING, page(48)).url
    assert str(asked).startswith("https://api.gateio.ws/api/v4/spot/candlesticks?")
    assert dict(asked.params) == {
        "currency_pair": "BTC_USDT",
        "interval": "1h",
        "from": "1704067200",
        "to": "1704236400",
    }


@pytest.mark.parametrize("hours", [1, 2, 998, 999])
def test_every_hour_of_a_page_and_no_other_comes_in_order(
    connect: Connect, page: Page, now: datetime, hours: int
) -> None:
    window = page(hours)
    frame = fetch(connect(venue), GATE, LISTING, window, now).frame
    assert frame.schema == SCHEMA
    assert frame["open_time"].to_list() == [window.start + n * HOUR for n in range(hours)]
    assert frame.row(0)[1:] == (100.5, 101.25, 99.125, 100.75, 2.5, 250.25, None, None, None)


def test_an_hour_that_says_it_is_open_is_left_out_whatever_the_clock_says(
    connect: Connect, page: Page, now: datetime
) -> None:
    rows = [row(FIRST), row(FIRST + STEP, "false")]
    frame = fetch(connect(lambda _: httpx.Response(200, json=rows)), GATE, LISTING, page(2), now)
    assert frame.frame.height == 1


def test_an_hour_that_says_neither_costs_itself_alone(
    connect: Connect, page: Page, now: datetime
) -> None:
    rows = [row(FIRST), row(FIRST + STEP, None), row(FIRST + 2 * STEP)]
    found = fetch(connect(lambda _: httpx.Response(200, json=rows)), GATE, LISTING, page(3), now)
    assert found.frame.height == 2
    assert [each.window for each in found.malformed] == [
        Window(page(3).start + HOUR, page(3).start + 2 * HOUR)
    ]
    with pytest.raises(Malformed, match="neither true nor false"):
        GATE.parse(httpx.Response(200, json=[row(FIRST, None)]))


@pytest.mark.parametrize("opened", [FIRST - STEP, FIRST + STEP, FIRST * 1000])
def test_a_row_of_another_hour_or_unit_is_refused(
    connect: Connect, page: Page, now: datetime, opened: int
) -> None:
    serve = connect(lambda _: httpx.Response(200, json=[row(opened)]))
    with pytest.raises(Malformed):
        fetch(serve, GATE, LISTING, page(1), now)


def test_nothing_older_than_ten_thousand_hours_is_asked_for() -> None:
    end = whole_hour(NOW)
    found = list(pages(GATE, Window(end - 20_000 * HOUR, end), NOW))
    assert found[-1].end == end
    assert 9_900 * HOUR < NOW - found[0].start < 10_000 * HOUR
    assert list(pages(GATE, Window(end - 20_000 * HOUR, end - 10_000 * HOUR), NOW)) == []


def test_each_endpoint_is_metered_by_itself_by_what_is_left(page: Page) -> None:
    candles, pairs = GATE.venue.metering.budgets
    asked = GATE.request(LISTING, page(1))
    headers = {"X-Gate-RateLimit-Requests-Remain": "150", "X-Gate-RateLimit-Limit": "200"}
    answer = httpx.Response(200, headers=headers, request=asked)
    assert (candles.weight(asked), pairs.weight(asked)) == (1, 0)
    assert (candles.spent(answer), pairs.spent(answer)) == (50, None)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Serving]:
    with serving(coins=20, seed=1, now=NOW) as serves:
        yield serves


@pytest.fixture
def connected(sandbox: Serving, clock: Clock) -> Iterator[httpx.Client]:
    with client(sandbox.url, timepiece=clock.timepiece) as connected:
        yield connected


@pytest.mark.parametrize("ago", [-1, 0, 100])
def test_the_sandbox_has_all_hours_that_are_closed_and_no_other(
    sandbox: Serving, connected: httpx.Client, ago: int
) -> None:
    end = NOW.replace(minute=0) - ago * HOUR
    window = Window(end - GATE.page_hours * HOUR, end)
    frame = fetch(connected, GATE, LISTING, window, NOW).frame
    truth = sandbox.truth("gate", "BTC_USDT", window.start, window.end)
    assert frame["open_time"].dt.epoch("ms").to_list() == [row[0] for row in truth]
    for column, place in (("open", 1), ("high", 2), ("low", 3), ("close", 4), ("volume", 5)):
        assert frame[column].to_list() == [row[place] for row in truth]
    assert frame["open_time"][-1] == min(end, NOW.replace(minute=0)) - HOUR


def test_the_sandboxes_coins_are_known_to_coingecko(connected: httpx.Client) -> None:
    listed = catalogue(connected, GATE)
    assert (listed.frame["symbol"].to_list(), listed.odd) == (["BTC_USDT", "ETH_USDT"], ())
    told = coingecko.tickers(connected, "gate", derivatives=False)
    mapped = listed.frame.join(told, left_on=["asset", "quote"], right_on=["base", "target"])
    assert mapped["coin_id"].to_list() == ["bitcoin", "ethereum"]


def test_the_sandbox_refuses_in_the_venues_words(connected: httpx.Client) -> None:
    window = Window(NOW.replace(minute=0) - HOUR, NOW.replace(minute=0))
    with pytest.raises(Rejected) as caught:
        fetch(connected, GATE, Listing(1, "gate", "NOSUCH_USDT"), window, NOW)
    assert (
        str(caught.value)
        == "gate: INVALID_CURRENCY_PAIR Invalid currency pair NOSUCH_USDT (NOSUCH_USDT)"
    )
