"""What is installed from a wheel, far from any clone: all that collects, exports and reads."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chandlery import embedded
from chandlery.model import instant
from sandbox import serving

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Path(embedded.__file__).parent
NOW = "2026-11-22T10:30:00Z"
Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the wheel in it and nothing else."""
    made, site = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    quiet = ("--no-deps", "--no-index")
    subprocess.run([*pip, "wheel", *quiet, "--no-build-isolation", "-w", made, ROOT], check=True)
    (wheel,) = made.glob("*.whl")
    subprocess.run([*pip, "install", *quiet, "--target", site, wheel], check=True)
    return site


@pytest.fixture
def ask(installed: Path, tmp_path: Path) -> Ask:
    """Run a verb of the installed one, from a folder that is no clone."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        mine = {"PYTHONPATH": str(installed), "DATABASE_URL": "", "NO_COLOR": "1"}
        mine["CHANDLERY_HOME"] = str(tmp_path / "home")
        return subprocess.run(
            [sys.executable, "-m", "chandlery", *words],
            cwd=tmp_path,
            env=os.environ | mine | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_it_brings_three_packages(installed: Path) -> None:
    found = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert found - {"bin"} == {"chandlery", "flows", "sources"}
    sql = {path.relative_to(ROOT / "sql") for path in (ROOT / "sql").rglob("*.sql")}
    there = installed / "chandlery" / "sql"
    assert {path.relative_to(there) for path in there.rglob("*.sql")} == sql


def test_an_engine_that_cannot_be_fetched_is_told_in_a_line(ask: Ask, tmp_path: Path) -> None:
    nowhere = {"npm_config_registry": "http://127.0.0.1:1", "npm_config_fetch_retries": "0"}
    done = ask("status", **nowhere)
    assert (done.returncode, done.stdout) == (2, "")
    fetched, lost = done.stderr.replace("\n ", " ").strip().splitlines()
    assert "the embedded engine is fetched once" in fetched
    assert lost.startswith("chandlery: the embedded engine could not be fetched (npm error")
    assert "ECONNREFUSED" in lost
    assert lost.endswith("look at the network, or set DATABASE_URL to a TimescaleDB server")
    assert list((tmp_path / "home").glob("engine*/")) == []


def test_it_collects_exports_and_says_what_takes_a_clone(
    ask: Ask, installed: Path, tmp_path: Path
) -> None:
    beside = installed / "chandlery" / "embedded" / "node_modules"
    shutil.copytree(ENGINE / "node_modules", beside, dirs_exist_ok=True)
    with serving(coins=5, seed=1, now=instant(NOW), limits=False) as venues:
        url = {"CHANDLERY_VENUES_URL": venues.url, "CHANDLERY_SOURCES": "binance_spot"}
        week = ("--start", "2026-11-15", "--now", NOW, "--json")
        done = ask("backfill", "--symbols", "BTC", *week, **url)
    assert (done.returncode, json.loads(done.stdout)["total_records"]) == (0, 178)
    assert ask("export", "--symbols", "BTC", "--to", "btc.csv").returncode == 0
    assert len((tmp_path / "btc.csv").read_text("utf-8").splitlines()) == 179
    done = ask("up")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "it runs in a clone" in done.stderr
    assert ask("db", "stop").stdout == "stopped\n"
