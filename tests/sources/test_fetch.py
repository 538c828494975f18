import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import polars as pl
import pytest

from chandlery.errors import Malformed, Rejected
from chandlery.model import HOUR, Listing, Window
from chandlery.venues import fetch, first_candle, load, pages
from chandlery.venues.verdicts import warn_once
from tests.sources.conftest import Connect, Kline, Klines, Page

SPOT, FUTURES = load()["binance_spot"], load()["binance_futures"]
LISTING = Listing(1, "binance_spot", "BTCUSDT")
START = datetime(2024, 1, 1, tzinfo=UTC)
Answered = Callable[[bytes], pl.DataFrame]


@pytest.fixture
def answered(connect: Connect, page: Page, now: datetime) -> Answered:
    """Three hours of spot, where the venue sends this body."""

    def by(body: bytes) -> pl.DataFrame:
        client = connect(lambda _: httpx.Response(200, content=body))
        return fetch(client, SPOT, LISTING, page(3), now).frame

    return by


def test_a_page_comes_as_candles(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    frame = fetch(connect(lambda _: klines(3)), SPOT, LISTING, page(3), now).frame
    assert frame.row(0) == (START, 100.5, 101.25, 99.125, 100.75, 12.5, 1250.5, 17, 6.1, 600.1)
    assert frame["open_time"].to_list() == [START, START + HOUR, START + 2 * HOUR]


def test_the_candle_still_open_is_left_out(connect: Connect, klines: Klines, page: Page) -> None:
    client = connect(lambda _: klines(3))
    frame = fetch(client, SPOT, LISTING, page(3), START + 3 * HOUR - timedelta(seconds=1)).frame
    assert frame.height == 2
    assert fetch(client, SPOT, LISTING, page(3), START + 3 * HOUR).frame.height == 3


def test_the_slower_of_two_clocks_decides_what_is_closed(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    client = connect(lambda _: klines(3, date="Mon, 01 Jan 2024 02:59:59 GMT"))
    assert fetch(client, SPOT, LISTING, page(3), now).frame.height == 2
    assert fetch(client, SPOT, LISTING, page(3), START + HOUR).frame.height == 1


@pytest.mark.parametrize(("hours", "before"), [(9, 3), (6, 3), (6, 0), (3, 0)])
def test_what_lies_outside_the_page_is_left_out(  # noqa: PLR0913, PLR0917  on either side
    connect: Connect, klines: Klines, page: Page, now: datetime, hours: int, before: int
) -> None:
    client = connect(lambda _: klines(hours, start=START - before * HOUR))
    frame = fetch(
        client, replace(SPOT, exact_start=False, exact_end=False), LISTING, page(3), now
    ).frame
    assert frame["open_time"].to_list() == [START, START + HOUR, START + 2 * HOUR]


def test_candles_are_put_in_order_and_the_same_row_told_twice_counts_once(
    connect: Connect, kline: Kline, page: Page, now: datetime
) -> None:
    hours = [int(START.timestamp() * 1000) + n * 3_600_000 for n in (2, 0, 1, 0)]
    body = orjson.dumps([kline(hour) for hour in hours])
    frame = fetch(
        connect(lambda _: httpx.Response(200, content=body)), SPOT, LISTING, page(3), now
    ).frame
    assert frame["open_time"].to_list() == [START, START + HOUR, START + 2 * HOUR]


def test_two_different_rows_for_one_hour_are_malformed(
    connect: Connect, kline: Kline, page: Page, now: datetime
) -> None:
    one, other = kline(1704067200000), kline(1704067200000)
    other[4] = "100.5"
    body = orjson.dumps([one, other])
    client = connect(lambda _: httpx.Response(200, content=body))
    with pytest.raises(Malformed, match=r"binance_spot: open_time rises \(1 rows\) \(BTCUSDT\)"):
        fetch(client, SPOT, LISTING, page(3), now)


def test_a_contract_on_a_thousand_coins_is_told_in_plain_ones(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    client = connect(lambda _: klines(1))
    frame = fetch(client, FUTURES, replace(LISTING, multiple=1000), page(1), now).frame
    assert frame.row(0)[1:] == (
        0.1005,
        0.10125,
        0.099125,
        0.10075,
        12500.0,
        1250.5,
        17,
        6100.0,
        600.1,
    )


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


BAD: Mapping[str, tuple[int, object, str]] = {
    "a close of zero": (4, "0", r"prices are finite and above zero \(1 rows\)"),
    "a high below": (2, "100", r"high is highest \(1 rows\)"),
    "null trades": (8, None, r"prices are known \(1 rows\); a row can be read \(1 rows\)"),
    "trades in words": (8, "many", "a row can be read"),
    "a price in a list": (1, ["100.5"], "a row can be read"),
    "an empty volume": (5, "", "a row can be read"),
    "base and quote swapped": (7, "0.125", r"quote volume fits the prices \(1 rows\)"),
    "half past": (0, 1_704_085_200_000 + 1_800_000, r"open_time is on the hour \(1 rows\)"),
}
"""Of a row of 05:00: the column that is spoilt, by what, and the words for it."""


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_one_bad_row_costs_its_hour_and_no_other(
    connect: Connect, kline: Kline, page: Page, now: datetime, bad: tuple[int, object, str]
) -> None:
    column, value, words = bad
    rows = [kline(1_704_067_200_000 + n * 3_600_000) for n in range(9)]
    rows[5][column] = value
    found = fetch(connect(lambda _: httpx.Response(200, json=rows)), SPOT, LISTING, page(9), now)
    hours = [START + n * HOUR for n in range(9)]
    assert found.frame["open_time"].to_list() == [*hours[:5], *hours[6:]]
    ((window, told),) = found.malformed
    assert window == Window(hours[5], hours[6])
    assert re.fullmatch(rf"binance_spot: .*{words}.* \(BTCUSDT\)", told)


@pytest.mark.parametrize("bad", [[1_704_085_200_000, "1"], [1_704_085_200_000]])
def test_a_row_that_is_too_short_costs_its_hour(
    connect: Connect, kline: Kline, page: Page, now: datetime, bad: list[object]
) -> None:
    rows = [kline(1_704_067_200_000 + n * 3_600_000) for n in range(9)]
    rows[5] = bad
    found = fetch(connect(lambda _: httpx.Response(200, json=rows)), SPOT, LISTING, page(9), now)
    assert found.frame.height == 8
    assert [each.window for each in found.malformed] == [page(1, START + 5 * HOUR)]


@pytest.mark.parametrize("bad", [None, {}, [], 7, "row", [None] * 12, [True] * 12])
def test_a_row_without_a_time_may_be_of_any_hour_that_lacks_beside_the_others(
    connect: Connect, kline: Kline, page: Page, now: datetime, bad: object
) -> None:
    rows: list[object] = [kline(1_704_067_200_000 + n * 3_600_000) for n in range(3, 9)]
    rows[3] = bad
    found = fetch(connect(lambda _: httpx.Response(200, json=rows)), SPOT, LISTING, page(24), now)
    assert found.frame.height == 5
    lacking = [2, 6, 9]
    assert [each.window for each in found.malformed] == [page(1, START + n * HOUR) for n in lacking]
    assert {each.words.partition(" (")[0] for each in found.malformed} == {
        "binance_spot: open_time is known"
    }


def test_an_hour_that_comes_twice_with_other_values_is_taken_neither_way(
    connect: Connect, kline: Kline, page: Page, now: datetime
) -> None:
    rows = [kline(1_704_067_200_000 + n * 3_600_000) for n in (0, 1, 1, 2, 3, 4)]
    rows[2][4] = "100.5"
    found = fetch(connect(lambda _: httpx.Response(200, json=rows)), SPOT, LISTING, page(5), now)
    assert found.frame["open_time"].to_list() == [START + n * HOUR for n in (0, 2, 3, 4)]
    (told,) = found.malformed
    assert told.window == page(1, START + HOUR)
    assert told.words == "binance_spot: open_time rises (1 rows) (BTCUSDT)"


def test_adjacent_bad_hours_are_told_as_one_window(
    connect: Connect, kline: Kline, page: Page, now: datetime
) -> None:
    rows = [kline(1_704_067_200_000 + n * 3_600_000) for n in range(9)]
    for n, column in ((2, 4), (3, 4), (4, 2), (7, 4)):
        rows[n][column] = "0"
    found = fetch(connect(lambda _: httpx.Response(200, json=rows)), SPOT, LISTING, page(9), now)
    assert [each.window for each in found.malformed] == [
        page(3, START + 2 * HOUR),
        page(1, START + 7 * HOUR),
    ]
    assert found.malformed[0].words == (
        "binance_spot: prices are finite and above zero (3 rows); high is highest (1 rows);"
        " low is lowest (3 rows); quote volume fits the prices (1 rows) (BTCUSDT)"
    )


@pytest.mark.parametrize("bad", [4, 5, 8])
def test_a_page_of_which_half_is_bad_is_malformed(
    connect: Connect, kline: Kline, page: Page, now: datetime, bad: int
) -> None:
    rows = [kline(1_704_067_200_000 + n * 3_600_000) for n in range(8)]
    for row in rows[:bad]:
        row[2] = "1"
    client = connect(lambda _: httpx.Response(200, json=rows))
    with pytest.raises(Malformed, match=rf"^binance_spot: high is highest \({bad} rows\)"):
        fetch(client, SPOT, LISTING, page(8), now)
    rows[0] = kline(1_704_067_200_000)
    if bad == 4:
        assert fetch(client, SPOT, LISTING, page(8), now).frame.height == 5


def test_a_bad_row_of_the_candle_still_open_is_nothing_yet(
    connect: Connect, kline: Kline, page: Page
) -> None:
    rows = [kline(1_704_067_200_000 + n * 3_600_000) for n in range(3)]
    rows[2][2] = "0"
    client = connect(lambda _: httpx.Response(200, json=rows))
    found = fetch(client, SPOT, LISTING, page(3), START + 2.5 * HOUR)
    assert (found.frame.height, found.malformed) == (2, ())


def test_what_a_row_has_more_than_is_known_is_left_out_and_told_once(
    connect: Connect, kline: Kline, page: Page, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    warn_once.cache_clear()
    rows = [[*kline(1_704_067_200_000 + n * 3_600_000), "new", None] for n in range(3)]
    client = connect(lambda _: httpx.Response(200, json=rows))
    for _ in range(2):
        assert fetch(client, SPOT, LISTING, page(3), now).frame.row(2)[1] == 100.5
    words = "binance_spot: its candles have more columns than the 12 that are known"
    assert caplog.messages == [words]


@pytest.mark.parametrize("name", ["binance_spot", "binance_futures", "okx", "bybit"])
def test_sources_that_answer_what_was_asked_are_exact(name: str) -> None:
    assert load()[name].exact_start
    assert load()[name].exact_end


@pytest.mark.parametrize("off", [-1, 1, 24 * 365])
def test_a_page_of_another_window_is_not_believed(
    connect: Connect, klines: Klines, page: Page, now: datetime, off: int
) -> None:
    client = connect(lambda _: klines(3, start=START + off * HOUR))
    with pytest.raises(Malformed, match=r"its candles are of .*, asked for was 2024-01-01 00:00Z"):
        fetch(client, SPOT, LISTING, page(3), now)


def test_the_first_candle_is_held_to_the_rules(
    connect: Connect, kline: Kline, now: datetime
) -> None:
    row = kline(1_704_067_200_000)
    row[4] = "0"
    client = connect(lambda _: httpx.Response(200, json=[row]))
    with pytest.raises(Malformed, match=r"^binance_spot: prices are finite and above zero"):
        first_candle(client, SPOT, LISTING, now)


def test_a_name_in_chinese_passes_through_request_and_error(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return klines(1)

    listing = replace(LISTING, symbol="币安人生USDT")
    assert fetch(connect(answer), SPOT, listing, page(1), now).frame.height == 1
    assert asked[0].params["symbol"] == "币安人生USDT"
    with pytest.raises(Malformed, match=r"^binance_spot: its candles are of .* \(币安人生USDT\)$"):
        fetch(connect(lambda _: klines(2)), SPOT, listing, page(1), now)


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
    frame = fetch(connect(lambda _: klines(1000)), SPOT, LISTING, page(1000), now).frame
    assert frame.height == 1000
    assert frame.select(pl.col("open_time").diff().drop_nulls().n_unique()).item() == 1


def test_dividing_by_a_multiple_rounds_once(
    connect: Connect, klines: Klines, page: Page, now: datetime
) -> None:
    price = "0.001012"  # times 0.001 is not what dividing by 1000 gives
    rows = [
        [row[0], *[price] * 4, *row[5:7], "0.01265", row[8], *("0.1", "0.0001"), *row[11:]]
        for row in orjson.loads(klines(3).content)
    ]
    client = connect(lambda _: httpx.Response(200, json=rows))
    frame = fetch(client, FUTURES, replace(LISTING, multiple=1000), page(3), now).frame
    assert frame["close"].to_list() == [float(price) / 1000] * 3 != [float(price) * 0.001] * 3
