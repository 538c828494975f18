from __future__ import annotations

import gzip
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candles import (
    HOUR,
    SCHEMA,
    Blocked,
    Listing,
    Malformed,
    Rejected,
    SourceError,
    Unavailable,
    Window,
)
from sources import CATALOGUE, catalogue, fetch, load

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import polars as pl
    from conftest import Connect, Page

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
        frame = fetch(connect(Venue()), OKX, LISTING, part, now)
        assert frame.schema == SCHEMA
        assert frame["open_time"].to_list() == [part.start + n * HOUR for n in range(hours)]
        assert frame.row(0)[1:] == (100.5, 101.25, 99.125, 100.75, 2.5, 250.25, None)


def test_a_page_cut_by_the_venues_old_limit_is_not_taken_for_a_gap(
    connect: Connect, page: Page, now: datetime
) -> None:
    client = connect(Venue(most=100))
    with pytest.raises(Malformed, match="okx: 100 rows over 100 hours where 300 were asked for"):
        fetch(client, OKX, LISTING, page(300), now)
    assert fetch(client, OKX, LISTING, page(100), now).height == 100


def test_a_hundred_rows_that_span_their_page_are_all_there_is(
    connect: Connect, page: Page, now: datetime
) -> None:
    opens = [FIRST + n * 3_600_000 for n in (*range(99), 119)]
    client = connect(lambda _: answer([row(at) for at in reversed(opens)]))
    assert fetch(client, OKX, LISTING, page(120), now).height == 100


def test_a_coin_listed_within_the_page_is_not_taken_for_a_cut_one(
    connect: Connect, page: Page, now: datetime
) -> None:
    client = connect(Venue(hours=99))
    assert fetch(client, OKX, LISTING, page(300), now).height == 99


def test_a_candle_that_is_not_confirmed_is_left_out(
    connect: Connect, page: Page, now: datetime
) -> None:
    client = connect(lambda _: answer([row(FIRST + 3_600_000, "0"), row(FIRST)]))
    assert fetch(client, OKX, LISTING, page(2), now)["open_time"].to_list() == [page(1).start]


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
        (200, b'{"code":"51000","msg":"Parameter bar error"}', Rejected, "51000 Parameter bar"),
        (503, b'{"code":"50001","msg":"Service unavailable"}', Unavailable, "50001 Service unav"),
        (401, b'{"code":"50111","msg":"Invalid OK-ACCESS-KEY"}', Blocked, "50111 Invalid OK-ACC"),
        (400, b'{"code":"59999","msg":"New"}', Rejected, "HTTP 400 59999 New"),
        (200, b'{"code":"59999","msg":"New"}', Rejected, "59999 New"),
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


def instrument(**changed: str) -> dict[str, str]:
    usual = {
        "instType": "SPOT",
        "instId": "PEPE-USDT",
        "baseCcy": "PEPE",
        "quoteCcy": "USDT",
        "state": "live",
        "listTime": "1683270000000",
        "expTime": "",
    }
    return usual | changed


def listed(connect: Connect, *entries: object) -> pl.DataFrame:
    body = orjson.dumps({"code": "0", "msg": "", "data": entries})
    return catalogue(connect(lambda _: httpx.Response(200, content=body)), OKX)


def test_stocks_are_left_out_of_the_catalogue(connect: Connect) -> None:
    entries = [instrument(instId=f"{n}-USDT", instCategory=n) for n in ("1", "3", "4", "")]
    frame = listed(connect, *entries, instrument())
    assert frame["symbol"].to_list() == ["1-USDT", "-USDT", "PEPE-USDT"]


def test_an_instrument_ends_when_it_is_said_to(connect: Connect) -> None:
    frame = listed(connect, instrument(state="suspend", expTime="1700000000000"))
    assert frame["end"].dt.epoch("ms").to_list() == [1_700_000_000_000]
    assert frame["start"].dt.epoch("ms").to_list() == [1_683_270_000_000]
    assert frame["trading"].to_list() == [False]


@pytest.mark.parametrize("entry", [1, {}, instrument(listTime="soon"), instrument(listTime="7")])
def test_a_catalogue_of_another_shape_is_malformed(connect: Connect, entry: object) -> None:
    with pytest.raises(Malformed, match=r"^okx: its list of symbols: .* \(catalogue\)$"):
        listed(connect, entry)


def read(recorded: Path, name: str) -> bytes:
    body = (recorded / "okx" / name).read_bytes()
    return gzip.decompress(body) if name.endswith(".gz") else body


def test_the_recorded_candles_are_read_as_they_were_sent(recorded: Path) -> None:
    body = read(recorded, "market_candles_BTC-USDT-SWAP_1m_2025-05-13.json")
    frame = OKX.parse(httpx.Response(200, content=body))
    opened = frame["open_time"].dt.epoch("ms").to_list()
    assert opened == [1_747_094_040_000, 1_747_093_980_000]
    assert frame.row(0)[1:] == (
        102806.1,
        102820.4,
        102806.1,
        102820.4,
        1040.37,
        1069603.34883,
        None,
    )
    assert frame.row(1)[1:] == (
        102806.0,
        102820.5,
        102783.1,
        102806.1,
        7164.04,
        7364701.57952,
        None,
    )


def test_the_recorded_instruments_are_listed_whole(recorded: Path, connect: Connect) -> None:
    body = read(recorded, "public_instruments_SPOT_2022-05-13_full.json.gz")
    frame = catalogue(connect(lambda _: httpx.Response(200, content=body)), OKX)
    assert frame.schema == CATALOGUE
    assert frame.height == 513
    row = frame.filter(symbol="BTC-USDT").row(0, named=True)
    assert f"{row.pop('start'):%Y-%m-%d %H:%M:%S}" == "2019-01-22 05:03:33"
    assert row == {
        "symbol": "BTC-USDT", "asset": "BTC", "base": "BTC", "quote": "USDT",
        "multiple": 1, "end": None, "trading": True,
    }  # fmt: skip


def test_the_recorded_swaps_are_not_spot(recorded: Path, connect: Connect) -> None:
    body = read(recorded, "public_instruments_SWAP_2022-05-13_full.json.gz")
    assert catalogue(connect(lambda _: httpx.Response(200, content=body)), OKX).is_empty()


def test_the_recorded_refusal_is_told_in_okxs_words(recorded: Path) -> None:
    (path,) = (recorded / "okx" / "errors").iterdir()
    error = OKX.venue.verdict(httpx.Response(429, content=path.read_bytes()))
    assert isinstance(error, Unavailable)
    assert str(error) == "50011 Too Many Requests"


keys = st.sampled_from(["code", "data", "msg"])
values = st.sampled_from(["0", 0, [], [[]], [["0"] * 9], [["1704067200000"] * 9], [None], {}])


@given(st.binary() | st.builds(orjson.dumps, st.dictionaries(keys, values)))
def test_whatever_comes_is_candles_or_one_of_ours(body: bytes) -> None:
    told = httpx.Response(200, content=body)
    assert OKX.venue.verdict(told) is None or isinstance(OKX.venue.verdict(told), SourceError)
    for read_it in (OKX.parse, OKX.catalogue.parse):
        with suppress(Malformed):
            read_it(told)
