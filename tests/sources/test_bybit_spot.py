"""Bybit spot: what is its own. The rest is `test_bybit.py`'s, and the recordings'."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import orjson
import pytest

from chandlery.errors import Malformed, Rejected
from chandlery.model import HOUR, Listing, Window
from chandlery.venues import catalogue, client, fetch, load
from sandbox.serving import Serving, serving
from sources import coingecko
from tests.sources.conftest import Clock, Connect, Page

SPOT = load()["bybit_spot"]
LINEAR = load()["bybit"]
LISTING = Listing(1, "bybit_spot", "BTCUSDT")
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def answer(category: str, symbol: str = "BTCUSDT") -> httpx.Response:
    row = ["1704067200000", "100.5", "101.25", "99.125", "100.75", "2.5", "250.25"]
    result = {"symbol": symbol, "category": category, "list": [row]}
    body = {"retCode": 0, "retMsg": "OK", "result": result}
    return httpx.Response(200, content=orjson.dumps(body))


def test_spot_is_asked_for_and_no_contract(page: Page) -> None:
    asked = SPOT.request(LISTING, page(48)).url
    assert str(asked).startswith("https://api.bybit.com/v5/market/kline?")
    assert dict(asked.params) == {
        "category": "spot",
        "symbol": "BTCUSDT",
        "interval": "60",
        "start": "1704067200000",
        "end": "1704239999999",
        "limit": "48",
    }


def test_a_contracts_candles_are_refused_for_those_of_spot(connect: Connect, page: Page) -> None:
    window = page(1)
    right = fetch(connect(lambda _: answer("spot")), SPOT, LISTING, window, window.end)
    assert right.frame.height == 1
    with pytest.raises(Malformed, match="its candles are of linear, not of spot"):
        fetch(connect(lambda _: answer("linear")), SPOT, LISTING, window, window.end)


def test_another_symbols_candles_are_refused(connect: Connect, page: Page) -> None:
    with pytest.raises(Malformed, match="its candles are of ETHUSDT, not of BTCUSDT"):
        fetch(connect(lambda _: answer("spot", "ETHUSDT")), SPOT, LISTING, page(1), page(1).end)


def test_a_symbol_of_many_coins_is_listed_as_the_coin(connect: Connect) -> None:
    usual = {"status": "Trading", "quoteCoin": "USDT", "symbolType": ""}
    entries = [{"symbol": f"{base}USDT", "baseCoin": base, **usual} for base in ("1000X", "X")]
    body = orjson.dumps({"retCode": 0, "result": {"category": "spot", "list": entries}})
    frame = catalogue(connect(lambda _: httpx.Response(200, content=body)), SPOT).frame
    assert frame.select("symbol", "asset", "base", "multiple").rows() == [
        ("1000XUSDT", "1000X", "X", 1000),
        ("XUSDT", "X", "X", 1),
    ]


def test_the_list_is_asked_for_once() -> None:
    assert SPOT.catalogue is not None
    request = SPOT.catalogue.request(None)
    assert request is not None
    assert dict(request.url.params) == {"category": "spot"}
    assert SPOT.catalogue.request(answer("spot")) is None


def test_both_sources_of_one_address_keep_one_limit() -> None:
    assert (SPOT.url, SPOT.venue.metering) == (LINEAR.url, LINEAR.venue.metering)


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
    window = Window(end - SPOT.page_hours * HOUR, end)
    frame = fetch(connected, SPOT, LISTING, window, NOW).frame
    truth = sandbox.truth("bybit_spot", "BTCUSDT", window.start, window.end)
    assert frame["open_time"].dt.epoch("ms").to_list() == [row[0] for row in truth]
    for column, place in (("open", 1), ("high", 2), ("low", 3), ("close", 4), ("volume", 5)):
        assert frame[column].to_list() == [row[place] for row in truth]
    assert frame["open_time"][-1] == min(end, NOW.replace(minute=0)) - HOUR


def test_the_sandboxes_coins_are_known_to_coingecko(connected: httpx.Client) -> None:
    listed = catalogue(connected, SPOT)
    assert (listed.frame["symbol"].to_list(), listed.odd) == (["BTCUSDT", "ETHUSDT"], ())
    told = coingecko.tickers(connected, "bybit_spot", derivatives=False)
    mapped = listed.frame.join(told, left_on=["asset", "quote"], right_on=["base", "target"])
    assert mapped["coin_id"].to_list() == ["bitcoin", "ethereum"]


def test_the_sandbox_refuses_in_the_venues_words(connected: httpx.Client) -> None:
    window = Window(NOW.replace(minute=0) - HOUR, NOW.replace(minute=0))
    with pytest.raises(Rejected) as caught:
        fetch(connected, SPOT, Listing(1, "bybit_spot", "NOSUCHUSDT"), window, NOW)
    assert str(caught.value) == "bybit_spot: 10001 params error: Symbol Is Invalid (NOSUCHUSDT)"
