# ruff: noqa: E501 - recordings are named as they were
"""Every answer in ../shared/recorded of the venues that are read so far, against their parsers."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import orjson
import polars as pl
import pytest

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import HOUR, SCHEMA, Listing, Window, check, empty
from chandlery.model.frame import RULES
from chandlery.venues import Source, catalogue, fetch, load
from sources import coingecko

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Connect

SPOT, FUTURES = load()["binance_spot"], load()["binance_futures"]
GECKO = load()["coingecko"]
GCT = "gocryptotrader_recorded"

# Read off the files by eye and by json.load: rows, then the first candle as the schema has it.
FIRST = {
    "api_v3_klines/BTCUSDT-1d-2022-01-01.json": (730, 1640995200000, 46216.93, 47954.63, 46208.37, 47722.65, 19604.46325, 924155159.5834866, 714899),
    "api_v3_klines/BTCUSDT-1h-2023-03-01.json": (743, 1677628800000, 23141.57, 23219.99, 23020.03, 23101.0, 12736.94918, 294608802.2508668, 430193),
    "api_v3_klines/BTCUSDT-1h-2026-03-01.json": (744, 1772323200000, 66973.26, 67121.8, 66620.5, 66791.29, 560.35194, 37472155.8090198, 185423),
    "api_v3_klines/BTCUSDT-1m-nautilus.json": (10, 1634943780000, 60685.22, 60729.84, 60670.9, 60719.27, 21.63272, 1313200.0134041, 617),
    "api_v3_klines/BTCUSDT-4h-2023-01-01.json": (540, 1672531200000, 16541.77, 16559.77, 16508.39, 16533.04, 15515.82327, 256565046.2444078, 529532),
    f"{GCT}/api_v3_klines__endTime=1577836799000_interval=1d_limit=1000_startTime=1546300800000_symbol=BTCUSDT.json.gz": (365, 1546300800000, 3701.23, 3810.16, 3642.0, 3797.14, 23741.687033, 88149249.09230462, 154227),
    f"{GCT}/api_v3_klines__endTime=1577836800000_interval=1d_limit=1000_startTime=1546300800000_symbol=BTCUSDT.json.gz": (366, 1546300800000, 3701.23, 3810.16, 3642.0, 3797.14, 23741.687033, 88149249.09230462, 154227),
    f"{GCT}/api_v3_klines__endTime=1577836800000_interval=1d_limit=1000_startTime=1546300800000_symbol=ETHBTC.json.gz": (366, 1546300800000, 0.035534, 0.037532, 0.035315, 0.036629, 168390.91, 6118.53696104, 128903),
    f"{GCT}/api_v3_klines__endTime=1578096000000_interval=1d_limit=1000_startTime=1546041600000_symbol=BTCUSDT.json.gz": (372, 1546041600000, 3839.0, 3892.0, 3670.0, 3695.32, 38874.373903, 148205200.1077372, 244844),
    f"{GCT}/api_v3_klines__endTime=1580515200000_interval=5m_limit=24_startTime=1577836800000_symbol=BTCUSDT.json": (24, 1577836800000, 7195.24, 7196.25, 7178.64, 7179.78, 95.509133, 686317.13625177, 1127),
    f"{GCT}/api_v3_klines__endTime=1588636800000_interval=1m_startTime=1588636800000_symbol=BTCUSDT.json": (1, 1588636800000, 8871.92, 8888.0, 8871.92, 8887.62, 47.66737, 423305.63773405, 617),
    f"{GCT}/api_v3_klines__endTime=1588743688000_interval=1m_startTime=1588740088000_symbol=BTCUSDT.json": (60, 1588740120000, 9033.34, 9039.99, 9032.75, 9033.15, 31.192968, 281893.08800082, 282),
    f"{GCT}/api_v3_klines__endTime=1593572400000_interval=1h_limit=1000_startTime=1591880400000_symbol=BTCUSDT.json.gz": (468, 1591880400000, 9721.37, 9742.83, 9587.14, 9635.54, 8889.036701, 85878391.5599154, 81486),
    f"{GCT}/api_v3_klines__endTime=1613347200000_interval=1d_limit=1000_startTime=1598918400000_symbol=BTCUSDT.json.gz": (168, 1598918400000, 11649.51, 12050.85, 11515.0, 11921.97, 78148.193668, 928047313.4889667, 1321492),
    f"{GCT}/api_v3_klines__endTime=1673136000000_interval=1d_limit=1000_startTime=1672531200000_symbol=ETHBTC.json": (6, 1672531200000, 0.072299, 0.0725, 0.07211, 0.072238, 29425.9298, 2127.63972082, 54865),
    f"{GCT}/api_v3_klines__interval=5m_limit=24_symbol=BTCUSDT.json": (24, 1586987400000, 6733.55, 6737.79, 6726.61, 6727.14, 121.201391, 815879.49416818, 2208),
    f"{GCT}/fapi_v1_klines__endTime=1580515200000_interval=5m_startTime=1577836800000_symbol=LTCUSDT.json": (6, 1602839700000, 46.77, 46.77, 46.01, 46.06, 34567.784, 1604152.51698, 3246),
    f"{GCT}/fapi_v1_klines__endTime=1602819889_interval=5m_startTime=1602816289_symbol=LTCUSDT.json.gz": (500, 1602669900000, 50.49, 50.52, 50.31, 50.33, 3811.648, 192171.59398, 1517),
    f"{GCT}/fapi_v1_klines__endTime=1602819948_interval=5m_startTime=1602816348_symbol=LTCUSDT.json.gz": (500, 1602670200000, 50.34, 50.39, 50.12, 50.16, 14224.092, 714732.34394, 1715),
    f"{GCT}/fapi_v1_klines__endTime=1673136000000_interval=1d_limit=1000_startTime=1672531200000_symbol=BTCUSDT.json": (6, 1672531200000, 16537.5, 16618.8, 16488.0, 16610.3, 105502.965, 1746449849.7392, 594299),
    f"{GCT}/fapi_v1_klines__interval=1d_limit=5_symbol=BTCUSDT.json": (5, 1602633600000, 11419.36, 11550.0, 11280.5, 11417.13, 192936.97, 2198967087.67917, 694620),
}  # fmt: skip

ERRORS = {
    "-1003_ip_banned.json": (418, Blocked, "-1003 Way too much request weight used; IP banned until 1785050129644."),
    "gct_dapi_v1_historicalTrades__limit=5_symbol=BTCUSD_PERP.json": (401, Blocked, "-2014 API-key format invalid."),
    "gct_dapi_v1_historicalTrades__symbol=BTCUSD_PERP.json": (401, Blocked, "-2014 API-key format invalid."),
    "gct_dapi_v1_klines__endTime=1577836800000_interval=1d_limit=1000_startTime=1546300800000_symbol=BTCUSD_PERP.json": (400, Unavailable, "HTTP 400 -4088 Maximum time interval is 200 days."),
    "gct_fapi_v1_ticker_24hr__symbol=BTCUSD_201225.json": (400, Rejected, "-1121 Invalid symbol."),
}  # fmt: skip


def read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def answer(
    path: Path, status: int = 200, url: str = "https://venue", **headers: str
) -> httpx.Response:
    request = httpx.Request("GET", url)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=read(path), request=request, headers=named)


def source_of(name: str) -> Source:
    return FUTURES if "fapi" in name else SPOT


def test_no_recording_is_left_out(recorded: Path) -> None:
    binance = recorded / "binance"
    klines = {str(p.relative_to(binance)) for p in binance.rglob("*") if "klines__" in p.name}
    klines |= {str(p.relative_to(binance)) for p in (binance / "api_v3_klines").iterdir()}
    errors = {p.name for p in (binance / "errors").iterdir()}
    assert klines - {f"errors/{name}" for name in errors} == set(FIRST)
    assert errors == set(ERRORS)


@pytest.mark.parametrize("name", FIRST)
def test_a_recorded_page_of_candles_is_read_as_it_was_sent(recorded: Path, name: str) -> None:
    frame = source_of(name).parse(answer(recorded / "binance" / name))
    count, opened, *values = FIRST[name]
    assert frame.schema == SCHEMA
    assert frame.height == count
    assert frame["open_time"].is_sorted()
    assert frame["open_time"].n_unique() == count
    assert frame.select(pl.col("open_time").dt.epoch("ms")).item(0, 0) == opened
    assert list(frame.row(0)[1:]) == values
    broken = {
        rule.name for rule in RULES if frame.select(rule.broken.fill_null(value=False).any()).item()
    }
    assert broken <= {"open_time is on the hour"}


@pytest.mark.parametrize("name", [name for name in FIRST if "1h" in name])
def test_a_recorded_page_of_hours_passes_through_fetch(
    recorded: Path, connect: Connect, name: str
) -> None:
    body = read(recorded / "binance" / name)
    whole = SPOT.parse(httpx.Response(200, content=body))
    client = connect(lambda _: httpx.Response(200, content=body))
    page = Window(whole["open_time"].min(), whole["open_time"].max() + HOUR)
    listing = Listing(1, SPOT.name, "BTCUSDT")
    assert fetch(client, SPOT, listing, page, page.end).frame.equals(whole)
    assert fetch(client, SPOT, listing, page, page.end - HOUR).frame.height == whole.height - 1


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("source", [SPOT, FUTURES], ids=lambda source: source.name)
def test_a_recorded_refusal_is_told_in_binances_own_words(
    recorded: Path, name: str, source: Source
) -> None:
    status, kind, words = ERRORS[name]
    error = source.venue.verdict(answer(recorded / "binance" / "errors" / name, status))
    assert type(error) is kind
    assert str(error).startswith(words)


def test_a_ban_lasts_until_the_moment_in_its_words(recorded: Path) -> None:
    path = recorded / "binance" / "errors" / "-1003_ip_banned.json"
    told = answer(path, 418, date="Sun, 26 Jul 2026 07:10:29 GMT")
    error = FUTURES.venue.verdict(told)
    assert isinstance(error, Blocked)
    assert error.after is not None
    assert 300 < error.after.total_seconds() < 301


def listed(recorded: Path, connect: Connect, source: Source, name: str) -> pl.DataFrame:
    body = read(recorded / "binance" / name)
    return catalogue(connect(lambda _: httpx.Response(200, content=body)), source).frame


def test_spot_of_2021_is_listed_whole(recorded: Path, connect: Connect) -> None:
    frame = listed(recorded, connect, SPOT, "exchangeInfo_spot_2021-10-12_full.json.gz")
    assert frame.height == 1695
    assert frame["trading"].sum() == 1262
    assert frame.row(0, named=True) == {
        "symbol": "ETHBTC", "asset": "ETH", "base": "ETH", "quote": "BTC",
        "multiple": 1, "start": None, "end": None, "trading": True,
    }  # fmt: skip
    assert frame.filter(base="1INCH", quote="USDT")["symbol"].to_list() == ["1INCHUSDT"]
    assert (frame["multiple"] == 1).all()


def test_futures_of_2021_are_perpetual_and_on_coins(recorded: Path, connect: Connect) -> None:
    frame = listed(recorded, connect, FUTURES, "exchangeInfo_usdm_2021-07-21_full.json.gz")
    assert frame.height == 117
    left_out = {"BTCUSDT_210924", "DEFIUSDT", "BTCDOMUSDT", "BTCSTUSDT"}
    assert not left_out & set(frame["symbol"])
    assert frame.filter(pl.col("multiple") != 1).rows() == [
        ("1000SHIBUSDT", "1000SHIB", "SHIB", "USDT", 1000, *frame.filter(base="SHIB").row(0)[5:])
    ]
    assert frame["end"].null_count() == 117
    btc = frame.filter(symbol="BTCUSDT").row(0, named=True)
    assert f"{btc['start']:%Y-%m-%d %H:%M}" == "2019-09-25 08:00"


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("exchangeInfo_spot_2021-10-12_full.json.gz", SPOT, (1200, 1695)),
        ("exchangeInfo_usdm_2021-07-21_full.json.gz", FUTURES, (2400, 117)),
        (f"{GCT}/api_v3_exchangeInfo.json.gz", SPOT, (6000, 25)),
        (f"{GCT}/fapi_v1_exchangeInfo.json.gz", FUTURES, (2400, 25)),
    ],
)
def test_a_recorded_exchange_info_states_the_budget(
    recorded: Path, connect: Connect, name: str, source: Source, told: tuple[int, int]
) -> None:
    most, count = told
    restated = source.venue.metering.budgets[0].restated
    assert restated is not None
    path = recorded / "binance" / name
    assert restated(answer(path, url=f"{source.url}/x/exchangeInfo")) == most
    assert restated(answer(path, url=f"{source.url}/x/klines")) is None
    assert listed(recorded, connect, source, name).height == count


def test_the_recorded_ranking_of_2023_is_read_in_its_order(
    recorded: Path, connect: Connect
) -> None:
    body = read(recorded / "coingecko" / "coins_markets_usd_2023.json.gz")
    frame = coingecko.coins(connect(lambda _: httpx.Response(200, content=body)), 250)
    assert frame.height == 250
    assert frame.row(0) == ("bitcoin", "btc", "Bitcoin", 1, 29309.0)
    assert frame["rank"].is_sorted()
    assert frame["rank"][-1] == 251


def test_the_recorded_ticker_names_its_coin(recorded: Path, connect: Connect) -> None:
    body = read(recorded / "coingecko" / "exchanges_binance_tickers_ark.json")
    client = connect(lambda _: httpx.Response(200, content=body))
    frame = coingecko.tickers(client, "binance", derivatives=False)
    assert frame.rows() == [(None, "ARK", "BUSD", "ark")]


@pytest.mark.parametrize(
    ("name", "status", "retry_after", "kind", "words"),
    [
        ("429_keyless.json", 429, 53, Unavailable, "429 You've exceeded the Rate"),
        ("429_keyless.json", 200, None, Unavailable, "429 You've exceeded the Rate Limit."),
        ("10012_time_range_401.json", 401, None, Rejected, "10012 Your request exceeds the allowed"),
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
    headers = {"retry_after": str(retry_after)} if retry_after else {}
    path = recorded / "coingecko" / "errors" / name
    error = coingecko.VENUE.verdict(answer(path, status, **headers))
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
    assert row == ("bitcoin", "btc", "Bitcoin", 1, said["/coins/markets"][0]["current_price"])
    for answer_of in said.values():
        assert coingecko.VENUE.verdict(httpx.Response(200, content=orjson.dumps(answer_of))) is None


def test_an_empty_page_is_no_candles() -> None:
    assert check(SPOT.parse(httpx.Response(200, content=b"[]"))).equals(empty())


CHART = "market_chart_daily_2017-2023_ark.json.gz"


def test_the_recorded_chart_of_days_is_not_taken_for_hours(
    recorded: Path, connect: Connect
) -> None:
    body = read(recorded / "coingecko" / CHART)
    client = connect(lambda _: httpx.Response(200, content=body))
    listing = Listing(1, "coingecko", "ark")
    end = datetime(2023, 12, 12, tzinfo=UTC)
    with pytest.raises(Malformed, match=r"coingecko: its points are mostly 1 day.*\(ark\)"):
        fetch(client, GECKO, listing, Window(end - 24 * HOUR, end), end)


def test_the_recorded_chart_told_by_the_hour_gives_its_prices(recorded: Path) -> None:
    body = orjson.loads(read(recorded / "coingecko" / CHART))
    first = body["prices"][0][0]
    body["prices"] = [
        [first + n * 3_600_000, price] for n, (_, price) in enumerate(body["prices"][:17])
    ]
    frame = GECKO.parse(httpx.Response(200, json=body))
    assert frame.height == 16
    assert frame.row(0)[1:] == (0.0339403, 0.0575659, 0.0339403, 0.0575659, None, None, None)
    assert frame.row(1)[1:5] == (0.0575659, 0.0643126, 0.0575659, 0.0643126)
    assert frame.select(pl.col("open_time").dt.epoch("ms")).item(0, 0) == first


def test_the_documentations_own_points_do_not_make_an_hour(recorded: Path) -> None:
    told = orjson.loads(read(recorded / "coingecko" / "official_openapi_examples.json"))
    chart = told["/coins/{id}/market_chart/range"]
    assert GECKO.parse(httpx.Response(200, json=chart)).is_empty()
