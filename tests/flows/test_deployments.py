"""What README tells to do, done: a server, `prefect deploy --all`, a worker, each deployment once.

That a deployment exists does not mean that it ever runs: with a SQLAlchemy that Prefect's scheduler
cannot use, no scheduled run is made, and nothing says so. So the runs are looked for on the server.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest

import embedded
import store
from candles import instant
from candles.settings import Settings
from sandbox import serving

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-01-04T10:30Z"  # 82 hours into the year
HOURS, COINS = 82, 3  # of BTC, ETH and XRP; nobody lists the fourth, USDT
SCHEDULED = {"hourly", "fill-gaps", "quality", "sync-coins", "maintain"}
PATIENCE = 240.0  # seconds for whatever must come true: a busy machine is slow
POLL = 0.25
POOL = "chandlery"

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: Callable[[], str]) -> Found:
    """What `look` finds in the end; `what` was waited for in vain, else."""
    end = time.monotonic() + PATIENCE
    while (found := look()) is None:
        if time.monotonic() > end:
            pytest.fail(f"not within {PATIENCE:.0f} s: {what()}")
        time.sleep(POLL)
    return found


@dataclass(frozen=True)
class Site:
    """A Prefect server of our own, and the environment of all that works with it."""

    api: httpx.Client
    environment: dict[str, str]
    logs: Path
    home: Path

    def prefect(self, *words: str) -> str:
        """Run a command in the repository's folder, as a user does."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *words],
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
            (self.logs / f"{words[0]}.log").open("wb") as log,
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

    def said(self, name: str) -> str:
        """The end of what a process said."""
        return (self.logs / f"{name}.log").read_text("utf-8", "replace")[-4000:]

    def ask(self, method: str, path: str, **body: object) -> Any:
        """What the server answers, in the end: it turns away who comes while SQLite is locked."""

        def look() -> httpx.Response | None:
            with contextlib.suppress(httpx.TimeoutException):
                answer = self.api.request(method, path, json=body)
                return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer
            return None

        answer = until(look, lambda: f"an answer to {path}\n{self.said('server')}")
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

    def start(self, deployment: str, **parameters: object) -> str:
        """Have a deployment run; the run's id."""
        path = f"/deployments/{self.deployments()[deployment]['id']}/create_flow_run"
        due = datetime.now(UTC) - timedelta(minutes=1)
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}}
        asked = {"parameters": parameters, "state": state, "idempotency_key": str(uuid4())}
        return str(self.ask("POST", path, **asked)["id"])

    def outcome(self, run: str) -> dict[str, Any]:
        """A run once it has ended."""

        def look() -> dict[str, Any] | None:
            read = dict(self.ask("GET", f"/flow_runs/{run}"))
            return read if read["state"]["type"] in ENDS else None

        return until(look, lambda: f"the end of run {run}\n{self.said('worker')}")


ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def ended(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, then make it: what it started goes with it."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def left_over(home: Path) -> list[str]:
    """The processes that have this Prefect home in their environment."""
    mark, found = f"PREFECT_HOME={home}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes() and (process / "cmdline").read_bytes():
                found.append((process / "cmdline").read_bytes().decode().replace("\0", " "))
    return found


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Site]:
    """A server with an empty database, beside a sandbox and an embedded TimescaleDB."""
    folder = tmp_path_factory.mktemp("site")
    home, prefect = folder / "home", folder / "prefect"
    shutil.copytree(template / "pgdata", home / "pgdata")
    port = free_port()
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
    with (
        serving(coins=12, seed=7, now=instant(NOW), limits=False) as venues,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=60, trust_env=False) as api,
    ):
        environment = inherited | {
            "PREFECT_HOME": str(prefect),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            "DO_NOT_TRACK": "1",
            "CHANDLERY_HOME": str(home),
            "DATABASE_URL": "",
            "CHANDLERY_VENUES_URL": venues.url,
            "CHANDLERY_SOURCES": "binance_futures,binance_spot",
        }
        made = Site(api, environment, folder, home)
        with made.running("server", "start", "--host", "127.0.0.1", "--port", str(port)) as server:
            until(lambda: healthy(api, server), lambda: f"a server\n{made.said('server')}")
            yield made
        embedded.stop(home)
        until(
            lambda: None if left_over(prefect) else True, lambda: f"nothing of {left_over(prefect)}"
        )


def healthy(api: httpx.Client, server: subprocess.Popen[bytes]) -> bool | None:
    assert server.poll() is None, "the server ended"
    with contextlib.suppress(httpx.TransportError):
        return api.get("/health").is_success or None
    return None


@pytest.fixture(scope="module")
def deployed(site: Site) -> dict[str, dict[str, Any]]:
    """What is on the server after the two commands."""
    site.prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
    site.prefect("--no-prompt", "deploy", "--all")
    return site.deployments()


@pytest.fixture(scope="module")
def scheduled(site: Site, deployed: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The runs that the scheduler made, by deployment."""

    def look() -> dict[str, list[dict[str, Any]]] | None:
        found = {name: site.runs(name) for name in deployed}
        return found if all(found[name] for name in SCHEDULED & deployed.keys()) else None

    return until(look, lambda: f"scheduled runs\n{site.said('server')}")


@pytest.fixture(scope="module")
def worker(site: Site, scheduled: dict[str, Any]) -> Iterator[None]:
    """A worker that does only what a test asks for: the schedules are paused."""
    for each in site.deployments().values():
        site.ask("POST", f"/deployments/{each['id']}/pause_deployment")
    assert scheduled
    with site.running("worker", "start", "--pool", POOL):
        yield


def test_everything_is_deployed_and_its_schedule_makes_runs(
    deployed: dict[str, Any], scheduled: dict[str, Any]
) -> None:
    assert deployed.keys() == SCHEDULED | {"backfill", "shard"}
    assert {name for name, runs in scheduled.items() if runs} == SCHEDULED
    minutes = {instant(run["expected_start_time"]).minute for run in scheduled["hourly"]}
    assert minutes == {5}
    for name, each in deployed.items():
        assert each["description"], name
        assert each["tags"], name
        limit = each["global_concurrency_limit"]
        assert limit is None if name == "shard" else limit["limit"] == 1, name
        assert all(one["schedule"]["timezone"] == "UTC" for one in each["schedules"]), name
        assert each["pull_steps"][0]["prefect.deployments.steps.set_working_directory"] == {
            "directory": str(ROOT)
        }
        for field in each["parameter_openapi_schema"]["properties"].values():
            assert field.get("description"), (name, field)
        assert each["parameter_openapi_schema"].get("required", []) == []


def completed(run: dict[str, Any]) -> str:
    """What a run says it did; it must have come to a good end."""
    state = run["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
    return str(state["message"])


@pytest.mark.usefixtures("worker")
def test_every_deployment_does_its_work(site: Site) -> None:
    assert completed(site.outcome(site.start("sync-coins", now=NOW))).startswith("12 coins, ")

    words = [f"start_year={NOW[:4]}", "max_coins=4", f"now={NOW}"]
    site.prefect("deployment", "run", "backfill/backfill", *(f"-p={each}" for each in words))
    run = site.outcome(site.runs("backfill")[0]["id"])
    assert run["name"] == "backfill 4 coins from 2026"
    assert completed(run) == f"4 of 4 coins, {COINS * HOURS} candles"

    asked = {
        "hourly": {"max_coins": 4, "now": NOW},
        "fill-gaps": {"symbols": ["BTC"], "start": "2026-01-01", "now": NOW},
        "quality": {"max_coins": 4, "now": NOW},
        "maintain": {"now": "2026-12-01T00:00Z"},
    }
    runs = {name: site.start(name, **parameters) for name, parameters in asked.items()}
    done = {name: completed(site.outcome(run)) for name, run in runs.items()}
    assert done["hourly"] == "4 of 4 coins, nothing due is missing"
    assert done["fill-gaps"] == "1 of 1 coins, 0 candles"
    assert done["maintain"].startswith(f"1 chunks compressed; {COINS * HOURS} candles, ")
    assert done["quality"].startswith(f"3 coins, {COINS * HOURS} candles, ")

    with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=site.home)) as connection:
        rows = connection.execute(
            "select symbol, count(*) from market_data where timeframe = '1h' group by 1 order by 1"
        ).fetchall()
    assert rows == [("BTC", HOURS), ("ETH", HOURS), ("XRP", HOURS)]


@pytest.mark.usefixtures("worker")
def test_of_runs_that_are_late_together_one_collects(site: Site) -> None:
    runs = [site.start("hourly", max_coins=1, now=NOW) for _ in range(3)]
    states = sorted(site.outcome(run)["state"]["name"] for run in runs)
    assert states == ["Cancelled", "Cancelled", "Completed"]
