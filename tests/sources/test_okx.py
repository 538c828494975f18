from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

import httpx
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import HOUR, SCHEMA, Listing, Window
from chandlery.venues import Markets, catalogue, fetch, load
from chandlery.venues.verdicts import warn_once
from tests.sources.conftest import Connect, Page

OKX = load()["okx"]
LISTING = Listing(1, "okx", "BTC-USDT")
FIRST = 1_704_067_200_000


def row(opened: int, confirm: str = "1") -> list[str]:
    """An hour of 2 + 1/2 coins for 250 dollars."""
    return [str(opened), "100.5", "101.25", "99.125", "100.75", "2.5", "2.5", "250.25", confirm]


def answer(rows: list[list[str]]) -> httpx.Response:
    return httpx.Response(200, content=orjson.dumps({"code": "0", "msg": "", "data": rows}))


class Venue:
    """A thousand hours from START on, told the way OKX documents it."""

    def __init__(self, most: int = 300, hours: int = 1000) -> None:
        self.most = most
        self.opens = range(FIRST, FIRST + hours * 3_600_000, 3_600_000)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        after, before = int(asked["after"]), int(asked["before"])
        found = [row(at) for at in reversed(self.opens) if before < at < after]
        return answer(found[: min(int(asked["limit"]), self.most)])


def test_a_page_is_asked_for_between_exclusive_cursors(page: Page) -> None:
    asked = OKX.request(LISTING, page(48)).url
    assert str(asked).startswith("https://www.okx.com/api/v5/market/history-candles?")
    assert dict(asked.params) == {
        "instId": "BTC-USDT",
        "bar": "1H",
        "after": "1704240000000",
        "before": "1704067199999",
        "limit": "48",
    }


@pytest.mark.parametrize("hours", [1, 2, 100, 101, 300])
def test_every_hour_of_a_page_and_no_other_comes_in_order(
    connect: Connect, page: Page, now: datetime, hours: int
) -> None:
    window = page(600)
    for part in (
        Window(window.start + at * HOUR, window.start + (at + hours) * HOUR) for at in (0, 7)
    ):
        frame = fetch(connect(Venue()), OKX, LISTING, part, now).frame
        assert frame.schema == SCHEMA
        assert frame["open_time"].to_list() == [part.start + n * HOUR for n in range(hours)]
        assert frame.row(0)[1:] == (100.5, 101.25, 99.125, 100.75, 2.5, 250.25, None, None, None)


def test_a_page_cut_by_the_venues_old_limit_is_not_taken_for_a_gap(
    connect: Connect, page: Page, now: datetime
) -> None:
    client = connect(Venue(most=100))
    with pytest.raises(Malformed, match="okx: 100 rows over 100 hours where 300 were asked for"):
        fetch(client, OKX, LISTING, page(300), now)
    assert fetch(client, OKX, LISTING, page(100), now).frame.height == 100


def test_a_hundred_rows_that_span_their_page_are_all_there_is(
    connect: Connect, page: Page, now: datetime
) -> None:
    opens = [FIRST + n * 3_600_000 for n in (*range(99), 119)]
    client = connect(lambda _: answer([row(at) for at in reversed(opens)]))
    assert fetch(client, OKX, LISTING, page(120), now).frame.height == 100


def test_a_coin_listed_within_the_page_is_not_taken_for_a_cut_one(
    connect: Connect, page: Page, now: datetime
) -> None:
    client = connect(Venue(hours=99))
    assert fetch(client, OKX, LISTING, page(300), now).frame.height == 99


def test_a_candle_that_is_not_confirmed_is_left_out(
    connect: Connect, page: Page, now: datetime
) -> None:
    client = connect(lambda _: answer([row(FIRST + 3_600_000, "0"), row(FIRST)]))
    assert fetch(client, OKX, LISTING, page(2), now).frame["open_time"].to_list() == [page(1).start]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"code":"0"}',
        b'{"code":"0","data":{}}',
        b'{"code":"0","data":[["1704067200000","1","1","1","1","1","1","1"]]}',
        b'{"code":"0","data":[["1704067200000","1","1","1","1","1","1","1","2"]]}',
        b'{"code":"0","data":[["1704067200000","1","1","1","1","1","1","1",1]]}',
        b'{"code":"0","data":[["1704067200","1","1","1","1","1","1","1","1"]]}',
    ],
)
def test_an_answer_of_another_shape_is_malformed(
    connect: Connect, page: Page, now: datetime, body: bytes
) -> None:
    client = connect(lambda _: httpx.Response(200, content=body))
    with pytest.raises(Malformed, match=r"^okx: .* \(BTC-USDT\)$"):
        fetch(client, OKX, LISTING, page(1), now)


TOO_MANY = b'{"msg":"Too Many Requests","code":"50011"}'
NO_SUCH = b'{"code":"51001","data":[],"msg":"Instrument ID does not exist"}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (429, TOO_MANY, Unavailable, "50011 Too Many Requests"),
        (200, TOO_MANY, Unavailable, "50011 Too Many Requests"),
        (200, NO_SUCH, Rejected, "51001 Instrument ID does not exist"),
        (400, NO_SUCH, Rejected, "51001 Instrument ID does not exist"),
        (200, b'{"code":"51000","msg":"Parameter bar error"}', Unavailable, "51000 Parameter bar"),
        (503, b'{"code":"50001","msg":"Service unavailable"}', Unavailable, "50001 Service unav"),
        (401, b'{"code":"50111","msg":"Invalid OK-ACCESS-KEY"}', Blocked, "50111 Invalid OK-ACC"),
        (400, b'{"code":"59999","msg":"New"}', Unavailable, "HTTP 400 59999 New"),
        (200, b'{"code":"59999","msg":"New"}', Unavailable, "59999 New"),
        (400, b"", Unavailable, "HTTP 400 an empty body"),
        (403, b"<title>Access denied</title>", Blocked, "HTTP 403 Access denied"),
        (451, b"", Blocked, "HTTP 451 an empty body"),
        (502, b"Bad gateway", Unavailable, "HTTP 502 Bad gateway"),
        (200, b'{"data":[]}', Malformed, "its answer has no code"),
        (200, b"<html>", Malformed, "not JSON: <html>"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do_in_okxs_words(
    status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    error = OKX.venue.verdict(httpx.Response(status, content=body))
    assert type(error) is kind
    assert str(error).startswith(words)


def test_too_many_rest_the_two_seconds_of_the_budget() -> None:
    for status in (200, 429):
        error = OKX.venue.verdict(httpx.Response(status, content=TOO_MANY))
        assert isinstance(error, Unavailable)
        assert error.after is not None
        assert error.after.total_seconds() == OKX.venue.metering.period == 2


def instrument(**changed: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "instType": "SPOT",
        "instId": "PEPE-USDT",
        "baseCcy": "PEPE",
        "quoteCcy": "USDT",
        "state": "live",
        "listTime": "1683270000000",
        "expTime": "",
    }
    return usual | changed


def markets(connect: Connect, *entries: object) -> Markets:
    body = orjson.dumps({"code": "0", "msg": "", "data": entries})
    return catalogue(connect(lambda _: httpx.Response(200, content=body)), OKX)


def listed(connect: Connect, *entries: object) -> pl.DataFrame:
    return markets(connect, *entries).frame


def test_what_is_crypto_is_listed_and_a_new_kind_is_left_out_and_told_once(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    warn_once.cache_clear()
    kinds = ("1", 1, "", None, "3", 4, "7", 7, True, [])
    entries = [instrument(instId=f"{n}-USDT", instCategory=n) for n in kinds]
    for _ in range(2):
        told = markets(connect, *entries, instrument())
        symbols = ["1-USDT", "1-USDT", "-USDT", "None-USDT", "PEPE-USDT"]
        assert (told.frame["symbol"].to_list(), told.odd) == (symbols, ())
    words = "okx: its list has entries of a kind that is not known:"
    assert caplog.messages == [f"{words} {kind}" for kind in ("7", "True", "[]")]


ODD: Mapping[str, object] = {
    "a placeholder": instrument(instId="LISTING-SPOT-1", baseCcy=""),
    "no state": instrument(instId="LISTING-SPOT-1", state=None),
    "launched before 1970": instrument(instId="LISTING-SPOT-1", listTime="-1"),
    "gone in the year 9999": instrument(instId="LISTING-SPOT-1", expTime="253402300799000"),
    "a time in words": instrument(instId="LISTING-SPOT-1", listTime="soon"),
    "a number for a name": instrument(instId="LISTING-SPOT-1", quoteCcy=7),
    "a name that nobody can print": instrument(instId="LISTING-SPOT-1", baseCcy="A\nB"),
    "fields left out": {"instId": "LISTING-SPOT-1"},
}


@pytest.mark.parametrize("entry", ODD.values(), ids=ODD)
def test_an_odd_entry_is_left_out_and_known_to_be_in_the_list(
    connect: Connect, entry: object
) -> None:
    told = markets(connect, instrument(), entry)
    assert told.frame["symbol"].to_list() == ["PEPE-USDT"]
    ((symbol, words),) = told.odd
    assert symbol == "LISTING-SPOT-1"
    assert words.isprintable()
    with pytest.raises(Malformed, match=r"^okx: its list of symbols: .* \(catalogue\)$"):
        listed(connect, entry)


@pytest.mark.parametrize(
    "entry", [7, None, [], {}, instrument(instId="A\u2028"), instrument(instId="")]
)
def test_an_odd_entry_may_have_no_symbol(connect: Connect, entry: object) -> None:
    told = markets(connect, instrument(), entry)
    assert [each.symbol for each in told.odd] == [None]
    assert len(told.odd[0].words) < 300


@pytest.mark.parametrize("entries", [[], [instrument(instType="SWAP")]])
def test_a_list_without_one_coin_is_malformed(connect: Connect, entries: list[object]) -> None:
    with pytest.raises(Malformed, match=r"^okx: its list of symbols is empty \(catalogue\)$"):
        listed(connect, *entries)


def test_a_name_in_chinese_is_a_name(connect: Connect) -> None:
    told = markets(connect, instrument(instId="币安人生-USDT", baseCcy="币安人生"))
    assert (told.frame["symbol"].to_list(), told.odd) == (["币安人生-USDT"], ())


def test_a_row_whose_confirm_nobody_knows_costs_its_hour(
    connect: Connect, page: Page, now: datetime
) -> None:
    flags = ["1", "2", "1", "1", "0"]
    rows = [row(FIRST + n * 3_600_000, flag) for n, flag in enumerate(flags)]
    client = connect(lambda _: answer(rows[::-1]))
    found = fetch(client, OKX, LISTING, page(5), now)
    assert found.frame["open_time"].dt.hour().to_list() == [0, 2, 3]
    assert [each.window for each in found.malformed] == [page(1, page(1).end)]


def test_an_instrument_ends_when_it_is_said_to(connect: Connect) -> None:
    frame = listed(connect, instrument(state="suspend", expTime="1700000000000"))
    assert frame["end"].dt.epoch("ms").to_list() == [1_700_000_000_000]
    assert frame["start"].dt.epoch("ms").to_list() == [1_683_270_000_000]
    assert frame["trading"].to_list() == [False]


@pytest.mark.parametrize("entry", [1, {}, instrument(listTime="soon"), instrument(listTime="7")])
def test_a_catalogue_of_another_shape_is_malformed(connect: Connect, entry: object) -> None:
    with pytest.raises(Malformed, match=r"^okx: its list of symbols: .* \(catalogue\)$"):
        listed(connect, entry)


keys = st.sampled_from(["code", "data", "msg"])
values = st.sampled_from(["0", 0, [], [[]], [["0"] * 9], [["1704067200000"] * 9], [None], {}])


@given(st.binary() | st.builds(orjson.dumps, st.dictionaries(keys, values)))
def test_whatever_comes_is_candles_or_one_of_ours(body: bytes) -> None:
    told = httpx.Response(200, content=body)
    assert OKX.venue.verdict(told) is None or isinstance(OKX.venue.verdict(told), SourceError)
    for read_it in (OKX.parse, OKX.catalogue.parse):
        with suppress(Malformed):
            read_it(told)
