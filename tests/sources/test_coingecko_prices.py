from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import orjson
import polars as pl
import pytest

from chandlery.errors import Blocked, Malformed, Rejected
from chandlery.model import HOUR, SCHEMA, Listing, Window
from chandlery.venues import configured, fetch, fetch_many, load, pages
from sources import coingecko
from sources._coingecko_prices import market_caps
from tests.sources.conftest import Connect, Page

GECKO, PRO = load()["coingecko"], load()["coingecko_pro"]
BITCOIN, ARK = Listing(1, "coingecko", "bitcoin"), Listing(2, "coingecko", "ark")
START = datetime(2026, 11, 20, tzinfo=UTC)
NOW = START + timedelta(days=2)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def chart(points: Sequence[tuple[datetime, float | None]]) -> httpx.Response:
    prices = [[ms(at), price] for at, price in points]
    lots = [[ms(at), 1e9] for at, _ in points]
    return httpx.Response(200, json={"prices": prices, "market_caps": lots, "total_volumes": lots})


def hourly(*prices: float | None, late: timedelta = MINUTE) -> httpx.Response:
    return chart([(START + n * HOUR + late, price) for n, price in enumerate(prices)])


def five_minutes(*prices: float, early: timedelta = timedelta(seconds=1)) -> httpx.Response:
    return chart([(START + n * 5 * MINUTE - early, price) for n, price in enumerate(prices)])


def rows(response: httpx.Response) -> list[tuple[Any, ...]]:
    return [row[:5] for row in GECKO.parse(response).rows()]


def test_an_hour_of_hourly_points_is_the_one_at_its_start_and_the_next() -> None:
    assert rows(hourly(10, 12, 11, 11.5)) == [
        (START, 10, 12, 10, 12),
        (START + HOUR, 12, 12, 11, 11),
        (START + 2 * HOUR, 11, 11.5, 11, 11.5),
    ]


def test_an_hour_of_five_minute_points_is_those_within_it_and_the_one_at_its_end() -> None:
    prices = [10, 11, 9, *[10.5] * 9, 12, 13, *[12.5] * 10]
    assert rows(five_minutes(*prices)) == [(START, 10, 12, 9, 12)]
    assert rows(five_minutes(*prices, 8)) == [(START, 10, 12, 9, 12), (START + HOUR, 12, 13, 8, 8)]
    assert rows(five_minutes(*prices, 8, early=-timedelta(seconds=40)))[1][1:] == (12, 13, 8, 8)


def test_amounts_are_unknown_whatever_the_rolling_volume_says() -> None:
    frame = GECKO.parse(hourly(10, 12))
    assert frame.schema == SCHEMA
    assert frame.row(0)[5:] == (None,) * 5


def caps(*points: tuple[datetime, float | None]) -> list[tuple[date, float]]:
    lots = [[ms(at), cap] for at, cap in points]
    answer = httpx.Response(200, json={"prices": [], "market_caps": lots, "total_volumes": []})
    return market_caps(answer).rows()


def test_a_days_market_cap_is_the_first_of_its_first_hour() -> None:
    day, next_ = START.date(), (START + DAY).date()
    early, late = START - MINUTE, START + timedelta(minutes=57)
    assert caps((START + HOUR, 9), (late, 8), (early, 7.5)) == [(day, 7.5)]
    assert caps((START - 3 * MINUTE, 7), (late + MINUTE, 8)) == []
    daily = [(START, 7.0), (START + DAY, 8.0), (START + DAY + 10 * HOUR, 9.0)]
    assert caps(*daily) == [(day, 7.0), (next_, 8.0)]
    unknown = [(START, 0.0), (START + MINUTE, None), (START + DAY, -1.0)]
    assert caps(*unknown) == []
    assert caps() == []


def test_market_caps_come_with_the_candles_and_do_not_cost_them(connect: Connect) -> None:
    body = orjson.loads(hourly(10, 12, 11).content)
    page = Window(START, START + 2 * HOUR)
    for sent, expected in ((body["market_caps"], [(START.date(), 1e9)]), ("odd", None)):
        answer = httpx.Response(200, json=body | {"market_caps": sent})
        found = fetch(connect(lambda _, answer=answer: answer), GECKO, BITCOIN, page, NOW)
        assert found.frame.height == 2
        told = found.market_caps
        assert (None if told is None else told.rows()) == expected


def test_a_year_of_market_caps_is_one_request_for_daily_points(connect: Connect) -> None:
    asked: list[httpx.Request] = []

    def venue(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return chart([(NOW - 2 * DAY, 1.0)])

    found = coingecko.market_caps(connect(venue), "a/b", NOW + MINUTE)
    assert found.rows() == [((NOW - 2 * DAY).date(), 1e9)]
    (request,) = asked
    assert request.url.raw_path.startswith(b"/api/v3/coins/a%2Fb/market_chart/range?")
    begins, ends = (int(request.url.params[name]) for name in ("from", "to"))
    assert (NOW - 365 * DAY).timestamp() < begins < (NOW - 363 * DAY).timestamp()
    assert ends - begins > 90 * DAY.total_seconds()


def test_the_order_of_the_points_does_not_matter_nor_one_told_twice() -> None:
    body = orjson.loads(hourly(10, 12, 11).content)
    body["prices"] = [*body["prices"][::-1], body["prices"][1]]
    assert rows(httpx.Response(200, json=body)) == rows(hourly(10, 12, 11))


@pytest.mark.parametrize("late", [-2, 0, 3, 12])
def test_hourly_points_may_come_a_little_beside_the_hour(late: int) -> None:
    assert len(rows(hourly(10, 12, 11, late=late * MINUTE))) == 2


@pytest.mark.parametrize("late", [-3, 13, 30, 56])
def test_hourly_points_far_from_the_hour_tell_none(late: int) -> None:
    assert rows(hourly(10, 12, 11, late=late * MINUTE)) == []


@pytest.mark.parametrize("hole", [None, 0])
def test_an_hour_with_a_hole_at_one_end_is_left_out(hole: float | None) -> None:
    opened = [row[0] for row in rows(hourly(10, 12, hole, 11, 12))]
    assert opened == [START, START + 3 * HOUR]


def test_daily_points_are_not_taken_for_hourly_ones() -> None:
    daily = chart([(START + n * timedelta(days=1), 10 + n) for n in range(100)])
    with pytest.raises(Malformed, match="mostly 1 day, 0:00:00 apart: not hourly"):
        GECKO.parse(daily)


@pytest.mark.parametrize(
    "prices",
    [
        None, {}, [1], [[1]], [["1763596800000", 1]], [[1763596800000, "1"]], [[True, 1]],
        [[1763596800000, True]], [[1763596800000.5, 1]], [[1763596800, 1]], [[1763596800, None]],
        [[1763596800000000, 1]], [[1763596800000, 1, 2]],
    ],
)  # fmt: skip
def test_points_of_another_shape_or_unit_are_malformed(prices: object) -> None:
    with pytest.raises(Malformed, match=r"its (prices|times) are not"):
        GECKO.parse(httpx.Response(200, content=str({"prices": prices}).replace("'", '"')
                    .replace("None", "null").replace("True", "true").encode()))  # fmt: skip


@pytest.mark.parametrize("bad", [7, [], [None, 1.0], ["1", 1.0], [1, 1.0], [2**60, 1.0], [1, "a"]])
def test_a_point_that_makes_no_sense_is_one_that_is_not_there(bad: object) -> None:
    body = orjson.loads(hourly(10, 12, 11, 11.5, 11, 10).content)
    body["prices"][4] = bad
    assert rows(httpx.Response(200, json=body)) == [
        (START, 10, 12, 10, 12),
        (START + HOUR, 12, 12, 11, 11),
        (START + 2 * HOUR, 11, 11.5, 11, 11.5),
    ]


def test_no_points_are_no_candles() -> None:
    assert GECKO.parse(chart([])).is_empty()
    assert GECKO.parse(chart([(START, None)])).is_empty()
    assert GECKO.parse(chart([(START, 1.5)])).is_empty()


def test_a_page_is_asked_for_with_what_lies_around_it(
    connect: Connect, page: Page, now: datetime
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return hourly(10, 12, 11, 11.5, 12)

    frame = fetch(
        connect(answer, keys={"coingecko": "k"}), GECKO, BITCOIN, page(2, START), NOW
    ).frame
    assert frame["open_time"].to_list() == [START, START + HOUR]
    assert asked[0].url.path == "/api/v3/coins/bitcoin/market_chart/range"
    assert dict(asked[0].url.params) == {
        "vs_currency": "usd",
        "from": str(int(START.timestamp()) - 150),
        "to": str(int(START.timestamp()) + 2 * 3600 + 750),
    }
    assert asked[0].headers["x-cg-demo-api-key"] == "k"
    assert now < START


def test_the_hour_still_open_is_left_out(connect: Connect, page: Page) -> None:
    client = connect(lambda _: hourly(10, 12, 11, late=timedelta(0)))
    assert fetch(client, GECKO, BITCOIN, page(3, START), START + 2 * HOUR).frame.height == 2
    assert (
        fetch(client, GECKO, BITCOIN, page(3, START), START + 2 * HOUR - MINUTE).frame.height == 1
    )


def test_no_page_is_longer_than_ninety_days_or_older_than_the_free_year() -> None:
    window = Window(datetime(2020, 1, 1, tzinfo=UTC), NOW)
    cut = list(pages(GECKO, window, NOW))
    assert [each.hours for each in cut] == [2136] * 4 + [191]
    assert cut[0].start == NOW - timedelta(days=364) + HOUR
    assert cut[-1].end == NOW
    for each in cut:
        asked = GECKO.request(BITCOIN, each).url.params
        assert int(asked["to"]) - int(asked["from"]) <= 90 * 86400
        assert int(asked["from"]) > (NOW - timedelta(days=365)).timestamp()
    assert next(iter(pages(PRO, window, NOW))).start == window.start
    assert not list(pages(GECKO, Window(window.start, window.start + HOUR), NOW))


def test_an_id_is_one_part_of_the_path() -> None:
    odd = Listing(1, "coingecko", "boringdao-[old]/../x?y")
    assert GECKO.request(odd, Window(START, NOW)).url.path.count("/") == 8
    assert (
        b"boringdao-%5Bold%5D%2F..%2Fx%3Fy" in GECKO.request(odd, Window(START, NOW)).url.raw_path
    )


def test_an_unknown_coin_is_refused_in_coingeckos_words(connect: Connect, page: Page) -> None:
    client = connect(lambda _: httpx.Response(404, json={"error": "coin not found"}))
    with pytest.raises(Rejected) as caught:
        fetch(client, GECKO, BITCOIN, page(1, START), NOW)
    assert str(caught.value) == "coingecko: HTTP 404 coin not found (bitcoin)"


def test_the_paid_host_needs_a_key_and_serves_the_same_listings(
    connect: Connect, page: Page
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return hourly(10, 12)

    with pytest.raises(Blocked, match="not configured: set COINGECKO_PRO_API_KEY"):
        fetch(connect(answer), PRO, BITCOIN, page(1, START), NOW)
    client = connect(answer, keys={"coingecko_pro": "paid", "coingecko": "free"})
    assert fetch(client, PRO, BITCOIN, page(1, START), NOW).frame.height == 1
    assert len(asked) == 1
    assert asked[0].url.host == "pro-api.coingecko.com"
    assert asked[0].url.path.startswith("/api/v3/coins/")
    assert asked[0].headers["x-cg-pro-api-key"] == "paid"
    assert "x-cg-demo-api-key" not in asked[0].headers
    assert PRO.listings == GECKO.listings == "coingecko"
    assert configured({}, GECKO)
    assert not configured({"coingecko": "free"}, PRO)


UPDATED = START + 10 * HOUR + 4 * MINUTE


def coin(**other: Any) -> dict[str, Any]:
    """A coin whose prices are 2001, 1002, 2003 … 1168; the last is now's."""
    told = {
        "id": "bitcoin",
        "current_price": 1168.5,
        "price_change_24h": 24,
        "last_updated": UPDATED.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "sparkline_in_7d": {"price": [1000.0 + n + n % 2 * 1000 for n in range(1, 169)]},
    }
    return {**told, **other}


def market(*coins: Any) -> httpx.Response:
    return httpx.Response(200, json=coins)


def week(connect: Connect, *coins: Any, now: datetime = NOW) -> dict[Listing, pl.DataFrame]:
    window = Window(START - timedelta(days=9), NOW)
    client = connect(lambda _: market(*coins))
    return fetch_many(client, GECKO, [BITCOIN, ARK], window, now)


def test_a_sparkline_tells_the_hours_between_its_prices(connect: Connect) -> None:
    found = week(connect, coin())
    assert set(found) == {BITCOIN}
    frame = found[BITCOIN]
    assert frame.height == 167
    assert frame.row(-1)[:5] == (START + 9 * HOUR, 2167, 2167, 1168, 1168)
    assert frame.row(0)[:5] == (START - 157 * HOUR, 2001, 2001, 1002, 1002)
    assert frame["volume"].null_count() == 167


def test_many_are_asked_for_by_their_ids_and_clipped_to_the_window(connect: Connect) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return market(coin(), coin(id="ark"), coin(id="other"))

    window = Window(START + 7 * HOUR, START + 9 * HOUR)
    found = fetch_many(connect(answer), GECKO, [BITCOIN, ARK], window, NOW)
    assert [frame["open_time"].to_list() for frame in found.values()] == [
        [START + 7 * HOUR, START + 8 * HOUR]
    ] * 2
    assert set(found) == {BITCOIN, ARK}
    assert asked[0].url.query.endswith(b"sparkline=true&per_page=250&page=1&ids=bitcoin,ark")


def test_of_many_only_closed_hours_are_taken(connect: Connect) -> None:
    late = week(connect, coin(), now=START + 10 * HOUR - MINUTE)[BITCOIN]
    assert late["open_time"][-1] == START + 8 * HOUR


@pytest.mark.parametrize(
    "other",
    [
        {"last_updated": (START + 10 * HOUR + 13 * MINUTE).isoformat()},
        {"last_updated": (START + 10 * HOUR + 30 * MINUTE).isoformat()},
        {"last_updated": (START + 10 * HOUR - 3 * MINUTE).isoformat()},
        {"last_updated": "2026-11-20T10:04:00"},
        {"last_updated": None},
        {"last_updated": "soon"},
        {"last_updated": "9999-12-31T23:59:00Z"},
        {"last_updated": "0001-01-01T00:00:00+14:00"},
        {"sparkline_in_7d": None},
        {"sparkline_in_7d": {"price": []}},
        {"sparkline_in_7d": {"price": [1168.0] * 167}, "price_change_24h": 0},
        {"sparkline_in_7d": {"price": [1168.0] * 169}, "price_change_24h": 0},
        {"sparkline_in_7d": {"price": [None, *[1168.0] * 167]}, "price_change_24h": 0},
        {"current_price": None},
        {"current_price": 1200.0, "price_change_24h": 56.0},
        {"price_change_24h": None},
        {"price_change_24h": 50.0},
        {"id": 7},
        {"sparkline_in_7d": {"price": [-1.0] * 168}, "current_price": -1, "price_change_24h": 0},
    ],
)
def test_a_coin_of_which_nothing_is_sure_is_left_out_and_the_others_stay(
    connect: Connect, other: dict[str, Any]
) -> None:
    assert set(week(connect, coin(**other), coin(id="ark"))) == {ARK}


def test_an_answer_about_many_that_is_no_list_is_malformed(connect: Connect) -> None:
    client = connect(lambda _: httpx.Response(200, json={"bitcoin": {}}))
    with pytest.raises(Malformed, match=r"coingecko: not a list of objects but dict \(1 listings"):
        fetch_many(client, GECKO, [BITCOIN], Window(START, NOW), NOW)


def test_what_is_no_coin_does_not_cost_the_others_theirs(connect: Connect) -> None:
    assert list(week(connect, coin(), 7, None)) == [BITCOIN]


@pytest.mark.parametrize("count", [0, 251])
def test_more_than_one_request_holds_is_a_mistake(connect: Connect, count: int) -> None:
    with pytest.raises(ValueError, match=f"does not serve {count} listings at once"):
        fetch_many(connect(lambda _: market()), GECKO, [ARK] * count, Window(START, NOW), NOW)


def test_a_source_that_knows_nothing_of_many_is_not_asked(connect: Connect) -> None:
    client = connect(lambda _: market())
    with pytest.raises(ValueError, match="does not serve 1 listings"):
        fetch_many(client, load()["binance_spot"], [ARK], Window(START, NOW), NOW)
