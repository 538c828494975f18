"""What is special about MEXC: an end that is told apart by a millisecond, and two accounts."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import orjson
import pytest

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import HOUR, SCHEMA, Listing, Window
from chandlery.rate_limit.account import SHARE
from chandlery.venues import Markets, catalogue, client, fetch, load
from sandbox.serving import Serving, serving
from sources import coingecko
from tests.sources.conftest import Clock, Connect, Page

MEXC = load()["mexc"]
LISTING = Listing(1, "mexc", "BTCUSDT")
FIRST = 1_704_067_200_000
STEP = 3_600_000
TODAY = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def row(opened: int) -> list[object]:
    """An hour of 2 + 1/2 coins for 250 dollars, which closes as the next opens."""
    return [opened, "100.5", "101.25", "99.125", "100.75", "2.5", opened + STEP, "250.25"]


class Venue:
    """A thousand hours from START on, the first of a page told; its end excluded, or included."""

    def __init__(self, *, includes_end: bool = False, absent: int | None = None) -> None:
        self.reach = 1 if includes_end else 0
        self.opens = [at for at in range(FIRST, FIRST + 1000 * STEP, STEP) if at != absent]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        assert asked["interval"] == "60m"
        start, end = int(asked["startTime"]), int(asked["endTime"]) + self.reach
        found = [row(at) for at in self.opens if start <= at < end]
        return httpx.Response(200, json=found[: min(int(asked["limit"]), 500)])


def test_a_page_is_asked_for_up_to_an_end_that_is_excluded(page: Page) -> None:
    asked = MEXC.request(LISTING, page(48)).url
    assert str(asked).startswith("https://api.mexc.com/api/v3/klines?")
    assert dict(asked.params) == {
        "symbol": "BTCUSDT",
        "interval": "60m",
        "startTime": "1704067200000",
        "endTime": "1704240000000",
        "limit": "48",
    }


@pytest.mark.parametrize("hours", [1, 2, 499, 500])
@pytest.mark.parametrize("includes_end", [False, True])
def test_every_hour_of_a_page_and_no_other_comes_in_order_however_its_end_is_meant(
    connect: Connect, page: Page, now: datetime, hours: int, *, includes_end: bool
) -> None:
    starts = (page(1).start, page(8).end)
    for part in (Window(start, start + hours * HOUR) for start in starts):
        frame = fetch(connect(Venue(includes_end=includes_end)), MEXC, LISTING, part, now).frame
        assert frame.schema == SCHEMA
        assert frame["open_time"].to_list() == [part.start + n * HOUR for n in range(hours)]
        assert frame.row(0)[1:] == (100.5, 101.25, 99.125, 100.75, 2.5, 250.25, None, None, None)


@pytest.mark.parametrize("includes_end", [False, True])
def test_an_absent_hour_takes_none_from_behind_the_page(
    connect: Connect, page: Page, now: datetime, *, includes_end: bool
) -> None:
    client = connect(Venue(includes_end=includes_end, absent=FIRST + STEP))
    frame = fetch(client, MEXC, LISTING, page(3), now).frame
    assert frame["open_time"].dt.hour().to_list() == [0, 2]


def test_the_candle_still_open_is_left_out_by_the_clock(connect: Connect, page: Page) -> None:
    window = page(3)
    found = fetch(connect(Venue()), MEXC, LISTING, window, window.end - HOUR / 2)
    assert found.frame.height == 2


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"symbols":[]}',
        b'[[1704067200000,"1","1","1","1","1",1704070800000]]',
        b'[[1704067200,"1","1","1","1","1",1704070800,"1"]]',
    ],
)
def test_an_answer_of_another_shape_is_malformed(
    connect: Connect, page: Page, now: datetime, body: bytes
) -> None:
    client = connect(lambda _: httpx.Response(200, content=body))
    with pytest.raises(Malformed, match=r"^mexc: .* \(BTCUSDT\)$"):
        fetch(client, MEXC, LISTING, page(1), now)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (200, b'{"msg":"Invalid symbol.","code":-1121}', Rejected, "-1121 Invalid symbol."),
        (400, b'{"code":"10007","msg":"bad symbol"}', Rejected, "10007 bad symbol"),
        (418, b"", Blocked, "HTTP 418 an empty body"),
        (429, b"", Unavailable, "HTTP 429 an empty body"),
        (429, b'{"code":-1003,"msg":"Too many"}', Unavailable, "HTTP 429 -1003 Too many"),
        (400, b'{"code":99999,"msg":"New"}', Unavailable, "HTTP 400 99999 New"),
        (200, b'{"code":99999,"msg":"New"}', Unavailable, "99999 New"),
        (400, b"", Unavailable, "HTTP 400 an empty body"),
        (404, b"<title>Not found</title>", Unavailable, "HTTP 404 Not found"),
        (451, b'{"code":0,"msg":"Restricted"}', Blocked, "HTTP 451 0 Restricted"),
        (200, b'{"code":403,"msg":"Access Denied"}', Blocked, "403 Access Denied"),
        (200, b"<html>", Malformed, "not JSON: <html>"),
    ],
)
def test_a_refusal_says_what_to_do_in_mexcs_words(
    status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    error = MEXC.venue.verdict(httpx.Response(status, content=body))
    assert type(error) is kind
    assert str(error).startswith(words)


def test_each_endpoint_has_an_account_of_its_own(page: Page) -> None:
    assert MEXC.catalogue is not None
    lists, klines = MEXC.catalogue.request(None), MEXC.request(LISTING, page(1))
    budgets = MEXC.venue.metering.budgets
    assert lists is not None
    assert [(each.most, each.seconds) for each in budgets] == [(500, 10), (500, 10)]
    assert [each.weight(klines) for each in budgets] == [1, 0]
    assert [each.weight(lists) for each in budgets] == [0, 25]


def test_pages_wait_for_their_ten_seconds_while_lists_go_on(
    connect: Connect, clock: Clock, page: Page, now: datetime
) -> None:
    client = connect(lambda _: httpx.Response(200, content=b"[]"))
    for _ in range(int(SHARE * 500)):
        fetch(client, MEXC, LISTING, page(1), now)
    assert clock.slept == []
    with pytest.raises(Malformed, match="no symbols"):
        catalogue(client, MEXC)
    assert clock.slept == []
    fetch(client, MEXC, LISTING, page(1), now)
    assert 9 < sum(clock.slept) < 11


def symbol(**changed: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "symbol": "PEPEUSDT",
        "status": "1",
        "baseAsset": "PEPE",
        "quoteAsset": "USDT",
        "isSpotTradingAllowed": True,
        "fullName": "Pepe",
    }
    return usual | changed


def markets(connect: Connect, *entries: object) -> Markets:
    body = orjson.dumps({"symbols": entries})
    return catalogue(connect(lambda _: httpx.Response(200, content=body)), MEXC)


@pytest.mark.parametrize(
    "changed",
    [
        {"fullName": "Apple xStock"},
        {"fullName": "Tesla (Ondo)"},
        {"conceptPlates": ["Innovation", "Tokenized Stocks"]},
        {"baseAsset": "BTC3L"},
        {"baseAsset": "ETH5S"},
    ],
)
def test_what_is_no_coin_is_left_out_without_a_word(
    connect: Connect, changed: dict[str, object]
) -> None:
    told = markets(connect, symbol(), symbol(symbol="OTHER", **changed))
    assert (told.frame["symbol"].to_list(), told.odd) == (["PEPEUSDT"], ())


@pytest.mark.parametrize(
    "changed",
    [
        {"fullName": "xStocks Guild"},
        {"fullName": "Ondo"},
        {"fullName": None},
        {"conceptPlates": None},
        {"conceptPlates": ["Innovation"]},
        {"baseAsset": "B3S"},
        {"baseAsset": "SOL"},
        {"baseAsset": "币安人生"},
    ],
)
def test_what_looks_like_it_is_a_coin(connect: Connect, changed: dict[str, object]) -> None:
    told = markets(connect, symbol(**changed))
    assert (told.frame.height, told.odd) == (1, ())


@pytest.mark.parametrize(
    ("changed", "trading"),
    [
        ({"status": "1"}, True),
        ({"status": 1}, True),
        ({"isSpotTradingAllowed": False}, True),
        ({"status": "2"}, False),
        ({"status": "3"}, False),
    ],
)
def test_what_is_online_trades_whoever_may_order(
    connect: Connect, changed: dict[str, object], *, trading: bool
) -> None:
    assert markets(connect, symbol(**changed)).frame["trading"].to_list() == [trading]


@pytest.mark.parametrize("changed", [{"status": "ENABLED"}, {"status": None}, {"baseAsset": ""}])
def test_an_odd_entry_is_left_out_and_known_to_be_in_the_list(
    connect: Connect, changed: dict[str, object]
) -> None:
    told = markets(connect, symbol(), symbol(symbol="ODDUSDT", **changed))
    assert told.frame["symbol"].to_list() == ["PEPEUSDT"]
    assert [each.symbol for each in told.odd] == ["ODDUSDT"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Serving]:
    with serving(coins=20, seed=1, now=TODAY) as serves:
        yield serves


@pytest.fixture
def connected(sandbox: Serving, clock: Clock) -> Iterator[httpx.Client]:
    with client(sandbox.url, timepiece=clock.timepiece) as connected:
        yield connected


@pytest.mark.parametrize("ago", [-1, 0, 100])
def test_the_sandbox_has_all_hours_that_are_closed_and_no_other(
    sandbox: Serving, connected: httpx.Client, ago: int
) -> None:
    end = TODAY.replace(minute=0) - ago * HOUR
    window = Window(end - 500 * HOUR, end)
    frame = fetch(connected, MEXC, LISTING, window, TODAY).frame
    truth = sandbox.truth("mexc", "BTCUSDT", window.start, window.end)
    assert frame["open_time"].dt.epoch("ms").to_list() == [row[0] for row in truth]
    assert frame["close"].to_list() == [row[4] for row in truth]
    assert frame["open_time"][-1] == min(end, TODAY.replace(minute=0)) - HOUR


def test_the_sandboxes_coins_are_known_to_coingecko(connected: httpx.Client) -> None:
    listed = catalogue(connected, MEXC)
    assert (listed.frame["symbol"].to_list(), listed.odd) == (["BTCUSDT", "ETHUSDT"], ())
    assert listed.frame["trading"].all()
    told = coingecko.tickers(connected, "mxc", derivatives=False)
    mapped = listed.frame.join(told, left_on=["asset", "quote"], right_on=["base", "target"])
    assert mapped["coin_id"].to_list() == ["bitcoin", "ethereum"]


def test_the_sandbox_refuses_in_mexcs_words(connected: httpx.Client, page: Page) -> None:
    nobody = Listing(1, "mexc", "NOSUCHUSDT")
    with pytest.raises(Rejected) as caught:
        fetch(connected, MEXC, nobody, page(1), TODAY)
    assert str(caught.value) == "mexc: -1121 Invalid symbol. (NOSUCHUSDT)"


@pytest.mark.parametrize(
    ("kind", "error"), [("403", Blocked), ("418", Blocked), ("500", Unavailable)]
)
def test_the_sandboxes_trouble_is_told(
    sandbox: Serving, connected: httpx.Client, page: Page, kind: str, error: type[SourceError]
) -> None:
    sandbox.fault(kind, source="mexc", seconds=3600)
    with pytest.raises(error, match=r"^mexc: .*\(BTCUSDT\)$"):
        fetch(connected, MEXC, LISTING, page(1), TODAY)
    sandbox.clear()
