from contextlib import suppress
from datetime import datetime

import httpx
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import HOUR, SCHEMA, Listing, check
from chandlery.venues import catalogue, fetch, load
from tests.sources.conftest import Connect, Page

COINBASE = load()["coinbase"]
LISTING = Listing(1, "coinbase", "BTC-USD")
FIRST = 1_704_067_200


def row(opened: int) -> list[float]:
    return [opened, 99.125, 101.25, 100.5, 100.75, 2.5]


def venue(request: httpx.Request) -> httpx.Response:
    """The hours as Coinbase documents them: both ends within, one ahead of them, newest first."""
    assert request.url.path == "/products/BTC-USD/candles"
    asked = request.url.params
    start, end = (int(datetime.fromisoformat(asked[name]).timestamp()) for name in ("start", "end"))
    if (end - start) // int(asked["granularity"]) + 1 > 300:
        return httpx.Response(400, json={"message": "granularity too small"})
    return httpx.Response(200, json=[row(at) for at in range(end, start - 3601, -3600)])


def test_a_page_is_asked_for_from_its_first_hour_to_its_last(page: Page) -> None:
    asked = COINBASE.request(LISTING, page(48)).url
    assert str(asked).startswith("https://api.exchange.coinbase.com/products/BTC-USD/candles?")
    assert dict(asked.params) == {
        "granularity": "3600",
        "start": "2024-01-01T00:00:00Z",
        "end": "2024-01-02T23:00:00Z",
    }


@pytest.mark.parametrize("hours", [1, 2, 300])
def test_every_hour_of_a_page_and_no_other_comes_in_order(
    connect: Connect, page: Page, now: datetime, hours: int
) -> None:
    window = page(hours)
    frame = fetch(connect(venue), COINBASE, LISTING, window, now).frame
    assert frame.schema == SCHEMA
    assert frame["open_time"].to_list() == [window.start + n * HOUR for n in range(hours)]
    assert frame.row(0)[1:] == (100.5, 101.25, 99.125, 100.75, 2.5, None, None, None, None)


def test_the_candle_still_open_is_left_out_by_the_clock(connect: Connect, page: Page) -> None:
    window = page(3)
    assert fetch(connect(venue), COINBASE, LISTING, window, window.end - HOUR / 2).frame.height == 2


def test_the_first_candle_of_the_documentations_example_is_read_in_its_order() -> None:
    # Its columns are timestamp, price_low, price_high, price_open, price_close and volume.
    frame = COINBASE.parse(httpx.Response(200, content=b"[[1415398768,0.32,4.2,0.35,4.2,12.3]]"))
    assert frame.row(0)[1:] == (0.35, 4.2, 0.32, 4.2, 12.3, None, None, None, None)


def test_an_hour_without_a_trade_is_absent(connect: Connect, page: Page, now: datetime) -> None:
    client = connect(lambda _: httpx.Response(200, json=[row(FIRST + 7200), row(FIRST)]))
    frame = fetch(client, COINBASE, LISTING, page(3), now).frame
    assert frame["open_time"].to_list() == [page(3).start, page(3).start + 2 * HOUR]
    empty = connect(lambda _: httpx.Response(200, content=b"[]"))
    assert check(fetch(empty, COINBASE, LISTING, page(3), now).frame).is_empty()


def test_a_symbol_stays_within_its_path(page: Page) -> None:
    asked = COINBASE.request(Listing(1, "coinbase", "../A?B"), page(1)).url
    assert asked.raw_path.startswith(b"/products/..%2FA%3FB/candles?")


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (404, b'{"message":"NotFound"}', Rejected, "HTTP 404 NotFound"),
        (404, b"<title>Not Found</title>", Unavailable, "HTTP 404 Not Found"),
        (404, b"", Unavailable, "HTTP 404 an empty body"),
        (400, b'{"message":"granularity too small"}', Unavailable, "HTTP 400 granularity too"),
        (429, b'{"message":"Public rate limit exceeded"}', Unavailable, "HTTP 429 Public rate"),
        (500, b'{"message":"Internal server error"}', Unavailable, "HTTP 500 Internal server"),
        (403, b"<title>Forbidden</title>", Blocked, "HTTP 403 Forbidden"),
        (301, b"", Malformed, "HTTP 301 an empty body"),
        (200, b"<html>", Malformed, "not JSON"),
    ],
)
def test_a_refusal_says_what_to_do_in_coinbases_words(
    status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    error = COINBASE.venue.verdict(httpx.Response(status, content=body))
    assert type(error) is kind
    assert str(error).startswith(words)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[1]",
        b"[[]]",
        b'[["1704067200",1,1,1,1,1]]',
        b"[[true,1,1,1,1,1]]",
        b"[[1704067200000,1,1,1,1,1]]",
        b"[[1704067200.5,1,1,1,1,1]]",
        b"[[1704067200,1,1,1,1]]",
        b"[[1704067200,1,1,1,1,null]]",
    ],
)
def test_an_answer_of_another_shape_is_malformed(
    connect: Connect, page: Page, now: datetime, body: bytes
) -> None:
    client = connect(lambda _: httpx.Response(200, content=body))
    with pytest.raises(Malformed, match=r"^coinbase: .* \(BTC-USD\)$"):
        fetch(client, COINBASE, LISTING, page(1), now)


def test_a_time_in_a_string_is_not_multiplied() -> None:
    with pytest.raises(Malformed, match="open_time is not a number of seconds in every row"):
        COINBASE.parse(httpx.Response(200, content=b'[["1704067200",1,1,1,1,1]]'))


def product(base: str, **changed: object) -> dict[str, object]:
    usual = {
        "id": f"{base}-USD",
        "base_currency": base,
        "quote_currency": "USD",
        "status": "online",
        "trading_disabled": False,
    }
    return usual | changed


def listed(connect: Connect, *products: object) -> pl.DataFrame:
    body = orjson.dumps(products)
    return catalogue(connect(lambda _: httpx.Response(200, content=body)), COINBASE).frame


def test_products_are_listed_with_whether_they_trade(connect: Connect) -> None:
    frame = listed(
        connect,
        product("BTC"),
        product("REP", status="delisted", trading_disabled=True),
        product("UST", trading_disabled=True),
    )
    assert frame["trading"].to_list() == [True, False, False]
    assert frame.row(0, named=True) == {
        "symbol": "BTC-USD", "asset": "BTC", "base": "BTC", "quote": "USD",
        "multiple": 1, "start": None, "end": None, "trading": True,
        "name": None, "contract": None,
    }  # fmt: skip


@pytest.mark.parametrize("entry", [1, {"id": "A"}, product("A", id=7)])
def test_a_catalogue_of_another_shape_is_malformed(connect: Connect, entry: object) -> None:
    with pytest.raises(Malformed, match=r"^coinbase: its list of symbols: .* \(catalogue\)$"):
        listed(connect, entry)


def test_a_product_that_says_it_is_no_spot_is_left_out(connect: Connect) -> None:
    frame = listed(
        connect, product("BTC", product_type="SPOT"), product("X", product_type="FUTURE")
    )
    assert frame["base"].to_list() == ["BTC"]


@pytest.mark.parametrize("bad", [[FIRST + 3600, 1], None, ["1704070800", 1, 1, 1, 1, 1]])
def test_a_bad_row_costs_its_hour(connect: Connect, page: Page, now: datetime, bad: object) -> None:
    rows = [row(FIRST + 7200), bad, row(FIRST)]
    found = fetch(
        connect(lambda _: httpx.Response(200, json=rows)), COINBASE, LISTING, page(3), now
    )
    assert found.frame["open_time"].dt.hour().to_list() == [0, 2]
    assert [each.window for each in found.malformed] == [page(1, page(1).end)]


cells = st.sampled_from([FIRST, 1, 1.5, "1", None, True, -1, 2**63, []])


@given(
    st.binary() | st.builds(orjson.dumps, st.lists(st.lists(cells, min_size=6, max_size=6))),
    st.sampled_from([200, 404, 500]),
)
def test_whatever_comes_is_candles_or_one_of_ours(body: bytes, status: int) -> None:
    response = httpx.Response(status, content=body)
    error = COINBASE.venue.verdict(response)
    assert error is None or isinstance(error, SourceError)
    for read_it in (COINBASE.parse, COINBASE.catalogue.parse):
        with suppress(Malformed):
            read_it(response)


def test_ten_requests_a_second_are_sent_and_no_more() -> None:
    (budget,) = COINBASE.venue.metering.budgets
    assert (budget.most, budget.seconds) == (10, 1)
