from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import orjson
import polars as pl
import pytest

from candles import HOUR, Listing, Malformed, Rejected, Window
from sources import fetch, first_candle, load, pages

if TYPE_CHECKING:
    from conftest import Connect, Kline, Klines, Page

SPOT, FUTURES = load()["binance_spot"], load()["binance_futures"]
LISTING = Listing(1, "binance_spot", "BTCUSDT")
START = datetime(2024, 1, 1, tzinfo=UTC)
Answered = Callable[[bytes], pl.DataFrame]


@pytest.fixture
def answered(connect: Connect, page: Page, now: datetime) -> Answered:
    """Three hours of spot, where the venue sends this body."""

    def by(body: bytes) -> pl.DataFrame:
        client = connect(lambda _: httpx.Response(200, content=body))
        return fetch(client, SPOT, LISTING, page(3), now)

    return by


def test_a_page_comes_as_candles(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    frame = fetch(connect(lambda _: klines(3)), SPOT, LISTING, page(3), now)
    assert frame.row(0) == (START, 100.5, 101.25, 99.125, 100.75, 12.5, 1250.5, 17)
    assert frame["open_time"].to_list() == [START, START + HOUR, START + 2 * HOUR]


def test_the_candle_still_open_is_left_out(connect: Connect, klines: Klines, page: Page) -> None:
    client = connect(lambda _: klines(3))
    frame = fetch(client, SPOT, LISTING, page(3), START + 3 * HOUR - timedelta(seconds=1))
    assert frame.height == 2
    assert fetch(client, SPOT, LISTING, page(3), START + 3 * HOUR).height == 3


def test_the_slower_of_two_clocks_decides_what_is_closed(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    client = connect(lambda _: klines(3, date="Mon, 01 Jan 2024 02:59:59 GMT"))
    assert fetch(client, SPOT, LISTING, page(3), now).height == 2
    assert fetch(client, SPOT, LISTING, page(3), START + HOUR).height == 1


def test_what_lies_outside_the_page_is_left_out(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    client = connect(lambda _: klines(9, start=START - 3 * HOUR))
    frame = fetch(client, SPOT, LISTING, page(3), now)
    assert frame["open_time"].to_list() == [START, START + HOUR, START + 2 * HOUR]


def test_candles_are_put_in_order_and_the_same_row_told_twice_counts_once(
    connect: Connect, kline: Kline, page: Page, now: datetime
) -> None:
    hours = [int(START.timestamp() * 1000) + n * 3_600_000 for n in (2, 0, 1, 0)]
    body = orjson.dumps([kline(hour) for hour in hours])
    frame = fetch(connect(lambda _: httpx.Response(200, content=body)), SPOT, LISTING, page(3), now)
    assert frame["open_time"].to_list() == [START, START + HOUR, START + 2 * HOUR]


def test_two_different_rows_for_one_hour_are_malformed(
    connect: Connect, kline: Kline, page: Page, now: datetime
) -> None:
    one, other = kline(1704067200000), kline(1704067200000)
    other[5] = "13.5"
    body = orjson.dumps([one, other])
    client = connect(lambda _: httpx.Response(200, content=body))
    with pytest.raises(Malformed, match=r"binance_spot: open_time rises \(1 rows\) \(BTCUSDT\)"):
        fetch(client, SPOT, LISTING, page(3), now)


def test_a_contract_on_a_thousand_coins_is_told_in_plain_ones(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    client = connect(lambda _: klines(1))
    frame = fetch(client, FUTURES, replace(LISTING, multiple=1000), page(1), now)
    assert frame.row(0)[1:] == (0.1005, 0.10125, 0.099125, 0.10075, 12500.0, 1250.5, 17)


@pytest.mark.parametrize("hours", [0, 1001])
def test_a_page_the_source_does_not_serve_is_a_mistake(
    connect: Connect, klines: Klines, page: Page, now: datetime, hours: int
) -> None:
    with pytest.raises(ValueError, match=f"serves 1 to 1000 hours, not {hours}"):
        fetch(connect(lambda _: klines(1)), SPOT, LISTING, page(hours), now)


def test_a_refusal_names_source_and_symbol(connect: Connect, page: Page, now: datetime) -> None:
    body = b'{"code":-1121,"msg":"Invalid symbol."}'
    client = connect(lambda _: httpx.Response(400, content=body))
    with pytest.raises(Rejected) as caught:
        fetch(client, SPOT, replace(LISTING, symbol="LUNAXUSDT"), page(1), now)
    assert str(caught.value) == "binance_spot: -1121 Invalid symbol. (LUNAXUSDT)"


def test_a_client_without_manners_is_told_the_same(page: Page, now: datetime) -> None:
    body = b'{"code":-1121,"msg":"Invalid symbol."}'
    plain = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(400, content=body)))
    with pytest.raises(Rejected, match="-1121"):
        fetch(plain, SPOT, LISTING, page(1), now)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "soon"),
        (0, None),
        (0, 1.5),
        (0, 1704067200),
        (0, 1704067200000000),
        (0, 10**30),
        (0, True),
        (1, "NaN"),
        (1, "inf"),
        (1, "1e999"),
        (1, ""),
        (1, None),
        (1, "0"),
        (1, "-3"),
        (1, []),
        (1, {}),
        (1, False),
        (2, "100"),
        (3, "101"),
        (5, "-1"),
        (5, None),
        (7, "much"),
        (8, "17.5"),
        (8, None),
        (8, 2**63),
        (8, -1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_that_makes_no_sense_is_malformed(
    answered: Answered, kline: Kline, place: int, value: object, rows: int
) -> None:
    bad = kline(1704067200000)
    bad[place] = value
    # By json: it writes the numbers that orjson does not.
    body = json.dumps([bad, kline(1704070800000)][:rows]).encode()
    with pytest.raises(Malformed, match=r"^binance_spot: .* \(BTCUSDT\)$"):
        answered(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[[]]", b"[{}]", b'["abcdefghijkl"]', b"[[1,2,3]]", b"[null]", b"[[1],2]",
        b"[[1,2,3,4,5,6,7,8,9,10,11,12],[1,2]]", b"[" * 5000 + b"]" * 5000, b"[,]", b"\xff\xfe[]",
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_malformed(
    connect: Connect, page: Page, now: datetime, body: bytes
) -> None:
    client = connect(lambda _: httpx.Response(200, content=body))
    with pytest.raises(Malformed) as caught:
        fetch(client, SPOT, LISTING, page(3), now)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_a_candle_off_the_hour_is_malformed(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    client = connect(lambda _: klines(2, start=START + timedelta(minutes=1)))
    with pytest.raises(Malformed, match="open_time is on the hour"):
        fetch(client, SPOT, LISTING, page(3), now)


def test_the_first_candle_tells_since_when_there_are_any(
    connect: Connect, klines: Klines, now: datetime
) -> None:
    assert first_candle(connect(lambda _: klines(1)), SPOT, LISTING, now) == START


def test_there_is_no_first_candle_before_it_closes(connect: Connect, klines: Klines) -> None:
    client = connect(lambda _: klines(1))
    assert first_candle(client, SPOT, LISTING, START + HOUR / 2) is None
    assert first_candle(client, SPOT, LISTING, START + HOUR) == START


def test_a_symbol_without_a_trade_has_no_first_candle(connect: Connect, now: datetime) -> None:
    client = connect(lambda _: httpx.Response(200, content=b"[]"))
    assert first_candle(client, SPOT, LISTING, now) is None
    assert first_candle(client, replace(SPOT, first=None), LISTING, now) is None


def test_a_window_is_cut_into_pages_as_the_source_likes_them(page: Page, now: datetime) -> None:
    window = page(1200)
    assert [cut.hours for cut in pages(SPOT, window, now)] == [1000, 200]
    assert [cut.hours for cut in pages(FUTURES, window, now)] == [499, 499, 202]
    monthly = replace(SPOT, pages=lambda whole, _: [Window(whole.start, whole.end)])
    assert list(pages(monthly, window, now)) == [window]


@pytest.mark.parametrize(
    ("reach", "left"), [(2000, [1000, 200]), (1100, [1000, 98]), (3, [1]), (2, []), (1, [])]
)
def test_no_page_lies_further_back_than_a_source_reaches(
    page: Page, reach: int, left: list[int]
) -> None:
    short = replace(SPOT, reach=reach * HOUR)
    late = START + 1200 * HOUR + timedelta(minutes=59)
    cut = list(pages(short, page(1199), late))
    assert [each.hours for each in cut] == [hours - (hours == 200) for hours in left]
    assert all(each.start >= late - reach * HOUR for each in cut)


def test_a_page_of_a_thousand_pages_through_unchanged(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    frame = fetch(connect(lambda _: klines(1000)), SPOT, LISTING, page(1000), now)
    assert frame.height == 1000
    assert frame.select(pl.col("open_time").diff().drop_nulls().n_unique()).item() == 1


def test_dividing_by_a_multiple_rounds_once(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    price = "0.001012"  # times 0.001 is not what dividing by 1000 gives
    rows = [[row[0], *[price] * 4, *row[5:]] for row in orjson.loads(klines(3).content)]
    client = connect(lambda _: httpx.Response(200, json=rows))
    frame = fetch(client, FUTURES, replace(LISTING, multiple=1000), page(3), now)
    assert frame["close"].to_list() == [float(price) / 1000] * 3 != [float(price) * 0.001] * 3
