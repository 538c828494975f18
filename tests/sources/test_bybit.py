from contextlib import suppress
from datetime import datetime

import httpx
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import HOUR, SCHEMA, Listing
from chandlery.venues import Markets, catalogue, fetch, load
from tests.sources.conftest import Connect, Page

BYBIT = load()["bybit"]
LISTING = Listing(1, "bybit", "BTCUSDT")
FIRST = 1_704_067_200_000
OPENS = range(FIRST - 50 * 3_600_000, FIRST + 1100 * 3_600_000, 3_600_000)


def row(opened: int) -> list[str]:
    return [str(opened), "100.5", "101.25", "99.125", "100.75", "2.5", "250.25"]


def answer(rows: list[list[str]], symbol: str = "BTCUSDT") -> httpx.Response:
    result = {"symbol": symbol, "category": "linear", "list": rows}
    return httpx.Response(
        200, content=orjson.dumps({"retCode": 0, "retMsg": "OK", "result": result})
    )


def venue(request: httpx.Request) -> httpx.Response:
    """The hours as Bybit documents it: both ends within, newest first."""
    asked = request.url.params
    found = [row(at) for at in reversed(OPENS) if int(asked["start"]) <= at <= int(asked["end"])]
    return answer(found[: min(int(asked.get("limit", "200")), 1000)], asked["symbol"])


def test_a_page_is_asked_for_up_to_the_last_millisecond_and_no_longer(page: Page) -> None:
    asked = BYBIT.request(LISTING, page(48)).url
    assert str(asked).startswith("https://api.bybit.com/v5/market/kline?")
    assert dict(asked.params) == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "interval": "60",
        "start": "1704067200000",
        "end": "1704239999999",
        "limit": "48",
    }


@pytest.mark.parametrize("hours", [1, 200, 201, 1000])
def test_every_hour_of_a_page_and_no_other_comes_in_order(
    connect: Connect, page: Page, now: datetime, hours: int
) -> None:
    window = page(hours)
    frame = fetch(connect(venue), BYBIT, LISTING, window, now).frame
    assert frame.schema == SCHEMA
    assert frame["open_time"].to_list() == [window.start + n * HOUR for n in range(hours)]
    assert frame.row(0)[1:] == (100.5, 101.25, 99.125, 100.75, 2.5, 250.25, None, None, None)


def test_the_candle_still_open_is_left_out_by_the_clock(connect: Connect, page: Page) -> None:
    window = page(3)
    assert fetch(connect(venue), BYBIT, LISTING, window, window.end - HOUR / 2).frame.height == 2


def test_a_contract_on_a_thousand_coins_is_told_in_plain_ones(
    connect: Connect, page: Page, now: datetime
) -> None:
    listing = Listing(1, "bybit", "1000PEPEUSDT", multiple=1000)
    frame = fetch(connect(venue), BYBIT, listing, page(1), now).frame
    assert frame.row(0)[1:] == (
        0.1005,
        0.10125,
        0.099125,
        0.10075,
        2500.0,
        250.25,
        None,
        None,
        None,
    )


TOO_FREQUENT = b"403, access too frequent"
COUNTRY = (
    b"<HTML><TITLE>ERROR: The request could not be satisfied</TITLE>The Amazon CloudFront"
    b" distribution is configured to block access from your country.</HTML>"
)
NO_SUCH = b'{"retCode":10001,"retMsg":"params error: Symbol Is Invalid","result":{}}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (403, TOO_FREQUENT, Unavailable, "HTTP 403 403, access too frequent"),
        (403, b'{"retMsg":"Access Too Frequent"}', Unavailable, 'HTTP 403 {"retMsg":"Access Too'),
        (403, COUNTRY, Blocked, "HTTP 403 ERROR: The request could not be satisfied"),
        (403, b"", Blocked, "HTTP 403 an empty body"),
        (200, NO_SUCH, Rejected, "10001 params error: Symbol Is Invalid"),
        (200, b'{"retCode":10006,"retMsg":"Too many visits"}', Unavailable, "10006 Too many"),
        (200, b'{"retCode":10016,"retMsg":"Internal"}', Unavailable, "10016 Internal"),
        (200, b'{"retCode":10009,"retMsg":"IP has been banned"}', Blocked, "10009 IP has been"),
        (200, b'{"retCode":10024,"retMsg":"Compliance"}', Blocked, "10024 Compliance"),
        (200, b'{"retCode":10001,"retMsg":"symbol invalid"}', Rejected, "10001 symbol invalid"),
        (200, b'{"retCode":10001,"retMsg":"Not supported symbols"}', Rejected, "10001 Not supp"),
        (200, b'{"retCode":10001,"retMsg":"Request parameter error."}', Unavailable, "10001 Req"),
        (200, b'{"retCode":170007,"retMsg":"Timeout"}', Unavailable, "170007 Timeout"),
        (200, b'{"retCode":99999,"retMsg":"New"}', Unavailable, "99999 New"),
        (404, b"<title>Not Found</title>", Unavailable, "HTTP 404 Not Found"),
        (500, b"oops", Unavailable, "HTTP 500 oops"),
        (429, b"", Unavailable, "HTTP 429 an empty body"),
        (200, b"{}", Malformed, "its answer has no retCode: {}"),
        (200, b'{"retCode":true}', Malformed, "its answer has no retCode"),
        (200, b"<html>", Malformed, "not JSON"),
    ],
)
def test_a_refusal_says_what_to_do_in_bybits_words(
    status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    error = BYBIT.venue.verdict(httpx.Response(status, content=body))
    assert type(error) is kind
    assert str(error).startswith(words)


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [(403, TOO_FREQUENT, 600), (200, b'{"retCode":10006,"retMsg":"Too many visits"}', 5)],
)
def test_too_many_rest_as_long_as_bybit_wants(status: int, body: bytes, seconds: int) -> None:
    error = BYBIT.venue.verdict(httpx.Response(status, content=body))
    assert isinstance(error, Unavailable)
    assert error.after is not None
    assert error.after.total_seconds() == seconds


def test_nothing_is_sent_for_ten_minutes_after_that(
    connect: Connect, page: Page, now: datetime
) -> None:
    sent: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(403, content=TOO_FREQUENT)

    client = connect(refuse)
    for _ in range(3):
        with pytest.raises(Unavailable, match="bybit: HTTP 403 403, access too frequent"):
            fetch(client, BYBIT, LISTING, page(1), now)
    assert len(sent) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"retCode":0}',
        b'{"retCode":0,"result":[]}',
        b'{"retCode":0,"result":{}}',
        b'{"retCode":0,"result":{"list":{}}}',
        b'{"retCode":0,"result":{"list":[["1704067200000","1","1","1","1","1"]]}}',
        b'{"retCode":0,"result":{"list":[["1704067200","1","1","1","1","1","1"]]}}',
    ],
)
def test_an_answer_of_another_shape_is_malformed(
    connect: Connect, page: Page, now: datetime, body: bytes
) -> None:
    client = connect(lambda _: httpx.Response(200, content=body))
    with pytest.raises(Malformed, match=r"^bybit: .* \(BTCUSDT\)$"):
        fetch(client, BYBIT, LISTING, page(1), now)


def contract(base: str, **changed: str) -> dict[str, str]:
    usual = {
        "symbol": f"{base}USDT",
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": base,
        "quoteCoin": "USDT",
        "launchTime": "1683270000000",
        "deliveryTime": "0",
        "symbolType": "",
    }
    return usual | changed


def listed(connect: Connect, *pages: list[object]) -> pl.DataFrame:
    return markets(connect, *pages).frame


def markets(connect: Connect, *pages: list[object]) -> Markets:
    """The catalogue, told in as many pages, each found by the cursor of the one before."""

    def serve(request: httpx.Request) -> httpx.Response:
        assert request.url.params["category"] == "linear"
        assert request.url.params["limit"] == "1000"
        at = int(request.url.params.get("cursor", "first%3D0").removeprefix("first%3D"))
        cursor = f"first%3D{at + 1}" if at + 1 < len(pages) else ""
        result = {"category": "linear", "list": pages[at], "nextPageCursor": cursor}
        return httpx.Response(200, content=orjson.dumps({"retCode": 0, "result": result}))

    return catalogue(connect(serve), BYBIT)


def test_the_catalogue_is_read_to_its_last_page(connect: Connect) -> None:
    frame = listed(connect, [contract("A")], [contract("B")], [contract("C")])
    assert frame["base"].to_list() == ["A", "B", "C"]


def test_only_perpetual_contracts_on_coins_are_listed(connect: Connect) -> None:
    frame = listed(
        connect,
        [
            contract("BTC"),
            contract("BTC", symbol="BTC-27NOV26", contractType="LinearFutures"),
            contract("TSLA", symbolType="stock"),
            contract("XAU", symbolType="commodity"),
            contract("SPY", symbolType="etf"),
            contract("NVDA", symbolType="mstocks"),
            contract("TSLAX", symbolType="xstocks"),
            contract("NEW", symbolType="bonds"),
            contract("WIF", symbolType="innovation"),
            contract("MBX", symbolType="adventure"),
        ],
    )
    assert frame["symbol"].to_list() == ["BTCUSDT", "WIFUSDT", "MBXUSDT"]


def test_an_odd_contract_is_left_out_on_whichever_page_it_is(connect: Connect) -> None:
    pages = [[contract("A")], [contract("B", launchTime="-1"), 7], [contract("C")]]
    told = markets(connect, *pages)
    assert told.frame["base"].to_list() == ["A", "C"]
    assert [odd.symbol for odd in told.odd] == ["BUSDT", None]


def test_contracts_on_many_coins_are_listed_in_plain_coins(connect: Connect) -> None:
    bases = ["1000PEPE", "10000SATS", "1000000MOG", "SHIB1000", "1INCH"]
    frame = listed(connect, [contract(base) for base in bases])
    assert frame.select("asset", "base", "multiple").rows() == [
        ("1000PEPE", "PEPE", 1000),
        ("10000SATS", "SATS", 10_000),
        ("1000000MOG", "MOG", 1_000_000),
        ("SHIB1000", "SHIB", 1000),
        ("1INCH", "1INCH", 1),
    ]


def test_a_contract_ends_when_its_delisting_is_announced(connect: Connect) -> None:
    frame = listed(connect, [contract("A", status="Closed", deliveryTime="1700000000000")])
    assert frame["end"].dt.epoch("ms").to_list() == [1_700_000_000_000]
    assert frame["trading"].to_list() == [False]


@pytest.mark.parametrize("entry", [1, {}, contract("A", launchTime="soon")])
def test_a_catalogue_of_another_shape_is_malformed(connect: Connect, entry: object) -> None:
    with pytest.raises(Malformed, match=r"^bybit: its list of symbols: .* \(catalogue\)$"):
        listed(connect, [entry])


keys = st.sampled_from(["retCode", "result", "list", "nextPageCursor", "retMsg"])
values = st.recursive(
    st.sampled_from([0, "0", "", None, ["0"] * 7, [["1704067200000"] * 7]]),
    lambda inner: st.dictionaries(keys, inner) | st.lists(inner),
)


@given(st.binary() | st.builds(orjson.dumps, values), st.sampled_from([200, 403, 500]))
def test_whatever_comes_is_candles_or_one_of_ours(body: bytes, status: int) -> None:
    told = httpx.Response(status, content=body)
    error = BYBIT.venue.verdict(told)
    assert error is None or isinstance(error, SourceError)
    for read_it in (BYBIT.parse, BYBIT.catalogue.parse, BYBIT.catalogue.request):
        with suppress(Malformed):
            read_it(told)
