"""KuCoin's list of symbols in ../shared/recorded against its parser."""

from pathlib import Path

import polars as pl

from chandlery.venues import CATALOGUE, catalogue, load
from tests.sources.conftest import Connect
from tests.sources.recordings import answer

KUCOIN = load()["kucoin"]
FILE = "more/kucoin_v1_symbols_2021-04-25.json.gz"


def test_the_recorded_symbols_are_listed_whole_but_for_leveraged_tokens(
    recorded: Path, connect: Connect
) -> None:
    found = catalogue(connect(lambda _: answer(recorded / FILE)), KUCOIN)
    assert found.frame.schema == CATALOGUE
    assert (found.frame.height, found.odd) == (630, ())
    assert not {"BTC3L", "BTC3S", "ETH3L", "ETH3S"} & set(found.frame["base"])
    assert found.frame.filter(~pl.col("trading"))["symbol"].to_list() == ["ZEL-BTC"]
    assert found.frame.filter(symbol="BCHSV-USDT").row(0, named=True) == {
        "symbol": "BCHSV-USDT", "asset": "BSV", "base": "BSV", "quote": "USDT",
        "multiple": 1, "start": None, "end": None, "trading": True, "name": None, "contract": None,
    }  # fmt: skip
    assert set(found.frame["multiple"]) == {1}
