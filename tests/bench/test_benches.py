"""That the benches run, on very little: what they measure is nobody's claim here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
    table = small("rate", "hourly", "stored").partition("|  | base build | this build |")[2]
    for line in (
        "| of the rate bound, 2,440 requests |  | 1.0",
        "| 429, 2,440 requests |  | 0 |  |  | ≤ 0 | met |",
        "| an hour of 20 coins |  |",
        "| a coin's 1d from market_data, 0.0 million candles |  |",
        "| memory, gaps, 0.0 million candles |  |",
        "| data_quality of a coin, 0.0 million candles |  |",
        "| newest of 10 coins, 0.0 million candles |  |",
    ):
        assert line in table


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a commit is asked of git")
def test_a_build_is_measured_beside_another_commit_s() -> None:
    printed = small("hourly", "--base=HEAD")
    assert "== hourly --coins=20 --rounds=1 --base=HEAD" in printed
    assert "hourly took " in printed
    rows = [line.split(" | ") for line in printed.splitlines() if "20 coins |" in line]
    assert len(rows) == 3
    assert all(base and ratio.endswith(" times base") for _, base, _, _, ratio, *_ in rows)


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is what is measured against")
def test_loading_is_measured_against_psql() -> None:
    line = "store.write, two writers, a flush at a time, 0.004 million rows |  |"
    assert line in small("load")
