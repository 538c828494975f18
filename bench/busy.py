"""How many runs Prefect's server bears on its SQLite file: `python -m bench.busy --at-once 1,4`.

Processes run a flow of 20 empty tasks back to back. What the server turns away (503, as two write
at once) its client asks again; it is counted by that client's word of it.
"""

import argparse
import logging
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from bench import measure, prefects
from chandlery.settings import Settings

TASKS = 20


class Refusals(logging.Handler):
    """Counts what Prefect's client was turned away with."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count it."""
        self.count += " 503" in record.getMessage()


def run_back_to_back(seconds: float) -> tuple[int, int]:
    """Runs that ended, and requests that were turned away, within so many seconds."""
    from prefect import flow, task  # noqa: PLC0415 - by the environment of this process

    refusals, log = Refusals(), logging.getLogger("prefect.client")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(refusals)

    @task
    def one() -> None: ...

    @flow(name="busy")
    def busy() -> None:
        for _ in range(TASKS):
            one()

    busy()  # what is loaded and made once
    refusals.count, ended, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        busy()
        ended += 1
    return ended, refusals.count


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each number of processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", default="1,2,4,8")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--database", help="PostgreSQL in SQLite's place: postgresql+asyncpg://…")
    asked = parser.parse_args(arguments)
    with TemporaryDirectory() as name:
        folder = Path(name)
        current = Settings(DATABASE_URL=None, CHANDLERY_HOME=folder)
        environment = prefects.environment(folder, current, "", "")
        if asked.database:
            environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = asked.database
        os.environ.update(environment | {"PREFECT_LOGGING_LEVEL": "ERROR"})
        with prefects.server(folder, environment):
            command = [sys.executable, "-m", "chandlery", "automations"]
            subprocess.run(command, cwd=measure.ROOT, env=environment, check=True)  # noqa: S603  ourselves
            for processes in map(int, asked.at_once.split(",")):
                print(line(processes, asked.seconds), flush=True)
                Event().wait(10)  # what waits to be recorded
    return 0


def line(processes: int, seconds: float) -> str:
    """What so many processes do a minute."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        found = pool.map(run_back_to_back, [seconds] * processes, chunksize=1)
    runs, refused = (60 * sum(each) / seconds for each in zip(*found, strict=True))
    return (
        f"{processes} at once: {runs:.0f} flow runs and {runs * TASKS:.0f} task runs a minute,"
        f" {refused:.0f} requests turned away; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
