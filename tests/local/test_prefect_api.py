"""Prefect's server turns away who comes while its SQLite is locked, or it is started anew."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from chandlery.cli.automations import applied
from chandlery.cli.services import Machine, Stop, Stopped, free_port
from chandlery.errors import ChandleryError, Misuse
from chandlery.local.asked_again import LONGEST_WAIT, SECONDS, Patience
from chandlery.local.instance import Place
from chandlery.local.prefect_api import Server, answering
from chandlery.settings import Settings
from chandlery.venues import Timepiece
from tests.fault_table import Happened

NOBODY = 0
"""In the place of a status: the connection is closed without a word."""


@dataclass
class Busy:
    """A server's address, what it has yet to answer with, and what it was asked."""

    url: str
    statuses: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(port: int = 0) -> Iterator[Busy]:
    """A server that answers with the statuses given, then with an empty list."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            busy.asked.append(f"{self.command} {self.path}")
            status = busy.statuses.pop(0) if busy.statuses else 200
            if status == NOBODY:
                return
            body = b"true" if self.path == "/health" else b"[]"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        busy = Busy(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield busy
        server.shutdown()
        thread.join()


@pytest.fixture
def busy() -> Iterator[Busy]:
    with serving() as made:
        yield made


@dataclass
class Slept:
    """A clock that only sleep moves on, and how long it was slept each time."""

    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)

    @property
    def patience(self) -> Patience:
        return Patience(time=Timepiece(monotonic=lambda: sum(self.naps), sleep=self.sleep))


@pytest.fixture
def slept() -> Slept:
    return Slept()


CALLS: dict[str, Callable[[Server], object]] = {
    "POST /automations/filter": Server.automations,
    "POST /work_pools/filter": Server.has_pool,
    "POST /work_pools/chandlery/workers/filter": Server.workers_online,
    "POST /deployments/filter": lambda server: server.schedules(active=True),
    "POST /flow_runs/filter": Server.under_way,
    "POST /flow_runs/1/set_state": lambda server: server.bury([{"id": 1}]),
    "POST /automations/": lambda server: server.make_automation({}),
    "POST /block_documents/filter": lambda server: server.notifier("chandlery"),
    "PUT /automations/1": lambda server: server.change_automation("1", {}),
    "PATCH /schedule": lambda server: server.pause("/schedule"),
    "DELETE /automations/1": lambda server: server.drop_automation("1"),
}


@pytest.mark.parametrize(("asked", "call"), CALLS.items(), ids=CALLS)
def test_who_is_turned_away_asks_again(
    busy: Busy, slept: Slept, asked: str, call: Callable[[Server], object]
) -> None:
    busy.statuses += [503, 429]
    call(Server(busy.url, slept.patience))
    assert (busy.asked, slept.naps) == ([asked] * 3, [1, 2])


@pytest.mark.parametrize("status", [408, 502, 504, NOBODY])
def test_what_may_have_been_done_is_asked_again_but_not_made_again(
    busy: Busy, slept: Slept, status: int
) -> None:
    server = Server(busy.url, slept.patience)
    busy.statuses.append(status)
    assert server.automations() == []
    busy.statuses.append(status)
    with pytest.raises(httpx.HTTPError):
        server.make_automation({})
    assert busy.asked == ["POST /automations/filter"] * 2 + ["POST /automations/"]


def test_after_two_minutes_nobody_asks_any_more(busy: Busy, slept: Slept) -> None:
    busy.statuses += [503] * 100
    with pytest.raises(httpx.HTTPStatusError):
        Server(busy.url, slept.patience).automations()
    assert slept.naps[:6] == [1, 2, 4, 8, LONGEST_WAIT, LONGEST_WAIT]
    assert SECONDS <= sum(slept.naps) < SECONDS + LONGEST_WAIT
    assert len(busy.asked) == len(slept.naps) + 1


@pytest.mark.parametrize("status", [404, 409, 422, 500])
def test_any_other_word_of_its_is_believed(busy: Busy, slept: Slept, status: int) -> None:
    busy.statuses.append(status)
    with pytest.raises(httpx.HTTPStatusError):
        Server(busy.url, slept.patience).automations()
    assert (len(busy.asked), slept.naps) == (1, [])


@pytest.mark.fault(
    "process", "Prefect's server is started anew while it is asked", "it is waited for"
)
def test_a_server_that_is_started_anew_is_waited_for(happened: Happened) -> None:
    port, naps = free_port(0), Slept()
    with serving(port) as first:
        assert Server(first.url, naps.patience).automations() == []
    begun = serving(port)

    def sleep(seconds: float) -> None:
        naps.sleep(seconds)
        if len(naps.naps) == 2:
            begun.__enter__()

    patience = Patience(time=Timepiece(monotonic=lambda: sum(naps.naps), sleep=sleep))
    try:
        assert Server(first.url, patience).automations() == []
    finally:
        begun.__exit__(None, None, None)
    assert naps.naps == [1, 2]
    happened("answered at the third time of asking, after 3 s")


def test_who_types_a_command_does_not_wait_for_a_server_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port(0)}")
    with pytest.raises(Misuse, match=r"no Prefect server answers at .*: start one"):
        answering(tmp_path)


@pytest.mark.parametrize(("status", "there"), [(503, True), (NOBODY, True), (404, False)])
def test_a_server_that_is_busy_is_there(busy: Busy, status: int, there: bool) -> None:  # noqa: FBT001
    busy.statuses.append(status)
    assert Server(busy.url).is_there() is there


@pytest.mark.fault(
    "process",
    "Prefect's server turns away who asks (503), as while its SQLite file is locked",
    "asked again for two minutes, then one line that says what to do",
)
def test_what_becomes_of_automations_then_is_one_line(
    busy: Busy, slept: Slept, tmp_path: Path, happened: Happened
) -> None:
    busy.statuses += [503] * 100
    current = Settings(DATABASE_URL=None, CHANDLERY_HOME=tmp_path)
    with pytest.raises(ChandleryError) as told:
        applied(Server(busy.url, slept.patience), current)
    assert str(told.value) == (
        f"Prefect's server at {busy.url} is busy or went away (503 Service Unavailable): run"
        " `chandlery automations` again once it answers; what was done stays"
    )
    happened(f"asked {len(busy.asked)} times in {sum(slept.naps):.0f} s; then one line")


def test_who_wants_up_to_stop_does_not_wait_for_a_busy_server(busy: Busy, tmp_path: Path) -> None:
    busy.statuses += [503] * 100
    stop = Stop()
    stop.ask()
    machine = Machine(Place(tmp_path), busy.url, stop, 1)
    with pytest.raises(Stopped):
        machine.server.under_way()
    assert len(busy.asked) == 1
