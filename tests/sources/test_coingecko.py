from collections.abc import Callable
from itertools import count

import httpx
import orjson
import pytest

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from sources import coingecko
from tests.sources.conftest import Connect

Rows = list[dict[str, object]]


def coin(number: int, rank: int | None = None) -> dict[str, object]:
    name = f"coin-{number}"
    return {"id": name, "symbol": name[:3], "name": name, "market_cap_rank": rank or number}


def paged(
    connect: Connect,
    rows: Rows,
    size: int,
    asked: list[httpx.URL],
    wrap: Callable[[Rows], object] = list,
) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        page = int(request.url.params["page"])
        return httpx.Response(200, content=orjson.dumps(wrap(rows[(page - 1) * size :][:size])))

    return connect(answer)


def test_all_coins_are_read_page_by_page(connect: Connect) -> None:
    asked: list[httpx.URL] = []
    frame = coingecko.coins(paged(connect, [coin(n) for n in range(1, 601)], 250, asked))
    assert frame.height == 600
    assert [url.params["page"] for url in asked] == ["1", "2", "3"]
    assert str(asked[0]).startswith(
        "https://api.coingecko.com/api/v3/coins/markets?vs_currency=usd"
    )


def test_no_more_pages_are_asked_for_than_the_coins_wanted_fill(connect: Connect) -> None:
    asked: list[httpx.URL] = []
    frame = coingecko.coins(paged(connect, [coin(n) for n in range(1, 601)], 250, asked), 10)
    assert frame["rank"].to_list() == list(range(1, 11))
    assert len(asked) == 1


def test_a_coin_that_slid_onto_the_next_page_counts_once(connect: Connect) -> None:
    rows = [*(coin(n) for n in range(1, 251)), coin(250), coin(251)]
    frame = coingecko.coins(paged(connect, rows, 250, []))
    assert frame.height == 251
    assert frame["id"].n_unique() == 251


def test_a_coin_without_a_rank_comes_last(connect: Connect) -> None:
    rows = [{**coin(1), "market_cap_rank": None}, coin(2), coin(3)]
    frame = coingecko.coins(paged(connect, rows, 250, []))
    assert frame["rank"].to_list() == [2, 3, None]


def ticker(base: str, coin_id: str | None, **more: object) -> dict[str, object]:
    return {"base": base, "target": "USDT", "coin_id": coin_id, **more}


def test_tickers_are_read_in_an_order_that_stands_still_and_unknown_coins_left_out(
    connect: Connect,
) -> None:
    rows = [ticker(f"A{n}", f"a-{n}") for n in range(199)] + [ticker("B", None)]
    asked: list[httpx.URL] = []
    client = paged(connect, rows, 100, asked, wrap=lambda page: {"tickers": page})
    frame = coingecko.tickers(client, "binance", derivatives=False)
    assert frame.height == 199
    assert [url.params["page"] for url in asked] == ["1", "2", "3"]
    assert {url.params["order"] for url in asked} == {"base_target"}
    assert asked[0].path == "/api/v3/exchanges/binance/tickers"


def test_of_contracts_the_perpetual_ones_are_read(connect: Connect) -> None:
    rows = [
        ticker("BTC", "bitcoin", symbol="BTCUSDT", contract_type="perpetual"),
        ticker("BTC", "bitcoin", symbol="BTCUSDT_261225", contract_type="futures"),
    ]
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=orjson.dumps({"tickers": rows}))

    frame = coingecko.tickers(connect(answer), "binance_futures", derivatives=True)
    assert frame.rows() == [("BTCUSDT", "BTC", "USDT", "bitcoin")]
    assert asked[0].url.path == "/api/v3/derivatives/exchanges/binance_futures"
    assert asked[0].url.params["include_tickers"] == "unexpired"


@pytest.mark.parametrize(
    "body", [b"{}", b"[1]", b'[{"id":1}]', b'[{"id":"a"}]', b'[{"id":"a","symbol":"b","name":[]}]']
)
def test_coins_of_another_shape_are_malformed(connect: Connect, body: bytes) -> None:
    with pytest.raises(Malformed, match=r"^coingecko: .* \(coins\)$"):
        coingecko.coins(connect(lambda _: httpx.Response(200, content=body)))


@pytest.mark.parametrize(
    "bad",
    [
        7,
        None,
        {},
        coin(3) | {"id": None},
        coin(3) | {"id": 3},
        coin(3) | {"symbol": None},
        coin(3) | {"name": []},
        coin(3) | {"market_cap_rank": "3"},
        coin(3) | {"market_cap_rank": 2**70 // 2**7},
        coin(3) | {"id": "a\u202eb"},
    ],
)
def test_one_odd_coin_is_left_out_and_told(
    connect: Connect, bad: object, caplog: pytest.LogCaptureFixture
) -> None:
    body = orjson.dumps([coin(1), bad, coin(2)])
    frame = coingecko.coins(connect(lambda _: httpx.Response(200, content=body)))
    assert frame["id"].to_list() == ["coin-1", "coin-2"]
    (words,) = caplog.messages
    assert words.startswith("coingecko: 1 of 3 left out: ")


def test_one_odd_ticker_is_left_out_and_told(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    body = orjson.dumps({"tickers": [ticker("A", "a"), ticker("B", 7), 7, ticker("C", None)]})  # type: ignore[arg-type]
    client = connect(lambda _: httpx.Response(200, content=body))
    frame = coingecko.tickers(client, "binance", derivatives=False)
    assert frame.rows() == [(None, "A", "USDT", "a")]
    assert caplog.messages == ["coingecko: 2 of 4 left out: its coin_id is 7"]


@pytest.mark.parametrize(
    ("told", "price"),
    [(1.5, 1.5), (2, 2.0), (0, None), (-1, None), (None, None), ("1.5", None), (True, None)],
)
def test_a_coin_has_its_price_where_that_is_known(
    connect: Connect, told: object, price: float | None
) -> None:
    body = orjson.dumps([coin(1) | {"current_price": told}])
    frame = coingecko.coins(connect(lambda _: httpx.Response(200, content=body)))
    assert frame.schema == coingecko.COINS
    assert frame["price"].to_list() == [price]


def test_a_page_that_mostly_came_before_is_malformed(connect: Connect) -> None:
    """Page 3 is page 1 again, but for half of it less one."""
    numbers = [*range(1, 501), *range(1, 126), *range(501, 626)]
    with pytest.raises(Malformed, match=r"coingecko: its page 3 repeats 125 coins of pages before"):
        coingecko.coins(paged(connect, [coin(n) for n in numbers], 250, []))
    fewer = [*range(1, 501), *range(1, 125), *range(501, 627)]
    assert coingecko.coins(paged(connect, [coin(n) for n in fewer], 250, [])).height == 626


def test_tickers_that_come_again_are_malformed(connect: Connect) -> None:
    rows = [ticker(f"A{n}", "a") for n in range(100)] * 2
    client = paged(connect, rows, 100, [], wrap=lambda page: {"tickers": page})
    with pytest.raises(Malformed, match="its page 2 repeats 100 tickers of pages before"):
        coingecko.tickers(client, "binance", derivatives=False)


def test_a_list_without_an_end_is_malformed(connect: Connect) -> None:
    numbers = count(1)

    def answer(_: httpx.Request) -> httpx.Response:
        page = [ticker(f"A{next(numbers)}", "a") for _ in range(100)]
        return httpx.Response(200, content=orjson.dumps({"tickers": page}))

    with pytest.raises(Malformed, match="no end after 1000 pages"):
        coingecko.tickers(connect(answer), "binance", derivatives=False)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (404, b'{"error":"coin not found"}', Rejected, "HTTP 404 coin not found"),
        (
            401,
            b'{"status":{"error_code":10002,"error_message":"API Key Missing"}}',
            Blocked,
            "10002",
        ),
        (
            401,
            b'{"status":{"error_code":10005,"error_message":"This request is limited"}}',
            Blocked,
            "10005 This request is limited",
        ),
        (
            422,
            b'{"error":{"status":{"error_code":10005,"error_message":"For subscribers"}}}',
            Blocked,
            "10005 For subscribers",
        ),
        (200, b'{"status":{"error_code":429,"error_message":"Slow"}}', Unavailable, "429 Slow"),
        (200, b'{"error":"odd"}', Unavailable, "odd"),
        (404, b"<title>Not Found</title>", Unavailable, "HTTP 404 Not Found"),
        (400, b"", Unavailable, "HTTP 400 an empty body"),
        (403, b"<title>Access denied</title>", Blocked, "HTTP 403 Access denied"),
        (503, b"", Unavailable, "HTTP 503 an empty body"),
        (200, b"<html>", Malformed, "not JSON: <html>"),
    ],
)
def test_a_refusal_says_what_to_do_in_coingeckos_words(
    status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    error = coingecko.VENUE.verdict(httpx.Response(status, content=body))
    assert type(error) is kind
    assert str(error).startswith(words)
