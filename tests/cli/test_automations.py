"""What Prefect's server does by itself: a real one, a worker, and a web hook that is called."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import yaml
from prefect.server.events.schemas.automations import Automation
from prefect.server.events.schemas.events import ReceivedEvent

from chandlery.model import instant
from sandbox import serving
from tests.waiting import PATIENCE, wait

ROOT = Path(__file__).resolve().parents[2]
PROC = Path("/proc")
NOW = "2026-01-04T10:30Z"
FAILS = "A run failed or crashed"
GONE = "A run has sent no heartbeat for two minutes"
BEHIND = "No hourly run has succeeded for 130 minutes"
NAMES = [FAILS, GONE, BEHIND]
pytestmark = [
    pytest.mark.prefect,
    pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc to find a run's process"),
]


class Hook(BaseHTTPRequestHandler):
    """Keeps what it is told."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.told.append(json.loads(self.rfile.read(length)))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        pass


@contextmanager
def hook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A web hook, as Apprise addresses it, and what it was told so far."""
    told: list[dict[str, str]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        server.told = told  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"json://127.0.0.1:{server.server_port}/planted", told
        server.shutdown()
        thread.join()


class Site:
    """A `chandlery up`, its server's API, and what its web hook was told."""

    def __init__(self, folder: Path, venues: str, url: str, told: list[dict[str, str]]) -> None:
        self.told, self.out = told, folder / "out.txt"
        self.environment = {
            **{name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")},
            "PYTHONPATH": str(ROOT),
            "CHANDLERY_HOME": str(folder / "home"),
            "DATABASE_URL": "",
            "CHANDLERY_VENUES_URL": venues,
            "CHANDLERY_SOURCES": "binance_futures,binance_spot",
            "CHANDLERY_NOTIFY_URL": url,
        }
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chandlery", "up", "--port=0"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def ui(self) -> str:
        return self.said("server").split()[1]

    def said(self, words: str) -> str:
        """The line that begins with these words, once it is there."""

        def line() -> str | None:
            assert self.process.poll() is None, self.out.read_text("utf-8")
            lines = self.out.read_text("utf-8").splitlines()
            return next((each for each in lines if each.startswith(words)), None)

        return wait(line, words)

    def apply(self, *words: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "chandlery", "automations", *words],
            cwd=ROOT,
            env=self.environment | changed,
            capture_output=True,
            text=True,
            check=False,
        )

    def ask(self, method: str, path: str, **body: object) -> Any:
        """What the server answers, in the end: it turns away who comes while SQLite is locked."""

        def look() -> httpx.Response | None:
            with suppress(httpx.TimeoutException):
                url = f"{self.ui}/api{path}"
                answer = httpx.request(method, url, json=body, timeout=60, trust_env=False)
                return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer
            return None

        answer = wait(look, path)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def automations(self) -> list[dict[str, Any]]:
        return sorted(self.ask("POST", "/automations/filter"), key=lambda each: each["name"])

    def start(self, deployment: str, **parameters: object) -> str:
        """Have a deployment run; the run's id."""
        found = self.ask(
            "POST", "/deployments/filter", deployments={"name": {"any_": [deployment]}}
        )
        due = datetime.now(UTC) - timedelta(minutes=1)
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}}
        path = f"/deployments/{found[0]['id']}/create_flow_run"
        return str(self.ask("POST", path, parameters=parameters, state=state)["id"])

    def events(self, run: str) -> list[dict[str, Any]]:
        wanted = {"any_resource": {"id": [f"prefect.flow-run.{run}"]}}
        return list(self.ask("POST", "/events/filter", filter=wanted)["events"])

    def event(self, run: str, name: str) -> dict[str, Any]:
        """An event of a run, once it is there."""

        def look() -> dict[str, Any] | None:
            return next((each for each in self.events(run) if each["event"] == name), None)

        return wait(look, f"{name} of {run}")

    def message(self, words: str) -> dict[str, str]:
        """What the web hook was told, with these words in it, once it was."""

        def look() -> dict[str, str] | None:
            return next((each for each in list(self.told) if words in str(each)), None)

        return wait(look, lambda: f"{words!r} among {self.told}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything runs, and nothing but what a test asks for: the schedules are paused."""
    folder = tmp_path_factory.mktemp("site")
    with (
        serving(coins=12, seed=7, now=instant(NOW), limits=False) as venues,
        hook() as (url, told),
    ):
        made = Site(folder, venues.url, url, told)
        try:
            made.said("Ctrl-C")
            for each in made.ask("POST", "/deployments/filter"):
                made.ask("POST", f"/deployments/{each['id']}/pause_deployment")
            yield made
        finally:
            made.process.send_signal(signal.SIGTERM)
            made.process.wait(PATIENCE)


def declared(folder: Path, change: Callable[[dict[str, dict[str, Any]]], object]) -> Path:
    """The file, changed."""
    found = yaml.safe_load((ROOT / "automations.yaml").read_text("utf-8"))["automations"]
    by_name = {each["name"]: each for each in found}
    change(by_name)
    file = folder / "automations.yaml"
    file.write_text(yaml.safe_dump({"automations": list(by_name.values())}), "utf-8")
    return file


def test_up_applies_them_and_the_command_again_changes_nothing(site: Site) -> None:
    assert site.said("automations") == "automations 3 made; the block chandlery is told"
    before = site.automations()
    assert [each["name"] for each in before] == NAMES
    shown = next(each for each in before if each["name"] == FAILS)["trigger"]
    assert {each.rpartition(".")[2] for each in shown["expect"]} == {
        "Failed",
        "TimedOut",
        "Crashed",
    }
    done = site.apply("--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "made": 0,
        "changed": 0,
        "kept": 3,
        "removed": 0,
        "notified": True,
    }
    assert site.automations() == before  # the triggers' ids too: none begins anew


def test_what_changes_in_the_file_changes_on_the_server(site: Site, tmp_path: Path) -> None:
    off, _, behind = site.automations()
    site.ask("PATCH", f"/automations/{off['id']}", enabled=False)
    keys = ("name", "trigger", "actions")
    site.ask("POST", "/automations/", **{key: behind[key] for key in keys})  # a double
    stranger = {**{key: behind[key] for key in keys}, "name": "somebody else's"}
    strangers = site.ask("POST", "/automations/", **stranger)["id"]

    def change(found: dict[str, dict[str, Any]]) -> None:
        found[FAILS]["description"] = "Another."
        del found[BEHIND]["tags"], found[GONE]

    done = json.loads(site.apply("--json", f"--file={declared(tmp_path, change)}").stdout)
    assert (done["changed"], done["kept"], done["removed"]) == (1, 1, 2)
    fails, behind, _ = site.automations()
    assert [each["name"] for each in site.automations()] == [FAILS, BEHIND, "somebody else's"]
    assert (fails["description"], fails["enabled"], fails["id"]) == ("Another.", False, off["id"])
    assert behind["tags"] == ["chandlery"]

    site.ask("PATCH", f"/automations/{off['id']}", enabled=True)
    site.ask("DELETE", f"/automations/{strangers}")
    assert (
        site.apply().stdout
        == "automations 1 made, 1 changed, 1 kept; the block chandlery is told\n"
    )


def test_a_block_made_by_hand_is_used_and_without_one_nobody_is_told(site: Site) -> None:
    (block,) = site.ask("GET", "/block_types/slug/slack-webhook/block_documents")
    assert site.apply(CHANDLERY_NOTIFY_URL="").stdout.endswith(
        "3 kept; the block chandlery is told\n"
    )
    site.ask("DELETE", f"/block_documents/{block['id']}")
    done = site.apply(CHANDLERY_NOTIFY_URL="")
    assert done.stdout.endswith("1 kept; nobody is told: set CHANDLERY_NOTIFY_URL\n")
    found = site.automations()
    assert [len(each["actions"]) for each in found] == [0, 1, 0]
    silent = ["Nobody is told: set CHANDLERY_NOTIFY_URL." in each["description"] for each in found]
    assert silent == [True, False, True]
    assert site.apply().stdout.endswith("2 changed, 1 kept; the block chandlery is told\n")


@pytest.mark.parametrize("url", ["planted", "https://planted.example/hook"])
def test_an_address_that_cannot_be_used_is_one_line_without_it(site: Site, url: str) -> None:
    done = site.apply(CHANDLERY_NOTIFY_URL=url)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(
        "chandlery: CHANDLERY_NOTIFY_URL is no address that Apprise knows"
    )
    assert "planted" not in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("automations: [", "is not YAML"),
        ("a list", "write a list of `automations:`"),
        ("automations: [{name: x}]", "x: trigger: Field required"),
        ("automations: [{name: x, trigger: {posture: Reactive}, actions: [2]}]", "x: actions.0"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(
    site: Site, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    done = site.apply(f"--file={tmp_path / 'mine.yaml'}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("chandlery: mine.yaml")
    assert words in done.stderr


def test_without_a_server_it_says_what_to_do(tmp_path: Path, site: Site) -> None:
    nowhere = {"CHANDLERY_HOME": str(tmp_path), "PREFECT_API_URL": "http://127.0.0.1:1/api"}
    done = site.apply(**nowhere)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no Prefect server answers at http://127.0.0.1:1/api: start one" in done.stderr


def test_a_run_that_fails_is_told_and_the_address_is_in_no_log(site: Site) -> None:
    run = site.start("hourly", now="never")
    told = site.message(run)
    name = site.ask("GET", f"/flow_runs/{run}")["name"]
    assert told["title"] == f"Chandlery: {name}: Failed"
    first, second, third, link = told["message"].splitlines()
    assert first == f"hourly: {name}"
    assert re.fullmatch(r"Failed at 20\d\d-.*", second)
    assert third.startswith("now 'never' is not a time: ")
    assert link == f"{site.ui}/runs/flow-run/{run}"
    logs = Path(site.environment["CHANDLERY_HOME"]) / "logs"
    written = [each.read_text("utf-8") for each in [site.out, *logs.iterdir()]]
    assert not any("planted" in each for each in written)


def test_an_hourly_run_that_completes_is_what_is_waited_for(site: Site) -> None:
    run = site.start("hourly", max_coins=2, now=NOW)
    event = ReceivedEvent.model_validate(site.event(run, "prefect.flow-run.Completed"))
    fails, gone, behind = [Automation.model_validate(each).trigger for each in site.automations()]
    assert behind.covers(event)
    assert gone.covers(event)
    assert not fails.covers(event)
    assert not [each for each in site.told if run in str(each)]


def test_no_hourly_run_for_too_long_is_told(site: Site, tmp_path: Path) -> None:
    def soon(found: dict[str, dict[str, Any]]) -> None:
        found[BEHIND]["trigger"]["within"] = 10

    assert site.apply(f"--file={declared(tmp_path, soon)}").returncode == 0
    told = site.message("no hourly run succeeds")
    assert told["message"].startswith("No hourly run has succeeded for 0:00:10 (h:mm:ss).")
    site.apply()


def processes(words: str) -> list[int]:
    """The processes with these words in their environment or on their command line."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            if words.encode() in line + (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def test_a_run_whose_process_and_worker_are_gone_is_called_crashed_and_told(
    site: Site, tmp_path: Path
) -> None:
    def soon(found: dict[str, dict[str, Any]]) -> None:
        found[GONE]["trigger"]["within"] = 10

    assert site.apply(f"--file={declared(tmp_path, soon)}").returncode == 0
    run = site.start("backfill", start_year=2020, now=NOW)
    site.event(run, "prefect.flow-run.heartbeat")
    mark = f"CHANDLERY_KEPT={site.environment['CHANDLERY_HOME']}/logs/worker.log"
    ours = set(processes(mark))
    flow = [pid for pid in processes(f"PREFECT__FLOW_RUN_ID={run}") if pid in ours]
    worker = [pid for pid in ours if pid not in flow]
    assert flow, "the run was over before it could be killed"
    for pid in worker:  # to the server, a worker that is gone
        os.kill(pid, signal.SIGSTOP)
    try:
        for pid in flow:
            os.kill(pid, signal.SIGKILL)
        told = site.message(run)
        state = site.ask("GET", f"/flow_runs/{run}")["state"]
        assert (state["type"], state["message"][:24]) == ("CRASHED", "No heartbeat any more. T")
        assert ": Crashed" in told["title"]
        assert "No heartbeat any more." in told["message"]
    finally:
        for pid in worker:
            os.kill(pid, signal.SIGCONT)
