"""`chandlery up` and `down`, as processes: what runs, what is said, what stays behind: nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from chandlery import embedded
from chandlery.local.processes import keep
from tests.waiting import wait

ROOT = Path(__file__).resolve().parents[2]
PROC = Path("/proc")
OPEN = ("0A", "07")  # a TCP socket that listens, a UDP one that is nobody's in particular
LOOPBACK = "0100007F"  # 127.0.0.1, as /proc/net/tcp has it
pytestmark = [
    pytest.mark.prefect,
    pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc to see what stays behind"),
]


def processes(home: Path) -> dict[int, str]:
    """Whatever has this path in its environment or on its command line, but for this process."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            told = words + (folder / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in told and int(folder.name) != os.getpid():
            found[int(folder.name)] = words.replace(b"\0", b" ").decode()
    return found


def descendants(pid: int) -> Iterator[int]:
    """All that a process has started, and what those have, whatever their environment says."""
    for folder in (PROC / str(pid) / "task").glob("*"):
        with suppress(OSError):
            for child in map(int, (folder / "children").read_text("utf-8").split()):
                yield child
                yield from descendants(child)


def listening(home: Path, root: int) -> set[str]:
    """The addresses (as the kernel writes them) at which any of these processes listens."""
    held = set()
    for pid in {*processes(home), *descendants(root)}:
        for file in (PROC / str(pid) / "fd").glob("*"):
            with suppress(OSError):
                held.add(str(file.readlink()))
    rows = [
        line.split()
        for table in ("tcp", "tcp6", "udp", "udp6")
        for line in (PROC / "net" / table).read_text("utf-8").splitlines()[1:]
    ]
    return {
        row[1].partition(":")[0] for row in rows if row[3] in OPEN and f"socket:[{row[9]}]" in held
    }


OTHER = "http://other.example"
ASKED = (
    ("POST", "api/flows/filter", {}),  # reads
    ("POST", "api/flows/", {"name": "from another page"}),  # changes
    ("GET", "api/deployments/name/hourly/hourly", None),
    ("OPTIONS", "api/flows/", None),  # asks whether it may
    ("GET", "", None),
)


def statuses(url: str, **headers: str) -> list[int]:
    """How a server answers each of these, as a page or under a name of these headers."""
    return [
        httpx.request(method, f"{url}/{path}", json=body, headers=headers, timeout=60).status_code
        for method, path, body in ASKED
    ]


def greeted(ui: str, origin: str | None) -> bool:
    """Whether the events are told to a page of this origin, or to a program."""
    url = f"{ui.replace('http', 'ws')}/api/events/out"
    try:
        with connect(url, subprotocols=[Subprotocol("prefect")], origin=origin) as socket:  # type: ignore[arg-type]
            socket.send('{"type": "auth", "token": ""}')
            return json.loads(socket.recv()) == {"type": "auth_success"}
    except InvalidStatus:
        return False


def no_other_page_is_answered(ui: str, health: str) -> None:
    """Neither by the address nor by a name that is made to point here; our own pages are."""
    port = ui.rpartition(":")[2]
    assert statuses(ui, origin=OTHER) == [403] * len(ASKED)
    assert statuses(ui, origin="null") == [403] * len(ASKED)
    assert statuses(ui, host=f"other.example:{port}") == [421] * len(ASKED)
    flows = httpx.post(f"{ui}/api/flows/filter", json={}, timeout=60).json()
    assert {each["name"] for each in flows} >= {"hourly", "backfill"}
    assert "from another page" not in {each["name"] for each in flows}
    httpx.post(f"{ui}/api/flows/", json={"name": "from another page"}, timeout=60)
    for own in (ui, ui.replace("127.0.0.1", "localhost")):
        assert statuses(ui, origin=own) == statuses(ui) == [200, 200, 200, 405, 200]
        read = httpx.post(f"{ui}/api/flows/filter", json={}, headers={"origin": own}, timeout=60)
        assert read.headers["access-control-allow-origin"] == own
    assert [greeted(ui, origin) for origin in (OTHER, ui, None)] == [False, True, True]
    for other in ({"origin": OTHER}, {"host": "other.example"}):
        assert httpx.get(health, headers=other, timeout=60).text.startswith("asked by ")


def open_to_others(home: Path) -> list[str]:
    """Files and folders that anybody but their user may enter, read or write."""
    found = ((path, path.lstat().st_mode) for path in [home, *home.rglob("*")])
    return [f"{path} {mode:o}" for path, mode in found if mode & 0o077]


class Up:
    """A `chandlery up --sandbox` under way, and what it has said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.out = folder / "out.txt"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                self._words("up", "--sandbox", "--port", "0"),
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                umask=0,
            )

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._words(*words),
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @staticmethod
    def _words(*words: str) -> Sequence[str]:
        return [sys.executable, "-m", "chandlery", *words]

    @property
    def _environment(self) -> dict[str, str]:
        # A database of the user's own is never what made-up candles go to.
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CHANDLERY_HOME": str(self.home),
            "DATABASE_URL": "postgresql://me:planted@127.0.0.1:1/real",
            "COINGECKO_API_KEY": "planted-key",
        }

    def said(self, words: str) -> str:
        """The line that begins with these words, once it is there."""

        def line() -> str | None:
            lines = [each for each in self.text.splitlines() if each.startswith(words)]
            assert lines or self.process.poll() is None, self.text
            return lines[0] if lines else None

        return wait(line, f"{words!r} among {self.text!r}")

    @property
    def text(self) -> str:
        return self.out.read_text("utf-8")

    def process_of(self, words: str) -> int:
        """The process with these words on its command line, once it is there; not its keeper."""

        def pid() -> int | None:
            found = processes(self.home).items()
            wanted = [pid for pid, line in found if words in line and "processes" not in line]
            return wanted[0] if wanted else None

        return wait(pid, words)

    def ended(self) -> int:
        return wait(self.process.poll, "the end of it")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """One that is starting."""
    running = Up(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.wait()
    running("down")
    wait(lambda: None if processes(running.home) else True, "the end of all")


def test_everything_on_one_machine_and_nothing_stays_behind(up: Up) -> None:
    up.said("Ctrl-C here stops all of it")
    ui = up.said("server").split()[1]
    assert httpx.get(f"{ui}/api/health", timeout=60).json() is True
    page = httpx.get(ui, timeout=60, follow_redirects=True)
    assert (page.status_code, "<!doctype html>" in page.text.lower()) == (200, True)
    workers = httpx.post(f"{ui}/api/work_pools/chandlery/workers/filter", json={}, timeout=60)
    assert [(each["name"], each["status"]) for each in workers.json()] == [("chandlery", "ONLINE")]

    run_one = up.said("run one").partition(" ")[2]
    assert f"PREFECT_API_URL={ui}/api prefect deployment run " in run_one

    health = up.said("health").split()[1].rstrip(",")
    told = httpx.get(health, timeout=60)  # of a database without a candle
    assert (told.status_code, told.json()["healthy"]) == (503, False)
    scraped = httpx.get(health.replace("/health", "/metrics"), timeout=60)
    assert "chandlery_healthy 0.0" in scraped.text.splitlines()

    no_other_page_is_answered(ui, health)

    sandbox = up.said("sandbox").split()[1]
    assert "nobody traded these" in up.said("sandbox")
    assert httpx.get(f"{sandbox}/binance_spot/api/v3/time", timeout=60).is_success
    home = up.home / "sandbox"
    assert up.said("database") == f"database    embedded, {home / 'pgdata'}"
    running = embedded.status(home)
    assert running is not None
    with psycopg.connect(running.dsn) as connection:
        assert connection.execute("select count(*) from candle_1h").fetchone() == (0,)

    again = up("up", "--sandbox")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == (
        f"chandlery: it runs already: {ui}, process {up.process.pid}; `chandlery down` stops it\n"
    )
    port = ui.rpartition(":")[2]
    other = up("up", "--port", port)
    assert (other.returncode, f"port {port} is taken" in other.stderr) == (2, True)
    health_port = health.split("/")[2].rpartition(":")[2]
    other = up("up", "--port", "0", "--health-port", health_port)
    assert f"port {health_port} is taken: stop what has it, or give --health-port" in other.stderr
    written = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not any(b"planted" in each for each in [*written, up.out.read_bytes()])
    assert not any("planted" in line for line in processes(up.home).values())
    assert len(processes(up.home)) >= 5
    assert listening(up.home, up.process.pid) == {LOOPBACK}
    assert open_to_others(up.home) == []

    up.process.send_signal(signal.SIGTERM)
    assert up.ended() == 0
    assert up.text.splitlines()[-2:] == ["stopping", "stopped"]
    assert processes(up.home) == {}
    assert not (home / "up.json").exists()
    assert up("down").stdout == "it was not running\n"


def test_what_dies_is_told_and_the_rest_is_stopped(up: Up) -> None:
    os.kill(up.process_of("prefect_server"), signal.SIGKILL)
    assert up.ended() == 1
    assert "chandlery: server ended with exit code 9; the last lines of " in up.text
    assert processes(up.home) == {}


def test_kill_9_leaves_nothing_but_a_database_that_ends_by_itself(up: Up) -> None:
    up.process_of("prefect_server")
    up.process.kill()
    up.process.wait()

    def only_the_engine() -> bool | None:
        left = processes(up.home).values()
        return True if all("engine.mjs" in line for line in left) else None

    wait(only_the_engine, "the end of the rest")
    up("down")
    assert wait(lambda: None if processes(up.home) else True, "the end of the engine")


def created(path: str) -> str:
    """A flow run; asked for again, as Prefect's SQLite may be locked on a machine that is busy."""
    for _ in range(10):
        answer = httpx.post(path, json={"state": {"type": "PENDING"}}, timeout=60)
        if answer.is_success:
            break
    return str(answer.raise_for_status().json()["id"])


def test_a_run_that_died_with_it_is_called_crashed_by_the_next(up: Up) -> None:
    up.said("Ctrl-C here stops all of it")
    api = f"{up.said('server').split()[1]}/api"
    deployments = httpx.post(f"{api}/deployments/filter", json={}, timeout=60).json()
    (hourly,) = [each["id"] for each in deployments if each["name"] == "hourly"]
    path = f"{api}/deployments/{hourly}/create_flow_run"
    run = created(path)
    up.process.kill()
    up.process.wait()
    again = Up(up.folder)
    try:
        again.said("Ctrl-C here stops all of it")
        assert "runs that never ended, called crashed now: 1\n" in again.text
        api = f"{again.said('server').split()[1]}/api"
        state = httpx.get(f"{api}/flow_runs/{run}", timeout=60).json()["state"]
        assert (state["type"], "was stopped" in state["message"]) == ("CRASHED", True)
    finally:
        again.process.terminate()
        again.ended()


def test_down_stops_one_that_runs_elsewhere(up: Up) -> None:
    up.process_of("prefect_server")
    done = up("down")
    assert (done.returncode, done.stdout[:24]) == (0, "stopped http://127.0.0.1")
    assert up.ended() == 0
    assert processes(up.home) == {}


WANDERER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(86400)"], start_new_session=True)
print("started", flush=True)
time.sleep(86400)
"""
STARTER = """
import os, sys, time
from pathlib import Path
from chandlery.local.processes import keep
from tests.waiting import wait
folder = Path(sys.argv[1])
command = [sys.executable, "-c", sys.argv[2]]
keep("wanderer", command, folder=folder, cwd=folder, env=dict(os.environ))
time.sleep(86400)
"""


def test_what_is_kept_ends_with_who_started_it_children_in_other_sessions_too(
    tmp_path: Path,
) -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path), WANDERER], cwd=ROOT)
    log = tmp_path / "wanderer.log"
    wait(lambda: (log.exists() and "started" in log.read_text()) or None, "its child")
    assert len(processes(tmp_path)) == 4  # the starter, the keeper, the command, its child
    starter.kill()
    starter.wait()
    wait(lambda: None if processes(tmp_path) else True, "the end of all")


def test_an_exit_code_and_the_last_lines_are_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('one\\ntwo\\nthree'); exit(3)"]
    kept = keep("short", command, folder=tmp_path, cwd=ROOT, env=dict(os.environ))
    assert wait(lambda: kept.code, "its end") == 3
    assert kept.last_lines(2) == ["two", "three"]
    kept.stop()
