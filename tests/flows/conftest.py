"""A Prefect server and workers of our own, as README tells to run them, and what they did."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest

from chandlery import embedded
from chandlery.model import instant
from sandbox import Serving, serving
from sandbox.serving import CLOSE
from tests.waiting import PATIENCE, wait

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-01-04T10:30Z"
POOL = "chandlery"
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

Found = TypeVar("Found")


@dataclass(frozen=True)
class Site:
    """A Prefect server of our own, and the environment of all that works with it."""

    api: httpx.Client
    environment: dict[str, str]
    folder: Path
    venues: Serving

    @property
    def home(self) -> Path:
        """Where the embedded TimescaleDB is."""
        return self.folder / "home"

    def prefect(self, *words: str) -> str:
        """Run one of Prefect's commands."""
        return self._command("prefect", *words)

    def chandlery(self, *words: str) -> str:
        """Run one of ours."""
        return self._command("chandlery", *words)

    def _command(self, *words: str) -> str:
        """Run a command in the repository's folder, as a user does; what it says."""
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextlib.contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """The same, for as long as a `with` lasts; its output goes to a file."""
        command = [sys.executable, "-m", "prefect", *words]
        with (
            (self.folder / f"{words[0]}.log").open("ab") as log,
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                ended(process)

    @contextlib.contextmanager
    def server(self) -> Iterator[subprocess.Popen[bytes]]:
        """A server that answers."""
        words = ("--host", "127.0.0.1", "--port", str(self.api.base_url.port))
        with self.running("server", "start", *words) as process:
            wait(lambda: self._healthy(process), lambda: f"a server\n{self.said('server')}")
            yield process

    def worker(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A worker."""
        return self.running("worker", "start", "--pool", POOL)

    def deploy(self) -> None:
        """The two commands."""
        self.prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
        self.prefect("--no-prompt", "deploy", "--all")

    def pause(self) -> None:
        """From now on only what a test asks for is run."""
        for each in self.deployments().values():
            self.ask("POST", f"/deployments/{each['id']}/pause_deployment")

    def said(self, name: str) -> str:
        """The end of what a process said."""
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-4000:]

    def ask(self, method: str, path: str, **body: object) -> Any:
        """What the server answers, in the end: it turns away who comes while SQLite is locked."""

        def look() -> httpx.Response | None:
            with contextlib.suppress(httpx.TimeoutException):
                answer = self.api.request(method, path, json=body)
                return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer
            return None

        answer = wait(look, lambda: f"an answer to {path}\n{self.said('server')}")
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def deployments(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.ask("POST", "/deployments/filter")}

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        return list(
            self.ask(
                "POST",
                "/flow_runs/filter",
                deployments={"name": {"any_": [deployment]}},
                sort="ID_DESC",
            )
        )

    def start(
        self, deployment: str, *, late: timedelta = timedelta(minutes=1), **parameters: object
    ) -> str:
        """Have a deployment run, as one that is so late; the run's id."""
        path = f"/deployments/{self.deployments()[deployment]['id']}/create_flow_run"
        due = datetime.now(UTC) - late
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}}
        asked = {"parameters": parameters, "state": state, "idempotency_key": str(uuid4())}
        return str(self.ask("POST", path, **asked)["id"])

    def outcome(self, run: str) -> dict[str, Any]:
        """A run once it has ended."""

        def look() -> dict[str, Any] | None:
            read = dict(self.ask("GET", f"/flow_runs/{run}"))
            return read if read["state"]["type"] in ENDS else None

        return wait(look, lambda: f"the end of run {run}\n{self.said('worker')}")

    def until(self, look: Callable[[], Found | None], what: str) -> Found:
        """What `look` finds in the end."""
        return wait(look, lambda: f"{what}\n{self.said('server')}\n{self.said('worker')}")

    def process(self, run: str) -> int | None:
        """The process that carries a run out; what it started may bear the run's number longer."""
        told = self.ask("GET", f"/flow_runs/{run}")["infrastructure_pid"]
        found = {str(pid): pid for pid, _ in having(f"PREFECT__FLOW_RUN_ID={run}")}
        return found.get(told)

    def _healthy(self, server: subprocess.Popen[bytes]) -> bool | None:
        assert server.poll() is None, "the server ended"
        with contextlib.suppress(httpx.TransportError):
            return self.api.get("/health").is_success or None
        return None


def ended(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, then make it: what it started goes with it."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(60)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def having(variable: str) -> list[tuple[int, str]]:
    """The processes with this in their environment, and their command lines."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if words and variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((int(process.name), words))
    return found


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="session")
def open_site(
    tmp_path_factory: pytest.TempPathFactory, template: Path
) -> Callable[..., AbstractContextManager[Site]]:
    """Make a place for a server, beside a sandbox and a TimescaleDB: empty, or that of `home`."""

    @contextlib.contextmanager
    def opened(home: Path = template, *, limits: bool = False, **given: str) -> Iterator[Site]:
        folder = tmp_path_factory.mktemp("site")
        shutil.copytree(home / "pgdata", folder / "home" / "pgdata")
        base, mark = f"http://127.0.0.1:{free_port()}/api", f"PREFECT_HOME={folder / 'prefect'}"
        made_up = {"coins": 12, "seed": 7, "now": instant(NOW)}
        with (
            # Where it keeps time, it is not to wait for pytest.
            serving(**made_up, limits=limits, process=limits) as venues,
            httpx.Client(base_url=base, headers=CLOSE, timeout=60, trust_env=False) as api,
        ):
            yield Site(api, environment(folder, base, venues) | given, folder, venues)
            embedded.stop(folder / "home")
            wait(lambda: None if having(mark) else True, lambda: f"nothing of {having(mark)}")

    return opened


def environment(folder: Path, base: str, venues: Serving) -> dict[str, str]:
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
    return inherited | {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": base,
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
        "DO_NOT_TRACK": "1",
        "CHANDLERY_HOME": str(folder / "home"),
        "DATABASE_URL": "",
        "CHANDLERY_VENUES_URL": venues.url,
        "CHANDLERY_SOURCES": "binance_futures,binance_spot",
    }
