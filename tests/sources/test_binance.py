from collections.abc import Mapping

import httpx
import orjson
import polars as pl
import pytest

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import Listing, check, empty
from chandlery.venues import Markets, Source, catalogue, load
from tests.sources.conftest import Connect, Page

SPOT, FUTURES = load()["binance_spot"], load()["binance_futures"]
LISTING = Listing(1, "binance", "BTCUSDT")


def both(*sources: Source) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("source", sources or (SPOT, FUTURES), ids=lambda s: s.name)


def test_every_module_with_a_source_is_found_by_its_name() -> None:
    assert {"binance_futures", "binance_spot"} <= set(load())
    assert all(name == source.name for name, source in load().items())


@both()
def test_a_page_is_asked_for_up_to_the_last_millisecond_and_no_longer(
    source: Source, page: Page
) -> None:
    asked = source.request(LISTING, page(48)).url
    assert str(asked).startswith(source.url)
    assert dict(asked.params) == {
        "symbol": "BTCUSDT",
        "interval": "1h",
        "startTime": "1704067200000",
        "endTime": "1704239999999",
        "limit": "48",
    }


@both()
def test_the_first_candle_is_asked_for_from_the_beginning_of_time(source: Source) -> None:
    asked = dict(source.first(LISTING).url.params)
    assert asked == {"symbol": "BTCUSDT", "interval": "1h", "startTime": "0", "limit": "1"}


def test_a_symbol_in_chinese_is_a_symbol(page: Page) -> None:
    asked = FUTURES.request(Listing(1, "binance_futures", "币安人生USDT"), page(1)).url
    assert asked.params["symbol"] == "币安人生USDT"


@pytest.mark.parametrize(
    ("hours", "cost"), [(1, 1), (99, 1), (100, 2), (499, 2), (500, 5), (1000, 5), (1001, 10)]
)
def test_a_page_of_futures_costs_by_its_limit(page: Page, hours: int, cost: int) -> None:
    budget = FUTURES.venue.metering.budgets[0]
    assert budget.cost(FUTURES.request(LISTING, page(hours))) == cost


def test_no_page_of_futures_is_cheaper_by_the_row_than_the_one_in_use(page: Page) -> None:
    cost = FUTURES.venue.metering.budgets[0].cost
    rows_a_weight = {n: n / cost(FUTURES.request(LISTING, page(n))) for n in range(1, 1501)}
    assert max(rows_a_weight, key=lambda hours: rows_a_weight[hours]) == FUTURES.page_hours == 499


def test_a_page_of_spot_costs_two_whatever_its_limit(page: Page) -> None:
    cost = SPOT.venue.metering.budgets[0].cost
    assert {cost(SPOT.request(LISTING, page(hours))) for hours in (1, 500, 1000)} == {2}
    assert cost(httpx.Request("GET", f"{SPOT.url}/api/v3/exchangeInfo")) == 20


@both()
@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, b'{"code":-1121,"msg":"Invalid symbol."}', Rejected, "-1121 Invalid symbol."),
        (200, b'{ "code": -1121, "msg": "Invalid\\nsymbol." }', Rejected, "-1121 Invalid symbol."),
        (400, b'{"code":-1122,"msg":"Invalid symbol status."}', Rejected, "-1122 Invalid symbol"),
        (400, b'{"code":-1104,"msg":"Not all read."}', Unavailable, "HTTP 400 -1104 Not all read."),
        (400, b'{"code":-4088,"msg":"Too long."}', Unavailable, "HTTP 400 -4088 Too long."),
        (400, b'{"code":-9999,"msg":"Something new."}', Unavailable, "HTTP 400 -9999 Something"),
        (200, b'{"code":-9999,"msg":"Something new."}', Unavailable, "-9999 Something new."),
        (400, b"", Unavailable, "HTTP 400 an empty body"),
        (405, b"<title>Not Allowed</title>", Unavailable, "HTTP 405 Not Allowed"),
        (429, b'{"code":-1003,"msg":"Too many requests."}', Unavailable, "-1003 Too many"),
        (429, b"", Unavailable, "HTTP 429 an empty body"),
        (418, b'{"code":-1003,"msg":"Way too much."}', Blocked, "-1003 Way too much."),
        (418, b"<html>teapot</html>", Blocked, "HTTP 418 <html>teapot"),
        (
            451,
            b'{"code":0,"msg":"Service unavailable from a restricted location"}',
            Blocked,
            "HTTP",
        ),
        (403, b"<title>403 Forbidden</title>", Blocked, "HTTP 403 403 Forbidden"),
        (503, b'{"code":-1008,"msg":"Server overloaded."}', Unavailable, "-1008 Server overloaded"),
        (500, b"oops", Unavailable, "HTTP 500 oops"),
        (404, b"", Unavailable, "HTTP 404 an empty body"),
        (302, b"", Malformed, "HTTP 302 an empty body"),
        (200, b"<html><title>Just a\nmoment</title>", Malformed, "not JSON: Just a moment"),
        (200, b'[[1,"2","3"', Malformed, "not JSON: [[1"),
        (200, b"", Malformed, "not JSON: an empty body"),
    ],
)
def test_a_refusal_says_what_to_do_in_binances_words(
    source: Source, status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    error = source.venue.verdict(httpx.Response(status, content=body))
    assert type(error) is kind
    assert str(error).startswith(words)


@both()
def test_an_empty_page_is_no_candles(source: Source) -> None:
    assert check(source.parse(httpx.Response(200, content=b"[]"))).equals(empty())


@both()
@pytest.mark.parametrize("body", [b"[]", b" [[1]]\n", b'{"symbols":[]}'])
def test_what_may_be_an_answer_is_not_refused(source: Source, body: bytes) -> None:
    assert source.venue.verdict(httpx.Response(200, content=body)) is None


def ban_of(headers: dict[str, str]) -> float:
    body = b'{"code":-1003,"msg":"IP banned until 1785050129644."}'
    error = SPOT.venue.verdict(httpx.Response(418, content=body, headers=headers))
    assert isinstance(error, Blocked)
    assert error.after is not None
    return error.after.total_seconds()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "77", "date": "Sun, 26 Jul 2026 07:00:00 GMT"}, 77),
        ({"date": "Sun, 26 Jul 2026 07:15:00 GMT"}, 29.644),
        ({"date": "Mon, 27 Jul 2026 07:15:00 GMT"}, 0),
        ({"date": "Sun, 26 Jul 2020 07:15:00 GMT"}, 7 * 86400),
        ({"date": "yesterday"}, 120),
        ({}, 120),
    ],
)
def test_a_ban_ends_when_it_is_said_to_and_is_assumed_short_where_nothing_is_said(
    headers: dict[str, str], seconds: float
) -> None:
    assert ban_of(headers) == pytest.approx(seconds)


def contract(symbol: str, base: str, **changed: object) -> dict[str, object]:
    usual = {
        "symbol": symbol,
        "baseAsset": base,
        "quoteAsset": "USDT",
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "underlyingType": "COIN",
        "onboardDate": 1_600_000_000_000,
        "deliveryDate": 4_133_404_800_000,
    }
    return {**usual, **changed}


def markets(connect: Connect, source: Source, *symbols: dict[str, object]) -> Markets:
    body = orjson.dumps({"symbols": symbols})
    return catalogue(connect(lambda _: httpx.Response(200, content=body)), source)


def listed(connect: Connect, source: Source, *symbols: dict[str, object]) -> pl.DataFrame:
    return markets(connect, source, *symbols).frame


def test_only_perpetual_contracts_on_coins_are_listed(connect: Connect) -> None:
    frame = listed(
        connect,
        FUTURES,
        contract("BTCUSDT", "BTC"),
        contract("TSLAUSDT", "TSLA", underlyingType="EQUITY"),
        contract("XAUUSDT", "XAU", underlyingType="COMMODITY", contractType="TRADIFI_PERPETUAL"),
        contract("BTCUSDT_261225", "BTC", contractType="CURRENT_QUARTER"),
    )
    assert frame["symbol"].to_list() == ["BTCUSDT"]


def test_a_contract_ends_when_its_delisting_is_announced(connect: Connect) -> None:
    gone = contract("AUSDT", "A", status="SETTLING", deliveryDate=1_700_000_000_000)
    frame = listed(connect, FUTURES, gone, contract("BUSDT", "B"))
    assert frame["end"].dt.epoch("ms").to_list() == [1_700_000_000_000, None]
    assert frame["start"].dt.epoch("ms").to_list() == [1_600_000_000_000] * 2
    assert frame["trading"].to_list() == [False, True]


def test_a_date_that_is_left_out_is_unknown(connect: Connect) -> None:
    bare = contract("BUSDT", "B")
    del bare["onboardDate"], bare["deliveryDate"]
    frame = listed(connect, FUTURES, contract("AUSDT", "A", onboardDate=0), bare)
    assert frame.select("start", "end").rows() == [(None, None)] * 2


def test_a_list_without_one_contract_to_take_is_not_believed(connect: Connect) -> None:
    with pytest.raises(Malformed, match="not one has"):
        listed(connect, FUTURES, contract("BTCUSDT", "BTC", contractType="ETERNAL"))


def test_contracts_on_many_coins_are_listed_in_plain_coins(connect: Connect) -> None:
    bases = ["1000PEPE", "1000000BOB", "1MBABYDOGE", "1INCH"]
    frame = listed(connect, FUTURES, *(contract(f"{base}USDT", base) for base in bases))
    assert frame.select("asset", "base", "multiple").rows() == [
        ("1000PEPE", "PEPE", 1000),
        ("1000000BOB", "BOB", 1_000_000),
        ("1MBABYDOGE", "BABYDOGE", 1_000_000),
        ("1INCH", "1INCH", 1),
    ]


ODD: Mapping[str, dict[str, object]] = {
    "an empty base": contract("ODDUSDT", ""),
    "a state left out": {k: v for k, v in contract("ODDUSDT", "A").items() if k != "status"},
    "a state of nothing": contract("ODDUSDT", "A", status=None),
    "listed before 1970": contract("ODDUSDT", "A", onboardDate=-1),
    "gone in the year 9999": contract("ODDUSDT", "A", deliveryDate=253_402_300_799_000),
    "a date in words": contract("ODDUSDT", "A", onboardDate="soon"),
    "a number for a name": contract("ODDUSDT", "A", quoteAsset=7),
    "more coins than a price needs": contract("ODDUSDT", f"1{'0' * 30}A"),
    "a kind of nothing": contract("ODDUSDT", "A", contractType=None),
}


@pytest.mark.parametrize("entry", ODD.values(), ids=ODD)
def test_an_odd_entry_does_not_cost_the_list(connect: Connect, entry: dict[str, object]) -> None:
    told = markets(connect, FUTURES, contract("BTCUSDT", "BTC"), entry)
    assert told.frame["symbol"].to_list() == ["BTCUSDT"]
    assert [odd.symbol for odd in told.odd] == ["ODDUSDT"]


def test_an_empty_list_is_not_believed(connect: Connect) -> None:
    with pytest.raises(Malformed, match=r"its list of symbols is empty \(catalogue\)"):
        markets(connect, SPOT)


def test_a_spot_symbol_that_stands_still_is_listed_as_such(connect: Connect) -> None:
    frame = listed(connect, SPOT, contract("BCCBTC", "BCC", status="BREAK"))
    assert frame.select("trading", "start", "end").rows() == [(False, None, None)]


@both()
@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"symbols":{}}',
        b'{"symbols":[1]}',
        b'{"symbols":[{}]}',
        b'{"symbols":[{"symbol":"A","baseAsset":7,"quoteAsset":"B","status":"TRADING"}]}',
    ],
)
def test_a_catalogue_of_another_shape_is_malformed(
    connect: Connect, source: Source, body: bytes
) -> None:
    with pytest.raises(Malformed, match=rf"^{source.name}: its list of symbols: .* \(catalogue\)$"):
        catalogue(connect(lambda _: httpx.Response(200, content=body)), source)
