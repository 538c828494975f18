"""A Prefect server and workers of a bench's own, run as README tells to."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx

from bench import measure
from chandlery.settings import Settings
from sandbox.serving import CLOSE

PATIENCE = 1800.0


@contextlib.contextmanager
def running(
    folder: Path, environment: Mapping[str, str], *words: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`prefect …`, for as long as a `with` lasts."""
    command = [sys.executable, "-m", "prefect", *words]
    with (
        (folder / f"{'-'.join(words)[:40]}.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603  our own command, as a list
            command,
            cwd=measure.ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def prefect(environment: Mapping[str, str], *words: str) -> None:
    """Do a command of Prefect's."""
    command = [sys.executable, "-m", "prefect", *words]
    done = subprocess.run(  # noqa: S603  our own command, as a list
        command, cwd=measure.ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise measure.Unfit(f"prefect {' '.join(words)} failed:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def server(
    folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """A Prefect server with the deployments: a client of it, and its process."""
    address = httpx.URL(environment["PREFECT_API_URL"])
    listen = ("--host", "127.0.0.1", "--port", str(address.port))
    with (
        running(folder, environment, "server", "start", *listen) as process,
        httpx.Client(base_url=address, headers=CLOSE, timeout=60, trust_env=False) as api,
    ):
        wait(lambda: api.get("/health").is_success)
        prefect(environment, "work-pool", "create", "chandlery", "--type", "process", "--overwrite")
        prefect(environment, "--no-prompt", "deploy", "--all")
        yield api, process


def wait(true: Callable[[], bool]) -> None:
    """Until it is true; Unfit if that takes too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if true():
                return
        time.sleep(0.25)  # between looks: it is a real server's own time that passes
    raise measure.Unfit(f"waited {PATIENCE:.0f} s in vain")


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def environment(folder: Path, current: Settings, venues: str, sources: str) -> dict[str, str]:
    """What all of them find: a folder of their own, a free port, the database and the venues."""
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
    return inherited | {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api",
        "PYTHONPATH": str(measure.ROOT),
        "DO_NOT_TRACK": "1",
        "DATABASE_URL": current.database_url or "",
        "CHANDLERY_HOME": str(current.home),
        "CHANDLERY_VENUES_URL": venues,
        "CHANDLERY_SOURCES": sources,
    }
