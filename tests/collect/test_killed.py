"""SIGKILL at random moments, and what the next run makes of it."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import embedded
import store
from candles import instant
from candles.settings import Settings
from sandbox import Serving, serving

ROUNDS = 20
PAGES = 10  # a week of ten listed coins
NOW = instant("2026-11-22T10:30Z")
START = instant("2026-06-01")
TABLES = {
    name: f"select * from {name} order by coin, open_time".encode()  # noqa: S608
    for name in ("candle_1h", "candle_4h", "candle_1d")
}


@contextmanager
def backfilling(settings: Settings, venues: str, days: int) -> Iterator[subprocess.Popen[bytes]]:
    """`chandlery backfill` as a process of its own."""
    end = START + timedelta(days=days)
    command = [sys.executable, "-m", "chandlery", "backfill", "--json", "--now", f"{NOW:%FT%TZ}"]
    command += ["--start", f"{START:%FT%RZ}", "--end", f"{end:%FT%RZ}"]
    environment = {
        **os.environ,
        "CHANDLERY_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "CHANDLERY_VENUES_URL": venues,
        "CHANDLERY_SOURCES": "binance_futures,binance_spot",
    }
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        yield process


def tables(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    with store.connect(settings) as connection:
        queries = {name: f"select * from {name} order by coin, open_time" for name in TABLES}  # noqa: S608
        return {
            name: connection.execute(query.encode()).fetchall() for name, query in queries.items()
        }


@pytest.fixture
def undisturbed(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A second database, for the run that nobody kills."""
    if settings.database_url is not None:
        pytest.skip("kills the embedded engine too")
    home = tmp_path / "undisturbed"
    embedded.stop(settings.home)
    shutil.copytree(settings.home / "pgdata", home / "pgdata")
    yield settings.model_copy(update={"home": home})
    embedded.stop(home)


def wait_until(asked: int, looks: int, process: subprocess.Popen[bytes], venues: Serving) -> None:
    """Until the venues were asked so often, and then for so many looks more (a few ms each)."""
    while process.poll() is None and venues.requests()["total"] < asked:
        pass
    for _ in range(looks):
        venues.requests()


def test_killed_runs_lose_nothing(settings: Settings, undisturbed: Settings) -> None:
    chance = random.Random(20)  # noqa: S311
    cut_short = 0
    with serving(coins=12, seed=7, now=NOW, limits=False) as venues:
        for kill in range(1, ROUNDS + 1):
            venues.forget()
            with backfilling(settings, venues.url, 7 * kill) as process:
                if kill % 2:  # while it fetches; else while it writes, refreshes, ends
                    wait_until(chance.randint(1, PAGES - 2), 0, process, venues)
                else:
                    wait_until(PAGES, chance.randint(0, 60), process, venues)
                cut_short += process.poll() is None
                process.kill()
            engine = embedded.status(settings.home)
            if engine and kill % 5 == 0:
                os.kill(engine.pid, signal.SIGKILL)
        for each in (settings, undisturbed):
            with backfilling(each, venues.url, 7 * ROUNDS) as process:
                assert process.wait() == 0
    assert cut_short >= ROUNDS // 2
    assert tables(settings) == tables(undisturbed)
