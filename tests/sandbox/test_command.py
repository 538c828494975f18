"""`python -m sandbox` as a person starts it."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from sandbox import BadOption, serving
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


def start(*options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "sandbox", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_its_address_serves_and_stops_at_once(stop: signal.Signals) -> None:
    with start("--port=0", "--coins=3", "--seed=5", "--fault=slow:source=nobody") as running:
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        assert "made up from seed 5" in told["candles"]
        assert len(httpx.get(f"{told['url']}/coingecko/api/v3/coins/list").json()) == 3
        running.send_signal(stop)
        assert running.wait(PATIENCE) == 0
        assert running.communicate() == ("", "")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--market=/no/such/folder",), "no such market folder"),
        (("--market=tests",), "not a market folder"),
        (("--fault=nope",), "no such fault"),
        (("--port=-1",), "cannot listen"),
        (("--odd=2",), "a rate is from 0 to 1"),
        (("--odd=0.1", "--odd-kind=nope"), "no such kind: nope"),
        (("--odd=0.1", "--odd-start=tomorrow"), "odd: "),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(options: tuple[str, ...], says: str) -> None:
    with start("--port=0", *options) as running:
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_port_that_is_taken_is_said_in_a_line() -> None:
    with serving(coins=1) as taken, start(f"--port={taken.url.rpartition(':')[2]}") as running:
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out, err.count("\n")) == (2, "", 1)
    assert "in use" in err


def test_it_runs_in_a_process_of_its_own_too() -> None:
    with serving(process=True, coins=2, limits=False, faults=["503:count=1"]) as sandbox:
        url = f"{sandbox.url}/coingecko/api/v3/coins/list"
        assert [httpx.get(url).status_code for _ in range(2)] == [503, 200]


def test_a_switch_never_goes_out_on_an_idle_connection() -> None:
    with serving(coins=3) as sandbox:
        assert sandbox.get("/_requests").headers["connection"] == "close"


def test_it_gives_the_answer_it_gave_before_where_it_is_to_remember() -> None:
    path = "/binance_spot/api/v3/klines"
    page = {"symbol": "BTCUSDT", "interval": "1h", "startTime": 1_700_000_000_000, "limit": 5}
    whole: dict[str, Any] = {"source": "binance_spot", "start": 0, "end": 10**13}
    for remember in (True, False):
        with serving(process=True, coins=2, remember=remember) as sandbox:
            before = sandbox.get(path, **page).json()
            sandbox.fault("outage", **whole)
            assert len(before) == 5
            assert (sandbox.get(path, **page).json() == before) == remember


def test_an_unknown_source_is_told_which_there_are() -> None:
    with serving(coins=1) as sandbox:
        answer = sandbox.get("/nowhere/api")
    assert answer.status_code == 404
    assert "binance_spot-mirror" in answer.json()["error"]


def test_a_folder_of_any_symbols_is_replayed(tmp_path: Path) -> None:
    folder = tmp_path / "binance_futures" / "1000FLOKIUSDT"
    folder.mkdir(parents=True)
    hour = pl.datetime(2024, 1, 1, time_unit="us", time_zone="UTC")
    row = {"open": 0.031, "high": 1e-7, "low": 1e-12, "close": 12345.678, "volume": 5.0}
    pl.select(open_time=hour, **{name: pl.lit(x) for name, x in row.items()}).write_parquet(
        folder / "1h.parquet"
    )
    (tmp_path / "coins.json").write_text('[{"id":"x","symbol":"x","name":"X","rank":1}]')
    query = {"symbol": "1000FLOKIUSDT", "interval": "1h"}
    with serving(market=tmp_path) as sandbox:
        prefix = f"{sandbox.url}/binance_futures/fapi/v1"
        (served,) = httpx.get(f"{prefix}/klines", params=query).json()
        (symbol,) = httpx.get(f"{prefix}/exchangeInfo").json()["symbols"]
    assert [float(x) for x in served[1:6]] == list(row.values())
    assert "e" not in "".join(served[1:6])
    assert (symbol["baseAsset"], symbol["onboardDate"]) == ("1000FLOKI", 1704067200000)


def test_a_folder_with_a_broken_recording_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "binance_spot" / "BTCUSDT"
    folder.mkdir(parents=True)
    (folder / "1h.parquet").write_bytes(b"no parquet")
    (tmp_path / "coins.json").write_text("[]")
    with pytest.raises(BadOption, match="not a recording"), serving(market=tmp_path):
        pass
