"""A backfill in shards: a real Prefect server, two workers, one venue with its limits on."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

import embedded
import store
from candles import instant
from candles.settings import Settings
from collect import learn, tools
from sandbox import Serving, serving
from sources import Timepiece

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-01-04T10:30Z"
POOL, WORKERS, SHARDS = "chandlery", 2, 4
PATIENCE = 240.0
SLOW = 15.0  # an answer, so that shards are still at work when both are
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
TABLES = ("candle_1h", "candle_4h", "candle_1d")

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: Callable[[], str]) -> Found:
    """What `look` finds in the end; `what` was waited for in vain, else."""
    end = time.monotonic() + PATIENCE
    while (found := look()) is None:
        if time.monotonic() > end:
            pytest.fail(f"not within {PATIENCE:.0f} s: {what()}")
        time.sleep(0.25)
    return found


@dataclass(frozen=True)
class Site:
    """A Prefect server of our own, and the environment of all that works with it."""

    api: httpx.Client
    environment: dict[str, str]
    folder: Path
    venues: Serving

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def prefect(self, *words: str) -> None:
        done = self.command("prefect", *words)
        assert done.returncode == 0, done.stdout + done.stderr

    @contextlib.contextmanager
    def running(self, name: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        with (
            (self.folder / f"{name}.log").open("wb") as log,
            subprocess.Popen(
                [sys.executable, "-m", "prefect", *words],
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
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(15)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def said(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}\n{log.read_text('utf-8', 'replace')[-3000:]}" for log in logs)

    def ask(self, method: str, path: str, **body: object) -> Any:
        """What the server answers, in the end: it turns away who comes while SQLite is locked."""

        def look() -> httpx.Response | None:
            with contextlib.suppress(httpx.TimeoutException):
                answer = self.api.request(method, path, json=body)
                return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer
            return None

        answer = until(look, lambda: f"an answer to {path}\n{self.said()}")
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def start(self, **parameters: object) -> str:
        """Have backfill/backfill run; the run's id."""
        deployment = self.ask("GET", "/deployments/name/backfill/backfill")["id"]
        asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        path = f"/deployments/{deployment}/create_flow_run"
        return str(self.ask("POST", path, **asked)["id"])

    def run(self, run: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/flow_runs/{run}"))

    def shards_of(self, run: str) -> list[dict[str, Any]]:
        """The runs that this run has started."""
        parents = {"id": {"any_": [run]}}
        tasks = self.ask("POST", "/task_runs/filter", flow_runs=parents)
        ids = [task["id"] for task in tasks]
        wanted = {"parent_task_run_id": {"any_": ids}}
        return list(self.ask("POST", "/flow_runs/filter", flow_runs=wanted)) if ids else []

    def outcome(self, run: str) -> dict[str, Any]:
        """A run once it has ended."""

        def look() -> dict[str, Any] | None:
            read = self.run(run)
            return read if read["state"]["type"] in ENDS else None

        return until(look, lambda: f"the end of run {run}\n{self.said()}")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """A home whose database knows the coins: CoinGecko lets nobody hurry."""
    home = tmp_path_factory.mktemp("learnt")
    shutil.copytree(template / "pgdata", home / "pgdata")
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    hurried = Timepiece(wall=lambda: time.time() + slept[0], sleep=sleep)
    with serving(coins=12, seed=7, now=instant(NOW), limits=False) as venues:
        asked = Settings(DATABASE_URL=None, CHANDLERY_HOME=home, CHANDLERY_VENUES_URL=venues.url)
        with tools(asked, timepiece=hurried) as at_hand:
            learn(at_hand, instant(NOW))
    embedded.stop(home)
    return home


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, learnt: Path) -> Iterator[Site]:
    """A server, two workers, a sandbox with its limits, an embedded TimescaleDB."""
    folder, port = tmp_path_factory.mktemp("shards"), free_port()
    home = folder / "home"
    shutil.copytree(learnt / "pgdata", home / "pgdata")
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
    with (
        serving(coins=12, seed=7, now=instant(NOW), process=True) as venues,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=60, trust_env=False) as api,
        ExitStack() as stack,
    ):
        environment = inherited | {
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "2",
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            "DO_NOT_TRACK": "1",
            "CHANDLERY_HOME": str(home),
            "DATABASE_URL": "",
            "CHANDLERY_VENUES_URL": venues.url,
            "CHANDLERY_SOURCES": "okx",
        }
        made = Site(api, environment, folder, venues)
        listen = ("--host", "127.0.0.1", "--port", str(port))
        stack.callback(embedded.stop, home)
        stack.enter_context(made.running("server", "server", "start", *listen))
        until(lambda: healthy(api), made.said)
        made.prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
        made.prefect("--no-prompt", "deploy", "--name", "backfill", "--name", "shard")
        for number in range(WORKERS):
            name = f"worker-{number}"
            stack.enter_context(
                made.running(name, "worker", "start", "--pool", POOL, "--name", name)
            )
        yield made


def healthy(api: httpx.Client) -> bool | None:
    with contextlib.suppress(httpx.TransportError):
        return api.get("/health").is_success or None
    return None


def tables(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=home)) as connection:
        queries = {name: f"select * from {name} order by coin, open_time" for name in TABLES}  # noqa: S608
        return {
            name: connection.execute(query.encode()).fetchall() for name, query in queries.items()
        }


ASKED = {"start": "2025-10-01", "now": NOW}


def test_four_shards_on_two_workers_collect_what_one_run_does(
    site: Site, learnt: Path, tmp_path: Path
) -> None:
    run = site.outcome(site.start(shards=SHARDS, **ASKED))
    shards = site.shards_of(run["id"])
    state = run["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
    assert {each["parameters"]["shard"] for each in shards} == {"1/4", "2/4", "3/4", "4/4"}
    assert {each["state"]["name"] for each in shards} == {"Completed"}
    asked = site.venues.requests()["requests"]
    assert {each["status"] for each in asked} == {200}
    pages = Counter((each["path"], str(each["query"])) for each in asked)
    assert max(pages.values()) == 1  # nothing was asked for by two
    found = tables(site.folder / "home")
    candles = f"{len(found['candle_1h']):,} candles"
    assert state["message"] == f"12 of 12 coins, {candles}, in 4 shards"

    home = tmp_path / "undisturbed"
    shutil.copytree(learnt / "pgdata", home / "pgdata")
    alone = replace(site, environment=site.environment | {"CHANDLERY_HOME": str(home)})
    words = ("backfill", "--start", ASKED["start"], "--now", NOW)
    done = alone.command("chandlery", *words)
    assert done.returncode == 0, done.stderr
    assert found == tables(home)
    embedded.stop(home)


def process_of(run: str) -> int | None:
    """The process that does a run."""
    mark = f"PREFECT__FLOW_RUN_ID={run}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                return int(process.name)
    return None


def at_work(site: Site, run: str, shards: int) -> list[dict[str, Any]]:
    """A run's shards once all are running."""

    def look() -> list[dict[str, Any]] | None:
        found = site.shards_of(run)
        running = [each["state"]["type"] for each in found] == ["RUNNING"] * shards
        return found if running else None

    return until(look, lambda: f"shards of {run} at work\n{site.said()}")


def test_a_shard_that_crashed_is_named(site: Site) -> None:
    site.venues.fault("slow", source="okx", seconds=SLOW)
    run = site.start(shards=2, start="2025-04-01", end="2025-07-01", now=NOW)
    one, _ = sorted(at_work(site, run, 2), key=lambda each: str(each["parameters"]["shard"]))
    process = process_of(one["id"])
    assert process is not None
    os.kill(process, signal.SIGKILL)
    site.venues.clear()
    state = site.outcome(run)["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Partial"), state
    assert "in 2 shards; shard 1/2 crashed: " in state["message"]
    assert "shard 2/2" not in state["message"]


def test_who_cancels_a_backfill_cancels_its_shards(site: Site) -> None:
    site.venues.fault("slow", source="okx", seconds=SLOW)
    run = site.start(shards=2, start="2025-01-01", end="2025-04-01", now=NOW)
    shards = at_work(site, run, 2)
    site.prefect("flow-run", "cancel", run)
    states = [site.outcome(each["id"])["state"]["type"] for each in (*shards, {"id": run})]
    site.venues.clear()
    assert states == ["CANCELLED"] * 3


def told(number: int, **failures: str) -> dict[str, object]:
    return {
        "total_symbols": 3,
        "failed": len(failures),
        "total_records": 1000 * number,
        "sources_used": {"okx": 2, f"only_{number}": 1},
        "unlisted": [f"U{number}"],
        "failures": failures,
        "seconds": 1.5,
    }


def test_statistics_of_shards_add_up() -> None:
    from prefect.states import Completed  # noqa: PLC0415

    from flows.shards import added_up  # noqa: PLC0415

    done = {"1/2": Completed(), "2/2": Completed()}
    state = added_up(done, {"1/2": told(1), "2/2": told(2)})
    assert (state.name, state.message) == (
        "Completed",
        "6 of 6 coins, 3,000 candles, in 2 shards",
    )
    assert state.data == {
        "total_symbols": 6,
        "failed": 0,
        "total_records": 3000,
        "sources_used": {"okx": 4, "only_1": 1, "only_2": 1},
        "unlisted": ["U1", "U2"],
        "failures": {},
        "seconds": 3.0,
        "shards": {"1/2": "Completed", "2/2": "Completed"},
    }


def test_what_went_wrong_in_a_shard_is_named() -> None:
    from prefect.states import Completed, Crashed  # noqa: PLC0415

    from flows.shards import added_up  # noqa: PLC0415

    partial = {"1/2": Completed(name="Partial"), "2/2": Crashed(message="exit code -9")}
    state = added_up(partial, {"1/2": told(1, XMR="its host is closed"), "2/2": {}})
    assert (state.type.value, state.name) == ("COMPLETED", "Partial")
    assert state.message == (
        "2 of 3 coins, 1,000 candles, in 2 shards; shard 2/2 crashed: exit code -9; failed: XMR"
    )


def test_a_backfill_without_a_shard_that_ended_well_has_failed() -> None:
    from prefect.states import Cancelled, Failed  # noqa: PLC0415

    from flows.shards import added_up  # noqa: PLC0415

    none = {"1/2": Failed(message="no coin"), "2/2": Cancelled(message="by hand")}
    state = added_up(none, {"1/2": {}, "2/2": {}})
    assert state.type.value == "FAILED"
    assert state.message == (
        "0 of 0 coins, 0 candles, in 2 shards; shard 1/2 failed: no coin;"
        " shard 2/2 cancelled: by hand"
    )
