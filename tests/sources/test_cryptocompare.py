from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import HOUR, SCHEMA, Listing
from chandlery.venues import configured, fetch, load
from tests.sources.conftest import Connect, Page

INDEX = load()["cryptocompare"]
LISTING = Listing(1, "cryptocompare", "BTC")
KEYS = {"cryptocompare": "secret"}
FIRST = 1_704_067_200


def hour(opened: int, **changed: float) -> dict[str, float]:
    usual = {
        "time": opened,
        "high": 101.25,
        "low": 99.125,
        "open": 100.5,
        "volumefrom": 2.5,
        "volumeto": 250.25,
        "close": 100.75,
    }
    return usual | changed


def answer(hours: list[dict[str, float]]) -> httpx.Response:
    body = {"Response": "Success", "Type": 100, "Err": {}, "Data": {"Data": hours}}
    return httpx.Response(200, content=orjson.dumps(body))


def venue(extra: int) -> Callable[[httpx.Request], httpx.Response]:
    """The hours up to toTs, within, and as many before it as `limit` and `extra` say."""

    def serve(request: httpx.Request) -> httpx.Response:
        last = int(request.url.params["toTs"]) // 3600 * 3600
        count = min(int(request.url.params["limit"]), 2000) + extra
        opens = range(last - (count - 1) * 3600, last + 1, 3600)
        return answer([hour(at) for at in opens])

    return serve


def test_a_page_is_asked_for_up_to_its_last_second(page: Page) -> None:
    asked = INDEX.request(LISTING, page(48)).url
    assert str(asked).startswith("https://min-api.cryptocompare.com/data/v2/histohour?")
    assert dict(asked.params) == {
        "fsym": "BTC",
        "tsym": "USD",
        "limit": "48",
        "toTs": "1704239999",
    }


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("hours", [1, 2, 2000])
def test_every_hour_of_a_page_and_no_other_comes_whichever_way_limit_counts(
    connect: Connect, page: Page, now: datetime, hours: int, extra: int
) -> None:
    window = page(hours)
    frame = fetch(connect(venue(extra), keys=KEYS), INDEX, LISTING, window, now).frame
    assert frame.schema == SCHEMA
    assert frame["open_time"].to_list() == [window.start + n * HOUR for n in range(hours)]
    assert frame.row(0)[1:] == (100.5, 101.25, 99.125, 100.75, 2.5, 250.25, None, None, None)


def test_its_candles_are_an_indexs_and_give_way_to_traded_ones() -> None:
    assert INDEX.kind == "indicative"
    assert INDEX.catalogue is None


def test_the_key_goes_in_the_header_as_documented(
    connect: Connect, page: Page, now: datetime
) -> None:
    seen: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return answer([hour(FIRST)])

    fetch(connect(serve, keys=KEYS), INDEX, LISTING, page(1), now)
    assert seen == ["Apikey secret"]


def test_without_a_key_nothing_is_sent_and_it_is_not_configured(
    connect: Connect, page: Page, now: datetime
) -> None:
    client = connect(lambda _: pytest.fail("something was sent"))
    with pytest.raises(Blocked, match="not configured: set CRYPTOCOMPARE_API_KEY"):
        fetch(client, INDEX, LISTING, page(1), now)
    assert not configured({}, INDEX)
    assert configured(KEYS, INDEX)


ZERO = {"open": 0, "high": 0.0, "low": 0, "close": 0, "volumefrom": 0, "volumeto": 0}


def test_hours_of_zeros_are_no_candles(connect: Connect, page: Page, now: datetime) -> None:
    hours = [hour(FIRST, **ZERO), hour(FIRST + 3600), hour(FIRST + 7200, **ZERO)]
    client = connect(lambda _: answer(hours), keys=KEYS)
    frame = fetch(client, INDEX, LISTING, page(3), now).frame
    assert frame["open_time"].to_list() == [page(1).end]
    client = connect(lambda _: answer([hour(FIRST, **ZERO)]), keys=KEYS)
    assert fetch(client, INDEX, LISTING, page(1), now).frame.is_empty()


def test_an_hour_without_volume_is_a_candle(connect: Connect, page: Page, now: datetime) -> None:
    client = connect(lambda _: answer([hour(FIRST, volumefrom=0, volumeto=0)]), keys=KEYS)
    assert fetch(client, INDEX, LISTING, page(1), now).frame.row(0)[5:] == (
        0.0,
        0.0,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    "bad", [hour(FIRST + 3600, low=0), hour(FIRST + 3600) | {"close": None}, {"time": 0}, None]
)
def test_a_bad_hour_costs_itself(
    connect: Connect, page: Page, now: datetime, bad: dict[str, float]
) -> None:
    client = connect(lambda _: answer([hour(FIRST), bad, hour(FIRST + 7200)]), keys=KEYS)
    found = fetch(client, INDEX, LISTING, page(3), now)
    assert found.frame["open_time"].dt.hour().to_list() == [0, 2]
    assert [each.window for each in found.malformed] == [page(1, page(1).end)]


def test_one_price_of_zero_is_malformed(connect: Connect, page: Page, now: datetime) -> None:
    client = connect(lambda _: answer([hour(FIRST, low=0)]), keys=KEYS)
    with pytest.raises(Malformed, match="prices are finite and above zero"):
        fetch(client, INDEX, LISTING, page(1), now)


@pytest.mark.parametrize(
    "prices", [(90.0, 101.25, 90.0, 100.75), (110.0, 110.0, 99.125, 100.75)], ids=["low", "high"]
)
def test_high_and_low_reach_to_an_open_that_is_the_close_before(
    connect: Connect, page: Page, now: datetime, prices: tuple[float, ...]
) -> None:
    client = connect(lambda _: answer([hour(FIRST, open=prices[0])]), keys=KEYS)
    assert fetch(client, INDEX, LISTING, page(1), now).frame.row(0)[1:5] == prices


def test_a_close_outside_of_high_and_low_is_malformed(
    connect: Connect, page: Page, now: datetime
) -> None:
    client = connect(lambda _: answer([hour(FIRST, close=200)]), keys=KEYS)
    with pytest.raises(Malformed, match="high is highest"):
        fetch(client, INDEX, LISTING, page(1), now)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"Data":{}}',
        b'{"Data":[1]}',
        b'{"Data":{"Data":[{"time":1704067200}]}}',
        b'[{"time":1704067200000,"open":1,"high":1,"low":1,"close":1,"volumefrom":1,"volumeto":1}]',
        b'[{"time":"1704067200","open":1,"high":1,"low":1,"close":1,"volumefrom":1,"volumeto":1}]',
        b'[{"time":1704067200,"open":null,"high":1,"low":1,"close":1,"volumefrom":1,"volumeto":1}]',
    ],
)
def test_an_answer_of_another_shape_is_malformed(
    connect: Connect, page: Page, now: datetime, body: bytes
) -> None:
    client = connect(lambda _: httpx.Response(200, content=body), keys=KEYS)
    with pytest.raises(Malformed, match=r"^cryptocompare: .* \(BTC\)$"):
        fetch(client, INDEX, LISTING, page(1), now)


NO_KEY = b'{"Data":{},"Err":{"type":2,"message":"API key required. Get one"}}'
OLD_NO_KEY = b'{"Response":"Error","Message":"You need a valid auth key or api key","Type":1}'
NO_PAIR = b'{"Response":"Error","Message":"market does not exist (X-USD)","Type":2,"Data":{}}'
SPENT = b'{"Response":"Error","Message":"You are over your rate limit","Type":99}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, NO_KEY, Blocked, "2 API key required. Get one"),
        (200, NO_KEY, Blocked, "2 API key required. Get one"),
        (200, OLD_NO_KEY, Blocked, "1 You need a valid auth key or api key"),
        (401, b"", Blocked, "HTTP 401 an empty body"),
        (200, NO_PAIR, Rejected, "2 market does not exist (X-USD)"),
        (200, SPENT, Unavailable, "99 You are over your rate limit"),
        (429, b'{"Err":{"type":99,"message":"slow"}}', Unavailable, "99 slow"),
        (429, b"slow down", Unavailable, "HTTP 429 slow down"),
        (200, b'{"Response":"Error"}', Unavailable, "error"),
        (500, b'{"Response":"Error","Message":"oops","Type":3}', Unavailable, "HTTP 500 3 oops"),
        (404, b"", Unavailable, "HTTP 404 an empty body"),
        (200, b"<html>", Malformed, "not JSON"),
    ],
)
def test_a_refusal_says_what_to_do_in_cryptocompares_words(
    status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    error = INDEX.venue.verdict(httpx.Response(status, content=body))
    assert type(error) is kind
    assert str(error).startswith(words)


@pytest.mark.parametrize(
    ("period", "seconds"),
    [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86400), ("month", 86400), ("age", 60)],
)
def test_a_spent_limit_rests_until_its_period_is_over(period: str, seconds: int) -> None:
    spent = {"calls_made": {"second": 0, period: 5}, "max_calls": {"second": 20, period: 5}}
    told = {"Response": "Error", "Message": "over", "Type": 99, "RateLimit": spent}
    error = INDEX.venue.verdict(httpx.Response(200, content=orjson.dumps(told)))
    assert isinstance(error, Unavailable)
    assert error.after is not None
    assert error.after.total_seconds() == seconds


keys = st.sampled_from(["Data", "Err", "Response", "Type", "Message", "RateLimit", "type", "time"])
values = st.recursive(
    st.sampled_from(["Error", 99, "", None, hour(FIRST), hour(-1), [hour(1) | {"time": "9" * 9}]]),
    lambda inner: st.dictionaries(keys, inner) | st.lists(inner),
)


@given(st.binary() | st.builds(orjson.dumps, values), st.sampled_from([200, 401, 500]))
def test_whatever_comes_is_candles_or_one_of_ours(body: bytes, status: int) -> None:
    response = httpx.Response(status, content=body)
    error = INDEX.venue.verdict(response)
    assert error is None or isinstance(error, SourceError)
    assert (status == 200) or error is not None
    with suppress(Malformed):
        assert INDEX.parse(response).schema == SCHEMA
