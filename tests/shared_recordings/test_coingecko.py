"""Every answer of CoinGecko in ../shared/recorded against its parsers."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson
import polars as pl
import pytest

from chandlery.errors import Malformed, Rejected, SourceError, Unavailable
from chandlery.model import HOUR, Listing, Window
from chandlery.venues import fetch, load
from sources import coingecko
from tests.sources.conftest import Connect
from tests.sources.recordings import answer, body

GECKO = load()["coingecko"]


def test_the_recorded_ranking_of_2023_is_read_in_its_order(
    recorded: Path, connect: Connect
) -> None:
    path = recorded / "coingecko" / "coins_markets_usd_2023.json.gz"
    frame = coingecko.coins(connect(lambda _: answer(path)), 250)
    assert frame.height == 250
    assert frame.row(0) == ("bitcoin", "btc", "Bitcoin", 1, 29309.0, 569778313238.0)
    assert frame["rank"].is_sorted()
    assert frame["rank"][-1] == 251


def test_the_recorded_ticker_names_its_coin(recorded: Path, connect: Connect) -> None:
    path = recorded / "coingecko" / "exchanges_binance_tickers_ark.json"
    client = connect(lambda _: answer(path))
    frame = coingecko.tickers(client, "binance", derivatives=False)
    assert frame.rows() == [(None, "ARK", "BUSD", "ark")]


@pytest.mark.parametrize(
    ("name", "status", "retry_after", "kind", "words"),
    [
        ("429_keyless.json", 429, 53, Unavailable, "429 You've exceeded the Rate"),
        ("429_keyless.json", 200, None, Unavailable, "429 You've exceeded the Rate Limit."),
        ("10012_time_range_401.json", 401, None, Rejected, "10012 Your request exceeds"),
    ],
)  # fmt: skip
def test_a_recorded_refusal_is_told_in_coingeckos_own_words(  # noqa: PLR0913, PLR0917 - a table
    recorded: Path,
    name: str,
    status: int,
    retry_after: int | None,
    kind: type[SourceError],
    words: str,
) -> None:
    headers = {"retry-after": str(retry_after)} if retry_after else {}
    path = recorded / "coingecko" / "errors" / name
    error = coingecko.VENUE.verdict(answer(path, status, headers))
    assert type(error) is kind
    assert str(error).startswith(words)
    if isinstance(error, Unavailable):
        assert error.after is not None
        assert error.after.total_seconds() == (retry_after or 60)


def test_the_examples_of_coingeckos_own_documentation_are_read(
    recorded: Path, connect: Connect
) -> None:
    path = recorded / "coingecko" / "official_openapi_examples.json"
    said = orjson.loads(path.read_bytes())
    spot = httpx.Response(200, content=orjson.dumps(said["/exchanges/{id}/tickers"]))
    assert coingecko.tickers(connect(lambda _: spot), "binance", derivatives=False).rows() == [
        (None, "BTC", "USDT", "bitcoin"),
        (None, "BTC", "USDC", "bitcoin"),
    ]
    markets = httpx.Response(200, content=orjson.dumps(said["/coins/markets"]))
    (row,) = coingecko.coins(connect(lambda _: markets)).rows()
    told = said["/coins/markets"][0]
    assert row == ("bitcoin", "btc", "Bitcoin", 1, told["current_price"], told["market_cap"])
    for answer_of in said.values():
        assert coingecko.VENUE.verdict(httpx.Response(200, content=orjson.dumps(answer_of))) is None


CHART = "market_chart_daily_2017-2023_ark.json.gz"


def test_the_recorded_chart_of_days_is_not_taken_for_hours(
    recorded: Path, connect: Connect
) -> None:
    client = connect(lambda _: answer(recorded / "coingecko" / CHART))
    listing = Listing(1, "coingecko", "ark")
    end = datetime(2023, 12, 12, tzinfo=UTC)
    with pytest.raises(Malformed, match=r"coingecko: its points are mostly 1 day.*\(ark\)"):
        fetch(client, GECKO, listing, Window(end - 24 * HOUR, end), end)


def test_the_recorded_chart_told_by_the_hour_gives_its_prices(recorded: Path) -> None:
    chart = orjson.loads(body(recorded / "coingecko" / CHART))
    first = chart["prices"][0][0]
    chart["prices"] = [
        [first + n * 3_600_000, price] for n, (_, price) in enumerate(chart["prices"][:17])
    ]
    frame = GECKO.parse(httpx.Response(200, json=chart))
    assert frame.height == 16
    assert frame.row(0)[1:] == (
        0.0339403,
        0.0575659,
        0.0339403,
        0.0575659,
        None,
        None,
        None,
        None,
        None,
    )
    assert frame.row(1)[1:5] == (0.0575659, 0.0643126, 0.0575659, 0.0643126)
    assert frame.select(pl.col("open_time").dt.epoch("ms")).item(0, 0) == first


def test_the_documentations_own_points_do_not_make_an_hour(recorded: Path) -> None:
    examples = orjson.loads(body(recorded / "coingecko" / "official_openapi_examples.json"))
    chart = examples["/coins/{id}/market_chart/range"]
    assert GECKO.parse(httpx.Response(200, json=chart)).is_empty()
