"""Tools read an exported folder by themselves: rows and sums are those that were exported.

They are of other interpreters: `.venv-bench`, and those of `pytest --tools PYTHON,PYTHON`.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from chandlery.files.names import file_name
from chandlery.files.series import Series
from tests.files.conftest import COINS, Send, candles
from tests.files.reading import MISSING, PRICES, TOOLS

ROOT = Path(__file__).parents[2]
READING = Path(__file__).parent / "reading.py"
TIMEFRAMES = ("1h", "4h", "1d", "1w")
LAYOUT = {"freqtrade": "freqtrade", "NautilusTrader": "nautilus"}
"""Others read parquet."""
NAMED = {"freqtrade": "{}/USDT", "NautilusTrader": "{}USDT"}
ENDS = {"NautilusTrader": True}


@cache
def told(python: Path, tool: str, folder: Path) -> dict[str, list[float]] | None:
    """What a tool says; None where this interpreter does not have it."""
    command = [str(python), str(READING), tool, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder.parent)
    if done.returncode == MISSING:
        return None
    assert done.returncode == 0, done.stderr
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def expected(tool: str) -> dict[str, list[float]]:
    found = {}
    for series in (Series(coin, each) for coin in COINS for each in TIMEFRAMES):
        frame = candles(series)
        sums = [frame[name].sum() for name in [*PRICES, "volume"]]
        times = pl.col("timestamp").dt.epoch("s")
        if ENDS.get(tool):
            times = series.ends.dt.epoch("s")
        first, last = frame.select(times.min().alias("first"), times.max().alias("last")).row(0)
        name = NAMED[tool].format(file_name(series.coin)) if tool in NAMED else series.coin.symbol
        found[f"{name} {series.timeframe}"] = [frame.height, *sums, first, last]
    return found


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_reads_what_was_exported(
    tool: str, send: Send, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    more = [Path(each) for each in request.config.getoption("--tools").split(",") if each]
    folder = tmp_path / "exported"
    send(folder, LAYOUT.get(tool, "parquet"), timeframes=TIMEFRAMES)
    pythons = [Path(sys.executable), ROOT / ".venv-bench/bin/python", *more]
    tried = (told(python, tool, folder) for python in pythons if python.exists())
    found = next((each for each in tried if each is not None), None)
    if found is None:
        pytest.skip(f"{tool} is in no interpreter at hand: name one by --tools PYTHON")
    wanted = expected(tool)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        assert found[name] == pytest.approx(values, rel=1e-12), name
