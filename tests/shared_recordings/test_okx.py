"""Every answer of OKX in ../shared/recorded against its parsers."""

from pathlib import Path

import pytest

from chandlery.errors import Malformed, Unavailable
from chandlery.venues import CATALOGUE, catalogue, load
from tests.sources.conftest import Connect
from tests.sources.recordings import answer

OKX = load()["okx"]


def test_the_recorded_candles_are_read_as_they_were_sent(recorded: Path) -> None:
    name = "market_candles_BTC-USDT-SWAP_1m_2025-05-13.json"
    frame = OKX.parse(answer(recorded / "okx" / name))
    opened = frame["open_time"].dt.epoch("ms").to_list()
    assert opened == [1_747_094_040_000, 1_747_093_980_000]
    assert frame.row(0)[1:] == (
        102806.1,
        102820.4,
        102806.1,
        102820.4,
        1040.37,
        1069603.34883,
        *(None, None, None),
    )
    assert frame.row(1)[1:] == (
        102806.0,
        102820.5,
        102783.1,
        102806.1,
        7164.04,
        7364701.57952,
        *(None, None, None),
    )


def test_the_recorded_instruments_are_listed_whole(recorded: Path, connect: Connect) -> None:
    path = recorded / "okx" / "public_instruments_SPOT_2022-05-13_full.json.gz"
    frame = catalogue(connect(lambda _: answer(path)), OKX).frame
    assert frame.schema == CATALOGUE
    assert frame.height == 513
    row = frame.filter(symbol="BTC-USDT").row(0, named=True)
    assert f"{row.pop('start'):%Y-%m-%d %H:%M:%S}" == "2019-01-22 05:03:33"
    assert row == {
        "symbol": "BTC-USDT", "asset": "BTC", "base": "BTC", "quote": "USDT",
        "multiple": 1, "end": None, "trading": True, "name": None, "contract": None,
    }  # fmt: skip


def test_the_recorded_swaps_are_not_spot(recorded: Path, connect: Connect) -> None:
    path = recorded / "okx" / "public_instruments_SWAP_2022-05-13_full.json.gz"
    with pytest.raises(Malformed, match="its list of symbols is empty"):
        catalogue(connect(lambda _: answer(path)), OKX)


def test_the_recorded_refusal_is_told_in_okxs_words(recorded: Path) -> None:
    (path,) = (recorded / "okx" / "errors").iterdir()
    error = OKX.venue.verdict(answer(path, 429))
    assert isinstance(error, Unavailable)
    assert str(error) == "50011 Too Many Requests"
