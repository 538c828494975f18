"""That the benches run, on very little: what they measure is nobody's claim here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import measure

ROOT = Path(__file__).parents[2]


def small(*names: str) -> str:
    """`python -m bench --small` on the embedded database."""
    inherited = {name: it for name, it in os.environ.items() if name != "BENCH_DATABASE_URL"}
    command = [sys.executable, "-m", "bench", "--small", *names]
    done = subprocess.run(
        command, cwd=ROOT, env=inherited, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_benches_end_in_one_table() -> None:
    table = small("rate", "hourly", "stored").partition("\n| | goal |")[2]
    for line in (
        "| of the rate bound, 2,440 requests | ≥ 0.97 |",
        "| 429, 2,440 requests | ≤ 0 | 0 | met |",
        "| an hour of 20 coins |  |",
        "| a coin's 1d from market_data against time_bucket by hand, 0.0 million candles | ≥ 20 |",
        "| memory, gaps, 0.0 million candles | ≤ 300 |",
    ):
        assert line in table


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is what is measured against")
def test_loading_is_measured_against_psql() -> None:
    line = "store.write, two writers, a flush at a time, 0.004 million rows |  |"
    assert line in small("load")


def test_a_goal_is_held_against_the_median() -> None:
    figure = measure.Figure("speed", [1.0, 3.0, 30.0], "times", least=3.0)
    assert (figure.goal, figure.met) == ("≥ 3", True)
    assert figure.reached == "3.00 [1.00..30.00] times"
    assert not measure.Figure("speed", [1.0, 2.9, 30.0], least=3.0).met
    assert not measure.Figure("memory", [301.0], most=300.0).met
    assert measure.Figure("seconds", [5.0]).goal == ""
