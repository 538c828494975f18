"""Every answer of Bybit in ../shared/recorded against its parsers."""

from pathlib import Path

import polars as pl

from chandlery.errors import Rejected, Unavailable
from chandlery.venues import catalogue, load
from tests.sources.conftest import Connect
from tests.sources.recordings import answer

BYBIT = load()["bybit"]


def test_the_recorded_candles_are_read_as_they_were_sent(recorded: Path) -> None:
    response = answer(recorded / "bybit" / "v5_market_kline_BTCUSDT_1m_2026-09-30.json")
    assert BYBIT.venue.verdict(response) is None
    frame = BYBIT.parse(response)
    opened = frame["open_time"].dt.epoch("ms").to_list()
    assert opened == [1_790_803_380_000 - n * 60_000 for n in range(11)]
    assert frame.row(0)[1:] == (
        83743.3,
        83743.5,
        83743.3,
        83743.4,
        12.257,
        1026443.056,
        None,
        None,
        None,
    )
    told = (83746.0, 83754.6, 83718.7, 83718.8, 37.281, 3122038.0994)
    assert frame.row(10)[1:] == (*told, None, None, None)


def test_the_recorded_instrument_is_listed(recorded: Path, connect: Connect) -> None:
    path = recorded / "bybit" / "v5_market_instruments-info_BTCUSDT_2023-10-02.json"
    frame = catalogue(connect(lambda _: answer(path)), BYBIT).frame
    (row,) = frame.iter_rows(named=True)
    assert f"{row.pop('start'):%Y-%m-%d %H:%M}" == "2020-03-30 00:00"
    assert row == {
        "symbol": "BTCUSDT", "asset": "BTC", "base": "BTC", "quote": "USDT",
        "multiple": 1, "end": None, "trading": True, "name": None, "contract": None,
    }  # fmt: skip


ERRORS = {
    "10001_symbol_invalid.json": (Rejected, "10001 params error: Symbol Is Invalid"),
    "10006_too_many_visits.json": (Unavailable, "10006 Too many visits"),
}


def test_the_recorded_refusals_are_told_in_bybits_words(recorded: Path) -> None:
    paths = list((recorded / "bybit" / "errors").iterdir())
    assert {path.name for path in paths} == set(ERRORS)
    for path in paths:
        error = BYBIT.venue.verdict(answer(path))
        assert (type(error), str(error)) == ERRORS[path.name]


def test_the_recorded_contracts_of_2026_on_coins_are_listed(
    recorded: Path, connect: Connect
) -> None:
    path = recorded / "more" / "bybit_v5_instruments-info_linear_2026-08-09.json.gz"
    found = catalogue(connect(lambda _: answer(path)), BYBIT)
    assert (found.frame.height, found.odd) == (465 + 117, ())
    many = found.frame.filter(pl.col("multiple") > 1)
    assert many.height == 21
    assert set(many["base"]) > {"BABYDOGE", "NEX", "SATS", "BONK", "NEIROCTO", "XEC"}
    assert not {"AAPL", "XAU", "SPY"} & set(found.frame["base"])


def test_the_recorded_spot_symbols_of_2026_are_listed_but_for_stocks_as_tokens(
    recorded: Path, connect: Connect
) -> None:
    path = recorded / "more" / "bybit_v5_instruments-info_spot_2026-08-09.json.gz"
    found = catalogue(connect(lambda _: answer(path)), load()["bybit_spot"])
    assert (found.frame.height, found.odd) == (546, ())
    assert found.frame["trading"].all()
    assert {"MCRT", "MBX", "NYM"} < set(found.frame["base"])
    assert not {"NVDAX", "AAPLX", "SPCXX"} & set(found.frame["base"])
