import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox import Serving

HOUR = 3_600
OPEN = 1795341600  # 2026-11-22 10:00
KEY = {"Authorization": "Apikey any"}
HOURS = "/cryptocompare/data/v2/histohour"


def ask(sandbox: Serving, **query: object) -> Any:
    answer = sandbox.get(HOURS, KEY, **{"fsym": "BTC", "tsym": "USD"} | query)
    assert answer.status_code == 200
    return answer.json()


def rows(sandbox: Serving, **query: object) -> list[dict[str, Any]]:
    return list(ask(sandbox, **query)["Data"]["Data"])


@pytest.mark.parametrize("headers", [None, {"Authorization": "Apikey"}])
def test_without_a_key_there_is_nothing(made_up: Serving, headers: dict[str, str] | None) -> None:
    answer = made_up.get(HOURS, headers, fsym="BTC", tsym="USD")
    assert answer.status_code == 401
    assert (answer.json()["Data"], answer.json()["Err"]["type"]) == ({}, 2)
    assert answer.json()["Err"]["message"].startswith("API key required")


def test_a_key_may_be_in_the_query(made_up: Serving) -> None:
    assert made_up.get(HOURS, fsym="BTC", tsym="USD", api_key="x").status_code == 200


def test_an_hour_has_the_keys_and_types_of_the_recorded_one(shared: Path, made_up: Serving) -> None:
    folder = shared / "recorded/cryptocompare"
    raw = (folder / "histohour_Data_array_2000h_BTCUSD_2019.json.gz").read_bytes()
    recorded = json.loads(gzip.decompress(raw))[0]
    for row in rows(made_up, limit=10):
        assert {key: type(row[key]) for key in recorded} == {
            k: type(v) for k, v in recorded.items()
        }
    legacy = gzip.decompress((folder / "data_histoday_legacy_2017-2021.json.gz").read_bytes())
    envelope = {key: json.loads(legacy)[key] for key in ("Response", "Type")}
    assert {key: ask(made_up)[key] for key in envelope} == envelope


def test_a_page_has_one_hour_more_than_asked_for_and_ends_with_its_end(made_up: Serving) -> None:
    page = ask(made_up, limit=2000, toTs=OPEN - HOUR)["Data"]
    times = [row["time"] for row in page["Data"]]
    assert times == list(range(OPEN - 2001 * HOUR, OPEN, HOUR))
    assert (page["TimeFrom"], page["TimeTo"]) == (times[0], times[-1])
    assert [row["time"] for row in rows(made_up, limit=0, toTs=OPEN - 1)] == [OPEN - HOUR]
    assert len(rows(made_up)) == 169


def test_nothing_is_told_of_the_future(made_up: Serving) -> None:
    assert rows(made_up, limit=1, toTs=OPEN * 2)[-1]["time"] == OPEN


def test_before_a_listing_there_are_rows_of_zeros(made_up: Serving) -> None:
    (row,) = rows(made_up, limit=0, toTs=1_262_304_000)
    del row["time"], row["conversionType"], row["conversionSymbol"]
    assert set(row.values()) == {0}


def test_a_hole_is_a_row_of_zeros(made_up: Serving) -> None:
    hole = {"start": (OPEN - 2 * HOUR) * 1000, "end": (OPEN - HOUR) * 1000}
    made_up.fault("outage", source="cryptocompare", **hole)
    try:
        assert [row["close"] == 0 for row in rows(made_up, limit=3)] == [False, True, False, False]
    finally:
        made_up.clear()


def test_a_missing_parameter_is_told_in_the_recorded_words(shared: Path, made_up: Serving) -> None:
    file = shared / "recorded/cryptocompare/errors/fsym_missing_type2.json"
    assert ask(made_up, fsym="") == json.loads(file.read_bytes())


@pytest.mark.parametrize(
    "query", [{"fsym": "NOPE"}, {"tsym": "EUR"}, {"limit": 2001}, {"limit": "x"}, {"toTs": "x"}]
)
def test_what_is_not_there_is_an_error_of_type_2_with_200(
    made_up: Serving, query: dict[str, object]
) -> None:
    told = ask(made_up, **query)
    assert (told["Response"], told["Type"], told["Data"]) == ("Error", 2, {})


def test_too_much_is_told_in_the_recorded_words(shared: Path, made_up: Serving) -> None:
    file = shared / "recorded/cryptocompare/errors/rate_limit_type99_http200.json"
    made_up.fault("429", source="cryptocompare", count=1)
    assert ask(made_up) == json.loads(file.read_bytes())
    made_up.clear()


def test_a_coin_is_told_as_its_longest_recording(replayed: Serving) -> None:
    (row,) = rows(replayed, fsym="LUNC", limit=0, toTs=1_650_000_000)
    assert row["close"] > 50
    (row,) = rows(replayed, fsym="LUNC", limit=0, toTs=1_654_300_000)
    assert row["close"] == 0
