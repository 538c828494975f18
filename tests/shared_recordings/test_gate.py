"""Gate's list of pairs and one hour of it, in ../shared/recorded, against its parsers."""

from pathlib import Path

import httpx
import orjson

from chandlery.venues import CATALOGUE, catalogue, load
from tests.sources.conftest import Connect
from tests.sources.recordings import answer

GATE = load()["gate"]
PAIRS = "more/gate_v4_spot_currency_pairs_2021-04-22.json.gz"


def test_the_recorded_pairs_are_listed_whole_but_for_leveraged_tokens(
    recorded: Path, connect: Connect
) -> None:
    found = catalogue(connect(lambda _: answer(recorded / PAIRS)), GATE)
    assert found.frame.schema == CATALOGUE
    assert (found.frame.height, found.odd) == (1310, ())
    assert found.frame["trading"].sum() == 1266
    assert not {"BTC3L", "BTC5S", "SERO3S"} & set(found.frame["base"])
    assert set(found.frame["multiple"]) == {1}


def test_the_recorded_hour_was_open_and_would_have_been_read_as_it_was_sent(recorded: Path) -> None:
    told = orjson.loads((recorded / "more/candle_rows.json").read_bytes())
    (row,) = (value for name, value in told.items() if name.startswith("gate "))
    assert GATE.parse(httpx.Response(200, json=[row])).is_empty()
    (candle,) = GATE.parse(httpx.Response(200, json=[[*row[:7], "true"]])).rows()
    volumes = (13.53020576, 992134.61604178)
    assert candle[1:] == (73236.9, 73435.8, 73236.3, 73408.9, *volumes, None, None, None)
