from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import HOUR, SCHEMA, Listing, Window
from chandlery.venues import Markets, catalogue, client, fetch, load
from sandbox.serving import Serving, serving
from sources import coingecko
from tests.sources.conftest import Clock, Connect, Page

KUCOIN = load()["kucoin"]
LISTING = Listing(1, "kucoin", "BTC-USDT")
FIRST = 1_704_067_200


def row(opened: int) -> list[str]:
    """An hour of 2 + 1/2 coins for 250 dollars: open, close, high, low."""
    return [str(opened), "100.5", "100.75", "101.25", "99.125", "2.5", "250.25"]


def answer(data: object) -> httpx.Response:
    return httpx.Response(200, content=orjson.dumps({"code": "200000", "data": data}))


class Venue:
    """Two thousand hours from START on; whether the end asked for is included, nobody knows."""

    def __init__(self, *, includes_end: bool, most: int = 1500) -> None:
        self.includes_end = includes_end
        self.most = most
        self.opens = range(FIRST, FIRST + 2000 * 3600, 3600)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        start, end = int(asked["startAt"]), int(asked["endAt"]) + self.includes_end
        found = [row(at) for at in reversed(self.opens) if start <= at < end]
        return answer(found[: self.most])


def test_a_page_is_asked_for_in_seconds_and_ends_a_second_early(page: Page) -> None:
    asked = KUCOIN.request(LISTING, page(48)).url
    assert str(asked).startswith("https://api.kucoin.com/api/v1/market/candles?")
    assert dict(asked.params) == {
        "symbol": "BTC-USDT",
        "type": "1hour",
        "startAt": "1704067200",
        "endAt": "1704239999",
    }


@pytest.mark.parametrize("includes_end", [False, True])
@pytest.mark.parametrize("hours", [1, 2, 1499, 1500])
def test_every_hour_of_a_page_and_no_other_comes_whatever_the_end_means(
    connect: Connect, page: Page, now: datetime, hours: int, *, includes_end: bool
) -> None:
    window = page(hours)
    client = connect(Venue(includes_end=includes_end))
    frame = fetch(client, KUCOIN, LISTING, window, now).frame
    assert frame.schema == SCHEMA
    assert frame["open_time"].to_list() == [window.start + n * HOUR for n in range(hours)]
    assert frame.row(0)[1:] == (100.5, 101.25, 99.125, 100.75, 2.5, 250.25, None, None, None)
    told = Venue(includes_end=includes_end)(KUCOIN.request(LISTING, window))
    assert KUCOIN.parse(told).height == hours


def test_the_documentations_example_has_its_amounts_in_base_and_quote() -> None:
    told = (
        "1566789720",
        "10411.5",
        "10401.9",
        "10411.5",
        "10396.3",
        "29.11357276",
        "302889.301529914",
    )
    frame = KUCOIN.parse(answer([told]))
    assert frame["open_time"].dt.epoch("s").to_list() == [1_566_789_720]
    assert frame.row(0)[1:5] == (10411.5, 10411.5, 10396.3, 10401.9)
    assert frame.row(0)[5:] == (29.11357276, 302889.301529914, None, None, None)


def test_the_candle_still_open_is_left_out_by_the_clock(connect: Connect, page: Page) -> None:
    client, window = connect(Venue(includes_end=True)), page(3)
    assert fetch(client, KUCOIN, LISTING, window, window.end - HOUR / 2).frame.height == 2


def test_an_hour_without_a_trade_is_absent(connect: Connect, page: Page, now: datetime) -> None:
    client = connect(lambda _: answer([row(FIRST + 7200), row(FIRST)]))
    frame = fetch(client, KUCOIN, LISTING, page(3), now).frame
    assert frame["open_time"].to_list() == [page(3).start, page(3).start + 2 * HOUR]
    empty = connect(lambda _: answer([]))
    assert fetch(empty, KUCOIN, LISTING, page(3), now).frame.is_empty()


def test_a_row_before_the_page_costs_nothing_and_one_after_it_is_of_another(
    connect: Connect, page: Page, now: datetime
) -> None:
    hours = (FIRST + 7200, FIRST + 3600, FIRST, FIRST - 3600)
    client = connect(lambda _: answer([row(at) for at in hours]))
    assert fetch(client, KUCOIN, LISTING, page(3), now).frame.height == 3
    with pytest.raises(Malformed, match="its candles are of"):
        fetch(client, KUCOIN, LISTING, page(2), now)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [1],
        [[]],
        [["1704067200", "1", "1", "1", "1", "1"]],
        [["1704067200", "1", "1", "1", "1", "1", None]],
        [["1704067200000", "1", "1", "1", "1", "1", "1"]],
        [["1704067200.5", "1", "1", "1", "1", "1", "1"]],
        [[True, "1", "1", "1", "1", "1", "1"]],
        [["1" * 5000, "1", "1", "1", "1", "1", "1"]],
    ],
    ids=lambda data: str(data)[:40],
)
def test_an_answer_of_another_shape_is_malformed(
    connect: Connect, page: Page, now: datetime, data: object
) -> None:
    client = connect(lambda _: answer(data))
    with pytest.raises(Malformed, match=r"^kucoin: .* \(BTC-USDT\)$"):
        fetch(client, KUCOIN, LISTING, page(1), now)


def test_a_bad_row_costs_its_hour(connect: Connect, page: Page, now: datetime) -> None:
    bad = [str(FIRST + 3600), "1"]
    client = connect(lambda _: answer([row(FIRST + 7200), bad, row(FIRST)]))
    found = fetch(client, KUCOIN, LISTING, page(3), now)
    assert found.frame["open_time"].dt.hour().to_list() == [0, 2]
    assert [each.window for each in found.malformed] == [page(1, page(1).end)]


def test_a_time_may_be_a_number_as_well() -> None:
    told = [[FIRST, *row(FIRST)[1:]]]
    assert KUCOIN.parse(answer(told)).equals(KUCOIN.parse(answer([row(FIRST)])))


TOO_MANY = b'{"code":"429000","msg":"Too Many Requests"}'
NO_PAIR = b'{"code":"400100","msg":"This pair is not provided at present"}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (200, NO_PAIR, Rejected, "400100 This pair is not provided"),
        (400, NO_PAIR, Rejected, "400100 This pair is not provided"),
        (200, b'{"code":"400100","msg":"Unsupported trading pair."}', Rejected, "400100 Unsup"),
        (200, b'{"code":"400100","msg":"symbol can not be empty"}', Unavailable, "400100 symbol"),
        (200, TOO_MANY, Unavailable, "429000 Too Many Requests"),
        (429, TOO_MANY, Unavailable, "429000 Too Many Requests"),
        (429, b"<title>error code: 1015</title>", Unavailable, "HTTP 429 error code: 1015"),
        (200, b'{"code":"400302","msg":"Not here"}', Blocked, "400302 Not here"),
        (403, b"<title>Attention Required!</title>", Blocked, "HTTP 403 Attention"),
        (503, b'{"code":"503000","msg":"Server is busy."}', Unavailable, "503000 Server is busy."),
        (200, b'{"code":"777777","msg":"New"}', Unavailable, "777777 New"),
        (400, b'{"code":"777777","msg":"New"}', Unavailable, "HTTP 400 777777 New"),
        (200, b'{"data":[]}', Malformed, "its answer has no code"),
        (200, b"<html>", Malformed, "not JSON: <html>"),
    ],
)
def test_a_refusal_says_what_to_do_in_kucoins_words(
    status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    error = KUCOIN.venue.verdict(httpx.Response(status, content=body))
    assert type(error) is kind
    assert str(error).startswith(words)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 30),
        ({"retry-after": "7"}, 7),
        ({"gw-ratelimit-reset": "1489"}, 1.489),
        ({"gw-ratelimit-reset": "soon"}, 30),
        ({"gw-ratelimit-reset": "-5"}, 30),
    ],
    ids=str,
)
def test_too_many_rest_until_the_pool_is_full(headers: Mapping[str, str], seconds: float) -> None:
    error = KUCOIN.venue.verdict(httpx.Response(429, content=TOO_MANY, headers=headers))
    assert isinstance(error, Unavailable)
    assert error.after is not None
    assert error.after.total_seconds() == seconds


def test_a_page_weighs_three_and_a_list_four(page: Page) -> None:
    assert KUCOIN.catalogue is not None
    assert KUCOIN.catalogue.assets is not None
    lists, names = KUCOIN.catalogue.request(None), KUCOIN.catalogue.assets.request(None)
    assert lists is not None
    assert names is not None
    asked = [KUCOIN.request(LISTING, page(1500)), lists, names]
    pool, cloudflare = KUCOIN.venue.metering.budgets
    assert [pool.cost(each) for each in asked] == [3, 4, 3]
    assert [cloudflare.cost(each) for each in asked] == [1, 1, 1]
    assert (pool.most, pool.seconds, KUCOIN.venue.metering.period) == (2000, 30, 30)


@pytest.mark.parametrize(
    ("told", "most"), [("4000", 4000), ("0", None), ("", None), ("-1", None), ("many", None)]
)
def test_a_list_restates_the_pool_and_a_page_does_not(
    page: Page, told: str, most: float | None
) -> None:
    assert KUCOIN.catalogue is not None
    lists, pages = KUCOIN.catalogue.request(None), KUCOIN.request(LISTING, page(1))
    assert lists is not None
    pool, _ = KUCOIN.venue.metering.budgets
    assert pool.restated is not None
    for request, expected in ((lists, most), (pages, None)):
        headers = {"gw-ratelimit-limit": told}
        assert pool.restated(httpx.Response(200, headers=headers, request=request)) == expected


def symbol(base: str, **changed: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "symbol": f"{base}-USDT",
        "baseCurrency": base,
        "quoteCurrency": "USDT",
        "market": "USDS",
        "enableTrading": True,
    }
    return usual | changed


def markets(connect: Connect, *entries: object) -> Markets:
    return catalogue(connect(lambda _: answer(entries)), KUCOIN)


def bases(markets: Markets) -> list[str]:
    return markets.frame["base"].to_list()


def test_a_leveraged_token_is_told_by_its_market_and_not_by_its_name(connect: Connect) -> None:
    found = markets(
        connect,
        symbol("BTC3L", market="ETF"),
        symbol("BTCDOWN", market="ETF"),
        symbol("JUP", market="Solana"),
        symbol("3L", market="A fashion of tomorrow"),
    )
    assert (bases(found), found.odd) == (["JUP", "3L"], ())


ODD: Mapping[str, object] = {
    "no market": symbol("ODD", market=None),
    "an empty base": symbol("ODD", baseCurrency=""),
    "whether it trades in words": symbol("ODD", enableTrading="true"),
    "a time in seconds": symbol("ODD", tradingStartTime=1_740_474_000),
    "a number for a name": symbol("ODD", quoteCurrency=7),
    "fields left out": {"symbol": "ODD-USDT"},
}


@pytest.mark.parametrize("entry", ODD.values(), ids=ODD)
def test_an_odd_entry_is_left_out_and_known_to_be_in_the_list(
    connect: Connect, entry: dict[str, object]
) -> None:
    found = markets(connect, symbol("BTC"), {**entry, "symbol": "ODD-USDT"})
    assert (bases(found), [odd.symbol for odd in found.odd]) == (["BTC"], ["ODD-USDT"])


NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
LAST = Window(NOW.replace(minute=0) - 1499 * HOUR, NOW.replace(minute=0) + HOUR)


@pytest.fixture(scope="module")
def venues() -> Iterator[Serving]:
    with serving(coins=60, seed=7, now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(venues: Serving) -> Iterator[Serving]:
    yield venues
    venues.clear()


@pytest.fixture
def connected(sandbox: Serving, clock: Clock) -> Iterator[httpx.Client]:
    with client(sandbox.url, timepiece=clock.timepiece) as connected:
        yield connected


def test_a_page_of_the_sandbox_is_what_it_truly_has(
    sandbox: Serving, connected: httpx.Client
) -> None:
    frame = fetch(connected, KUCOIN, LISTING, LAST, NOW).frame
    truth = sandbox.truth("kucoin", "BTC-USDT", LAST.start, LAST.end)
    names = ("open", "high", "low", "close", "volume", "quote_volume")
    assert [*map(list, frame.select(names).iter_rows())] == [row[1:7] for row in truth]
    assert frame["open_time"].dt.epoch("ms").to_list() == [row[0] for row in truth]
    assert frame["open_time"][-1] == NOW - timedelta(minutes=90)


def test_what_is_listed_can_be_mapped_to_coins(connected: httpx.Client) -> None:
    listed = catalogue(connected, KUCOIN).frame
    told = coingecko.tickers(connected, "kucoin", derivatives=False)
    mapped = listed.join(told, left_on=["asset", "quote"], right_on=["base", "target"])
    assert mapped.filter(symbol="BTC-USDT")["coin_id"].to_list() == ["bitcoin"]
    assert mapped.height == listed.height > 10
    assert "BTC3L" not in set(listed["base"])


def test_a_symbol_that_nobody_knows_is_refused_in_its_own_words(connected: httpx.Client) -> None:
    with pytest.raises(Rejected) as caught:
        fetch(connected, KUCOIN, Listing(1, "kucoin", "NO-SUCH"), LAST, NOW)
    words = "kucoin: 400100 This pair is not provided at present (NO-SUCH)"
    assert str(caught.value) == words


def test_too_many_requests_are_followed_by_the_pause_that_is_told(
    sandbox: Serving, connected: httpx.Client, clock: Clock
) -> None:
    sandbox.fault("429", source="kucoin", seconds=7, count=1)
    assert fetch(connected, KUCOIN, LISTING, LAST, NOW).frame.height == 1499
    assert sum(clock.slept) > 0


def test_a_smaller_pool_is_read_from_the_list_and_kept_without_being_told(clock: Clock) -> None:
    with (
        serving(coins=1, now=NOW, limits=90, clock=clock.read) as strict,
        client(strict.url, timepiece=clock.timepiece) as careful,
    ):
        catalogue(careful, KUCOIN)
        while not clock.slept:
            fetch(careful, KUCOIN, LISTING, LAST, NOW)
        asked = strict.requests()["requests"]
    assert {request["status"] for request in asked} == {200}
    assert 25 <= len(asked) <= 31
