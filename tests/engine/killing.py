"""Runs as processes of their own, to be killed: how they are started, found and compared."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chandlery import store
from chandlery.model import instant
from chandlery.settings import Settings

NOW = instant("2026-11-22T10:30Z")
TABLES = ("candle_1h", "candle_4h", "candle_1d", "listing")
LEFT = ("stale", "claim")  # in which nothing is to be left
# As `python -m chandlery`, and files are asked however little an API's budget has to give.
MAIN = """
import sys
from chandlery.__main__ import run
from chandlery.engine import turn
turn.WORTH_SECONDS = 0.0
sys.exit(run())
"""


@contextmanager
def process(settings: Settings, venues: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`chandlery …` as a process of its own."""
    environment = {
        **os.environ,
        "CHANDLERY_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "CHANDLERY_VENUES_URL": venues,
        "CHANDLERY_SOURCES": "binance_futures,binance_spot",
    }
    command = [sys.executable, "-c", MAIN, *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as running:
        yield running


def engines(home: Path) -> list[int]:
    """The processes of an engine on this home, also of one that only starts."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if f"--home={home}".encode() in words:
                found.append(int(path.parent.name))
    return found


def kill_engines(home: Path) -> int:
    """Kill them; how many there were."""
    found = engines(home)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


def contents(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of what is compared, and of what is to be empty."""
    with store.connect(settings) as connection:
        return {
            name: connection.execute(f"select * from {name} order by 1, 2, 3".encode()).fetchall()  # noqa: S608
            for name in (*TABLES, *LEFT)
        }
