# ruff: noqa: E501 - recordings are named as they were
"""Every answer of Binance in ../shared/recorded against its parsers."""

from pathlib import Path

import httpx
import polars as pl
import pytest

from chandlery.errors import Blocked, Rejected, Unavailable
from chandlery.model import HOUR, SCHEMA, Listing, Window
from chandlery.model.frame import RULES
from chandlery.venues import Source, catalogue, fetch, load
from tests.sources.conftest import Connect
from tests.sources.recordings import answer

SPOT, FUTURES = load()["binance_spot"], load()["binance_futures"]
GCT = "gocryptotrader_recorded"
ENDS = ("exchangeInfo", "klines")

# Read off the files by eye and by json.load: rows, then the first candle as the schema has it.
FIRST = {
    "api_v3_klines/BTCUSDT-1d-2022-01-01.json": (730, 1640995200000, 46216.93, 47954.63, 46208.37, 47722.65, 19604.46325, 924155159.5834866, 714899, 9942.36679, 468738711.7901065),
    "api_v3_klines/BTCUSDT-1h-2023-03-01.json": (743, 1677628800000, 23141.57, 23219.99, 23020.03, 23101.0, 12736.94918, 294608802.2508668, 430193, 6319.19996, 146161637.972301),
    "api_v3_klines/BTCUSDT-1h-2026-03-01.json": (744, 1772323200000, 66973.26, 67121.8, 66620.5, 66791.29, 560.35194, 37472155.8090198, 185423, 304.82012, 20393713.924538),
    "api_v3_klines/BTCUSDT-1m-nautilus.json": (10, 1634943780000, 60685.22, 60729.84, 60670.9, 60719.27, 21.63272, 1313200.0134041, 617, 12.28492, 745719.4102284),
    "api_v3_klines/BTCUSDT-4h-2023-01-01.json": (540, 1672531200000, 16541.77, 16559.77, 16508.39, 16533.04, 15515.82327, 256565046.2444078, 529532, 7617.41262, 125959681.2280884),
    f"{GCT}/api_v3_klines__endTime=1577836799000_interval=1d_limit=1000_startTime=1546300800000_symbol=BTCUSDT.json.gz": (365, 1546300800000, 3701.23, 3810.16, 3642.0, 3797.14, 23741.687033, 88149249.09230462, 154227, 12919.155899, 47973435.866858),
    f"{GCT}/api_v3_klines__endTime=1577836800000_interval=1d_limit=1000_startTime=1546300800000_symbol=BTCUSDT.json.gz": (366, 1546300800000, 3701.23, 3810.16, 3642.0, 3797.14, 23741.687033, 88149249.09230462, 154227, 12919.155899, 47973435.866858),
    f"{GCT}/api_v3_klines__endTime=1577836800000_interval=1d_limit=1000_startTime=1546300800000_symbol=ETHBTC.json.gz": (366, 1546300800000, 0.035534, 0.037532, 0.035315, 0.036629, 168390.91, 6118.53696104, 128903, 92258.482, 3352.45235579),
    f"{GCT}/api_v3_klines__endTime=1578096000000_interval=1d_limit=1000_startTime=1546041600000_symbol=BTCUSDT.json.gz": (372, 1546041600000, 3839.0, 3892.0, 3670.0, 3695.32, 38874.373903, 148205200.1077372, 244844, 19522.193046, 74500753.17536026),
    f"{GCT}/api_v3_klines__endTime=1580515200000_interval=5m_limit=24_startTime=1577836800000_symbol=BTCUSDT.json": (24, 1577836800000, 7195.24, 7196.25, 7178.64, 7179.78, 95.509133, 686317.13625177, 1127, 32.773245, 235537.29504531),
    f"{GCT}/api_v3_klines__endTime=1588636800000_interval=1m_startTime=1588636800000_symbol=BTCUSDT.json": (1, 1588636800000, 8871.92, 8888.0, 8871.92, 8887.62, 47.66737, 423305.63773405, 617, 25.947197, 230410.4641539),
    f"{GCT}/api_v3_klines__endTime=1588743688000_interval=1m_startTime=1588740088000_symbol=BTCUSDT.json": (60, 1588740120000, 9033.34, 9039.99, 9032.75, 9033.15, 31.192968, 281893.08800082, 282, 6.358103, 57447.26912415),
    f"{GCT}/api_v3_klines__endTime=1593572400000_interval=1h_limit=1000_startTime=1591880400000_symbol=BTCUSDT.json.gz": (468, 1591880400000, 9721.37, 9742.83, 9587.14, 9635.54, 8889.036701, 85878391.5599154, 81486, 3808.387024, 36813672.22713861),
    f"{GCT}/api_v3_klines__endTime=1613347200000_interval=1d_limit=1000_startTime=1598918400000_symbol=BTCUSDT.json.gz": (168, 1598918400000, 11649.51, 12050.85, 11515.0, 11921.97, 78148.193668, 928047313.4889667, 1321492, 37476.019382, 444996773.6683221),
    f"{GCT}/api_v3_klines__endTime=1673136000000_interval=1d_limit=1000_startTime=1672531200000_symbol=ETHBTC.json": (6, 1672531200000, 0.072299, 0.0725, 0.07211, 0.072238, 29425.9298, 2127.63972082, 54865, 15202.5874, 1099.25827475),
    f"{GCT}/api_v3_klines__interval=5m_limit=24_symbol=BTCUSDT.json": (24, 1586987400000, 6733.55, 6737.79, 6726.61, 6727.14, 121.201391, 815879.49416818, 2208, 56.190674, 378311.74215876),
    f"{GCT}/fapi_v1_klines__endTime=1580515200000_interval=5m_startTime=1577836800000_symbol=LTCUSDT.json": (6, 1602839700000, 46.77, 46.77, 46.01, 46.06, 34567.784, 1604152.51698, 3246, 10390.764, 482593.91972),
    f"{GCT}/fapi_v1_klines__endTime=1602819889_interval=5m_startTime=1602816289_symbol=LTCUSDT.json.gz": (500, 1602669900000, 50.49, 50.52, 50.31, 50.33, 3811.648, 192171.59398, 1517, 956.116, 48217.57292),
    f"{GCT}/fapi_v1_klines__endTime=1602819948_interval=5m_startTime=1602816348_symbol=LTCUSDT.json.gz": (500, 1602670200000, 50.34, 50.39, 50.12, 50.16, 14224.092, 714732.34394, 1715, 3624.119, 182269.68753),
    f"{GCT}/fapi_v1_klines__endTime=1673136000000_interval=1d_limit=1000_startTime=1672531200000_symbol=BTCUSDT.json": (6, 1672531200000, 16537.5, 16618.8, 16488.0, 16610.3, 105502.965, 1746449849.7392, 594299, 52617.509, 871082706.8239),
    f"{GCT}/fapi_v1_klines__interval=1d_limit=5_symbol=BTCUSDT.json": (5, 1602633600000, 11419.36, 11550.0, 11280.5, 11417.13, 192936.97, 2198967087.67917, 694620, 93295.555, 1063382407.09052),
}  # fmt: skip

ERRORS = {
    "-1003_ip_banned.json": (418, Blocked, "-1003 Way too much request weight used; IP banned until 1785050129644."),
    "gct_dapi_v1_historicalTrades__limit=5_symbol=BTCUSD_PERP.json": (401, Blocked, "-2014 API-key format invalid."),
    "gct_dapi_v1_historicalTrades__symbol=BTCUSD_PERP.json": (401, Blocked, "-2014 API-key format invalid."),
    "gct_dapi_v1_klines__endTime=1577836800000_interval=1d_limit=1000_startTime=1546300800000_symbol=BTCUSD_PERP.json": (400, Unavailable, "HTTP 400 -4088 Maximum time interval is 200 days."),
    "gct_fapi_v1_ticker_24hr__symbol=BTCUSD_201225.json": (400, Rejected, "-1121 Invalid symbol."),
}  # fmt: skip


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
    path = recorded / "binance" / name
    whole = SPOT.parse(answer(path))
    client = connect(lambda _: answer(path))
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
    error = FUTURES.venue.verdict(answer(path, 418, {"date": "Sun, 26 Jul 2026 07:10:29 GMT"}))
    assert isinstance(error, Blocked)
    assert error.after is not None
    assert 300 < error.after.total_seconds() < 301


def listed(recorded: Path, connect: Connect, source: Source, name: str) -> pl.DataFrame:
    path = recorded / "binance" / name
    return catalogue(connect(lambda _: answer(path)), source).frame


def test_spot_of_2021_is_listed_whole(recorded: Path, connect: Connect) -> None:
    frame = listed(recorded, connect, SPOT, "exchangeInfo_spot_2021-10-12_full.json.gz")
    assert frame.height == 1695
    assert frame["trading"].sum() == 1262
    assert frame.row(0, named=True) == {
        "symbol": "ETHBTC", "asset": "ETH", "base": "ETH", "quote": "BTC",
        "multiple": 1, "start": None, "end": None, "trading": True, "name": None, "contract": None,
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
    ("name", "source", "most", "count"),
    [
        ("exchangeInfo_spot_2021-10-12_full.json.gz", SPOT, 1200, 1695),
        ("exchangeInfo_usdm_2021-07-21_full.json.gz", FUTURES, 2400, 117),
        (f"{GCT}/api_v3_exchangeInfo.json.gz", SPOT, 6000, 25),
        (f"{GCT}/fapi_v1_exchangeInfo.json.gz", FUTURES, 2400, 25),
    ],
)
def test_a_recorded_exchange_info_states_the_budget(  # noqa: PLR0913, PLR0917 - a table
    recorded: Path, connect: Connect, name: str, source: Source, most: int, count: int
) -> None:
    restated = source.venue.metering.budgets[0].restated
    assert restated is not None
    path = recorded / "binance" / name
    lists, pages = (httpx.Request("GET", f"{source.url}/x/{end}") for end in ENDS)
    assert restated(answer(path, request=lists)) == most
    assert restated(answer(path, request=pages)) is None
    assert listed(recorded, connect, source, name).height == count
