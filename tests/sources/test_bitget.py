from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import HOUR, Listing, Window, whole_hour
from chandlery.venues import Markets, catalogue, fetch, load, page_before, pages
from tests.sources.conftest import Connect, Page

BITGET = load()["bitget"]
LISTING = Listing(1, "bitget", "BTCUSDT")
NEWEST, OLDER = "/api/v2/spot/market/candles", "/api/v2/spot/market/history-candles"
MOST = {NEWEST: 1000, OLDER: 200}
FIRST = 1_704_067_200_000
STEP = 3_600_000
DAY = timedelta(days=1)
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def row(opened: int) -> list[str]:
    """An hour of 2 + 1/2 coins for 250 liras, of which each is two fifths of a dollar."""
    return [str(opened), "100.5", "101.25", "99.125", "100.75", "2.5", "100.1", "250.25"]


def answer(rows: Sequence[object], at: datetime = NOW) -> httpx.Response:
    told = int(at.timestamp()) * 1000
    head = {"code": "00000", "msg": "success", "requestTime": told}
    return httpx.Response(200, content=orjson.dumps({**head, "data": rows}))


class Venue:
    """Every hour from FIRST on, told the way Bitget documents it; none of a page that is too old
    for the endpoint of the newest."""

    def __init__(self, now: datetime, days: int = 60, missing: Sequence[int] = ()) -> None:
        self.now = int(now.timestamp()) * 1000
        self.wall = self.now - days * 24 * STEP
        self.missing = {FIRST + n * STEP for n in missing}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, told = request.url.path, request.url.params
        end, limit = int(told["endTime"]), int(told["limit"])
        assert 0 < limit <= MOST[path]
        self.asked.append(path)
        if path == NEWEST and end - limit * STEP < self.wall:
            return self.told([])
        opens = [at for at in range(FIRST, min(end, self.now), STEP) if at not in self.missing]
        return self.told([row(at) for at in opens[-limit:]])

    def told(self, rows: Sequence[object]) -> httpx.Response:
        return answer(rows, datetime.fromtimestamp(self.now / 1000, UTC))


def asked(page: Window) -> tuple[str, dict[str, str]]:
    url = BITGET.request(LISTING, page).url
    assert url.host == "api.bitget.com"
    return url.path, dict(url.params)


@pytest.mark.parametrize(
    ("hours", "path"), [(1, OLDER), (200, OLDER), (201, NEWEST), (1000, NEWEST)]
)
def test_a_page_is_asked_for_by_its_end_and_its_length_alone(
    page: Page, hours: int, path: str
) -> None:
    end = str(FIRST + hours * STEP)
    params = {"symbol": "BTCUSDT", "granularity": "1h", "endTime": end, "limit": str(hours)}
    assert asked(page(hours)) == (path, params)


def test_pages_are_long_where_all_of_them_is_recent_and_short_elsewhere() -> None:
    window = Window(whole_hour(NOW - 70 * DAY), whole_hour(NOW))
    found = list(pages(BITGET, window, NOW))
    assert [each.hours for each in found] == [200, 160, 1000, 320]
    assert found[2].start == whole_hour(NOW - 55 * DAY)


@pytest.mark.parametrize(("days", "hours"), [(1, 1000), (40, 200), (55, 200), (400, 200)])
def test_the_page_before_an_hour_is_as_long_as_its_age_allows(
    connect: Connect, days: int, hours: int
) -> None:
    end = whole_hour(NOW) - days * DAY
    before = page_before(BITGET, end, NOW)
    assert before == Window(end - hours * HOUR, end)
    assert fetch(connect(Venue(NOW)), BITGET, LISTING, before, NOW).frame.height == hours


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 59))
def test_pages_tile_their_window_and_none_that_is_long_is_old(
    one: int, other: int, later: int, minutes: int
) -> None:
    here = whole_hour(NOW)
    window = Window(here + min(one, other) * HOUR, here + max(one, other) * HOUR)
    now = window.end + timedelta(hours=later, minutes=minutes)
    found = list(pages(BITGET, window, now))
    assert [each.start for each in found[:1]] == [window.start] * bool(window.hours)
    assert [each.end for each in found[-1:]] == [window.end] * bool(window.hours)
    assert all(one.end == next_.start for one, next_ in pairwise(found))
    for each in found:
        assert 0 < each.hours <= (1000 if each.start > now - 56 * DAY else 200)


def test_every_hour_comes_from_the_endpoint_that_has_it(connect: Connect, page: Page) -> None:
    window = page(70 * 24)
    now = window.end
    venue = Venue(now)
    client = connect(venue)
    frames = [
        fetch(client, BITGET, LISTING, each, now).frame for each in pages(BITGET, window, now)
    ]
    frame = pl.concat(frames)
    assert frame["open_time"].to_list() == [window.start + n * HOUR for n in range(70 * 24)]
    assert frame.row(0)[1:] == (100.5, 101.25, 99.125, 100.75, 2.5, 250.25, None, None, None)
    assert venue.asked == [OLDER, OLDER, NEWEST, NEWEST]


@pytest.mark.parametrize("hours", [100, 300])
def test_an_hour_that_is_absent_costs_no_other(connect: Connect, page: Page, hours: int) -> None:
    window = page(hours, page(50).end)
    client = connect(Venue(window.end, missing=[60, 61]))
    frame = fetch(client, BITGET, LISTING, window, window.end).frame
    assert frame.height == hours - 2
    assert frame["open_time"][0] == window.start


def test_a_symbol_that_was_gone_by_then_has_nothing(connect: Connect, page: Page) -> None:
    client = connect(lambda _: answer([row(FIRST + n * STEP) for n in range(200)]))
    window = page(200, page(9000).end)
    assert fetch(client, BITGET, LISTING, window, NOW).frame.is_empty()


def test_the_candle_still_open_is_left_out_by_the_clock(connect: Connect, page: Page) -> None:
    window = page(300)
    now = window.end - HOUR / 2
    frame = fetch(connect(Venue(now)), BITGET, LISTING, window, now).frame
    assert frame["open_time"][-1] == window.end - 2 * HOUR


@pytest.mark.parametrize("off", [1, 24 * 365])
def test_a_candle_of_the_pages_end_or_later_is_of_another_page(
    connect: Connect, page: Page, off: int
) -> None:
    client = connect(lambda _: answer([row(FIRST + (n + off) * STEP) for n in range(24)]))
    with pytest.raises(Malformed, match=r"^bitget: its candles are of .* \(BTCUSDT\)$"):
        fetch(client, BITGET, LISTING, page(24), NOW)


def test_a_run_may_take_days_until_its_pages_are_beyond_the_wall(
    connect: Connect, page: Page
) -> None:
    window = page(300)
    now = window.start + 55 * DAY
    assert list(pages(BITGET, window, now)) == [window]
    client = connect(Venue(now + 4 * DAY))
    assert fetch(client, BITGET, LISTING, window, now).frame.height == 300
    client = connect(Venue(now + 6 * DAY))
    with pytest.raises(Malformed, match="0 rows where 300 were asked for, some more than 60"):
        fetch(client, BITGET, LISTING, window, now)


@pytest.mark.parametrize("told", [b"null", b'"1"', b"1.5", b"true", b"[]", b"-1", b"1" * 30])
def test_nothing_goes_by_a_request_time_that_is_none(
    connect: Connect, page: Page, told: bytes
) -> None:
    body = b'{"code":"00000","requestTime":%b,"data":[]}' % told
    client = connect(lambda _: httpx.Response(200, content=body))
    assert fetch(client, BITGET, LISTING, page(300), NOW).frame.is_empty()


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [["1704067200000", "1", "1", "1", "1", "1", "1"]],
        [["1704067200", "1", "1", "1", "1", "1", "1", "1"]],
        [["1704067200000", "1", "1", "1", "1", "1", "1", None]],
    ],
)
def test_an_answer_of_another_shape_is_malformed(
    connect: Connect, page: Page, data: Sequence[object]
) -> None:
    client = connect(lambda _: answer(data))
    with pytest.raises(Malformed, match=r"^bitget: .* \(BTCUSDT\)$"):
        fetch(client, BITGET, LISTING, page(1), NOW)


NO_SUCH = b'{"code":"40034","msg":"Parameter NOPEUSDT does not exist","data":null}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, NO_SUCH, Rejected, "40034 Parameter NOPEUSDT does not exist"),
        (200, NO_SUCH, Rejected, "40034 Parameter NOPEUSDT does not exist"),
        (
            400,
            b'{"code":"40034","msg":"Parameter granularity does not exist"}',
            Unavailable,
            "4003",
        ),
        (400, b'{"code":"40309","msg":"The symbol has been removed"}', Rejected, "40309 The symb"),
        (400, b'{"code":"40019","msg":"Parameter symbol cannot be empty"}', Unavailable, "40019 "),
        (429, b'{"code":"429","msg":"Too Many Requests"}', Unavailable, "429 Too Many Requests"),
        (400, b'{"code":"40404","msg":"Request URL NOT FOUND"}', Unavailable, "HTTP 400 40404 Re"),
        (200, b'{"code":"99999","msg":"New"}', Unavailable, "99999 New"),
        (403, b"<title>Just a moment...</title>", Blocked, "HTTP 403 Just a moment..."),
        (451, b"", Blocked, "HTTP 451 an empty body"),
        (400, b"", Unavailable, "HTTP 400 an empty body"),
        (502, b"Bad gateway", Unavailable, "HTTP 502 Bad gateway"),
        (200, b'{"data":[]}', Malformed, "its answer has no code"),
        (200, b"<html>", Malformed, "not JSON: <html>"),
    ],
)
def test_a_refusal_says_what_to_do_in_bitgets_words(
    status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    error = BITGET.venue.verdict(httpx.Response(status, content=body))
    assert type(error) is kind
    assert str(error).startswith(words)


def test_each_endpoint_is_metered_by_itself_and_all_of_them_together(page: Page) -> None:
    assert BITGET.catalogue is not None
    assert BITGET.catalogue.assets is not None
    listing, coins = BITGET.catalogue.request(None), BITGET.catalogue.assets.request(None)
    assert listing is not None
    assert coins is not None
    requests = [BITGET.request(LISTING, page(hours)) for hours in (201, 200)] + [listing, coins]
    costs = [
        [each.weight(request) for each in BITGET.venue.metering.budgets] for request in requests
    ]
    assert costs == [[1, 0, 0, 0, 1], [0, 1, 0, 0, 1], [0, 0, 1, 0, 1], [0, 0, 0, 1, 1]]


def symbol(base: str, **changed: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "symbol": f"{base.upper()}USDT",
        "baseCoin": base,
        "quoteCoin": "USDT",
        "status": "online",
        "areaSymbol": "no",
        "openTime": "1532454360000",
        "offTime": "",
    }
    return usual | changed


def markets(connect: Connect, *entries: object) -> Markets:
    return catalogue(connect(lambda _: answer(entries)), BITGET)


def test_stocks_as_tokens_are_left_out_and_coins_that_begin_alike_are_not(connect: Connect) -> None:
    told = markets(connect, symbol("RENDER"), symbol("rNVDA", areaSymbol="yes"), symbol("RLC"))
    assert told.frame["base"].to_list() == ["RENDER", "RLC"]
    assert told.odd == ()


@pytest.mark.parametrize("status", ["gray", "halt", "offline"])
def test_only_what_is_online_trades(connect: Connect, status: str) -> None:
    told = markets(connect, symbol("A"), symbol("B", status=status)).frame
    assert told["trading"].to_list() == [True, False]


@pytest.mark.parametrize("told", ["", "-1", None])
def test_a_symbol_of_which_no_end_is_announced_has_none(connect: Connect, told: object) -> None:
    assert markets(connect, symbol("A", offTime=told)).frame["end"].to_list() == [None]


@pytest.mark.parametrize("entry", [symbol("B", offTime="soon"), symbol("B", status="")])
def test_an_odd_entry_is_left_out_and_known_to_be_in_the_list(
    connect: Connect, entry: object
) -> None:
    told = markets(connect, symbol("A"), entry)
    assert told.frame["symbol"].to_list() == ["AUSDT"]
    assert [odd.symbol for odd in told.odd] == ["BUSDT"]
