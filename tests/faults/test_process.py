"""A run that is ended, and runs that overlap: what they leave, and what the next one makes of it.

Flow runs and workers that are killed or cancelled, and power losses: tests/flows/test_behaviour.py.
Kills at random instants: tests/engine/test_killed.py.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chandlery import store
from chandlery.model import Window
from tests.fault_table import Happened
from tests.faults.site import COINS, HOURS, NOW, Site, asked, collect, opened, tables
from tests.faults.wire import COPY_DATA, Line
from tests.waiting import PATIENCE

GOES_ON = "nothing half-written; the next run does the rest: tables as after an undisturbed one"
SAID = "chandlery: stopped; what was written stays, the same command goes on\n"


@pytest.fixture(scope="module")
def site(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(template, tmp_path_factory.mktemp("site")) as made:
        yield made


@contextmanager
def backfilling(site: Site, week: Window) -> Iterator[subprocess.Popen[str]]:
    given = {
        "CHANDLERY_HOME": str(site.home),
        "DATABASE_URL": site.wire.url,
        "CHANDLERY_VENUES_URL": site.venues.url,
        "CHANDLERY_SOURCES": "binance_futures,binance_spot",
    }
    ends = (f"--start={week.start:%FT%RZ}", f"--end={week.end:%FT%RZ}", f"--now={NOW:%FT%TZ}")
    command = [sys.executable, "-m", "chandlery", "backfill", *ends]
    with subprocess.Popen(
        command, env=os.environ | given, text=True, stderr=subprocess.PIPE
    ) as process:
        yield process


def rows(site: Site, week: Window) -> int:
    with store.connect(site.disturbed) as connection:
        query = "select count(*) from candle_1h where open_time >= %s and open_time < %s"
        (found,) = connection.execute(query, (week.start, week.end)).fetchone() or ()
    return int(found)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        pytest.param(
            number,
            code,
            said,
            marks=pytest.mark.fault("process", f"{number.name} of a run", GOES_ON),
        )
        for number, code, said in (
            (signal.SIGKILL, -9, ""),
            (signal.SIGTERM, 143, SAID),
        )
    ],
)
def test_a_run_that_is_ended(
    site: Site, number: signal.Signals, code: int, said: str, happened: Happened
) -> None:
    """It has what the first source gives, and waits for the second."""
    with site.week() as week:
        site.venues.fault("held", source="binance_spot", path="klines")
        with backfilling(site, week) as process:
            while not any(source == "binance_spot" for source, *_ in asked(site.venues)):
                assert process.poll() is None
            process.send_signal(number)
            _, words = process.communicate(timeout=PATIENCE)
        site.venues.clear()
        assert (process.returncode, words.lstrip()) == (code, said)
        before = rows(site, week)
        assert 0 < before < COINS * HOURS
        site.venues.forget()
        collect(site.disturbed, week)
        assert {source for source, *_ in asked(site.venues)} == {"binance_spot"}
    happened(f"exit code {code}; {before:,} candles were kept, the next run asked for the others")


@pytest.mark.fault("process", "SIGKILL of a run in mid-COPY", GOES_ON)
def test_a_run_killed_in_mid_copy(site: Site, happened: Happened) -> None:
    processes: list[subprocess.Popen[str]] = []

    def kill(line: Line, message: bytes) -> None:
        line.server.sendall(message[: len(message) // 2])
        processes[0].kill()

    with site.week() as week:
        site.wire.trouble(COPY_DATA, b"", kill)
        with backfilling(site, week) as process:
            processes.append(process)
            assert process.wait(PATIENCE) == -signal.SIGKILL
        assert rows(site, week) == 0
        site.venues.forget()
        collect(site.disturbed, week)
    happened(f"no row of the half that had come; then {COINS * HOURS:,} candles, all equal")


@pytest.mark.fault(
    "process",
    "two backfills and an hourly run at once",
    "tables as after one undisturbed run, nothing asked twice",
)
def test_three_runs_at_once(site: Site, happened: Happened) -> None:
    def one(given: dict[str, Any]) -> int:
        return site.collect(week, **given).records

    with site.week() as week:
        hourly = {"start": None, "end": week.end.isoformat(), "hours": 24}
        with ThreadPoolExecutor(3) as workers:
            wrote = list(workers.map(one, [{"name": "one"}, {"name": "other"}, hourly]))
        assert sum(wrote) == COINS * HOURS
    assert tables(site.disturbed, week)
    happened(f"{wrote} candles by each, {sum(wrote):,} in all; all equal")
