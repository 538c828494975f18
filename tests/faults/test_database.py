"""The database in the middle of a run: cut off, restarted, gone, in two minds, without room.

Client and wire are real, and so is the embedded engine at the other end. Sessions that get in each
other's way need a server: `--server DSN`.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest

from chandlery import embedded, store
from chandlery.errors import Gone
from chandlery.settings import Settings
from chandlery.store.database import PATIENCE
from tests import waiting
from tests.fault_table import Happened
from tests.faults.site import COINS, HOURS, Site, Slept, asked, opened, tables
from tests.faults.wire import (
    ANY,
    COPY_DATA,
    PARSE,
    QUERY,
    Line,
    Trouble,
    cut,
    lose_the_commit,
    refuse,
)

RECOVERS = "the run ends well: tables as after an undisturbed one, nothing asked twice"
DEADLOCK = refuse("40P01", "deadlock detected")
NOT_SERIAL = refuse("40001", "could not serialize access due to concurrent update")
SHUT_DOWN = refuse("57P01", "terminating connection due to administrator command", "FATAL")
NO_ROOM = refuse("53100", 'could not extend file "base/5/1": No space left on device')
TROUBLES = {
    "connection cut in mid-COPY": (COPY_DATA, b"", cut),
    "connection cut at the claim of a batch": (PARSE, b"insert into claim", cut),
    "connection cut in the refresh of 4h and 1d": (QUERY, b"refresh_continuous", cut),
    "the answer to a commit is lost": (COPY_DATA, b"", lose_the_commit),
    "deadlock, in a server's words": (QUERY, b"copy", DEADLOCK),
    "serialization failure, in a server's words": (QUERY, b"copy", NOT_SERIAL),
    "database restarted in mid-run, in a server's words": (QUERY, b"copy", SHUT_DOWN),
}


@pytest.fixture(scope="module")
def site(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(template, tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(told, id=what, marks=pytest.mark.fault("process", what, RECOVERS))
        for what, told in TROUBLES.items()
    ],
)
def test_what_passes_costs_a_retry(
    site: Site, trouble: tuple[bytes, bytes, Trouble], happened: Happened
) -> None:
    slept = Slept()
    with site.week() as week:
        site.wire.trouble(*trouble)
        result = site.collect(week, slept)
        assert (result.failed, result.successful) == ({}, COINS)
    happened(f"asked again after {slept.seconds:.1f} s; {COINS * HOURS:,} candles, all equal")


@pytest.mark.fault(
    "process",
    "SIGKILL of the embedded engine (its Node process) in mid-COPY",
    f"it is started anew, and {RECOVERS}",
)
def test_the_engine_killed_in_mid_copy(site: Site, happened: Happened) -> None:
    killed = []

    def kill(line: Line, message: bytes) -> None:
        line.server.sendall(message[: len(message) // 2])
        killed.append(running(site))
        os.kill(killed[0], signal.SIGKILL)

    with site.week() as week:
        site.wire.trouble(COPY_DATA, b"", kill)
        result = site.collect(week)
        assert result.records == COINS * HOURS
        assert running(site) not in killed
    happened(f"another engine, {result.records:,} candles, all equal")


@pytest.mark.fault(
    "process",
    "SIGTERM of the embedded engine in mid-COPY",
    f"what is under way is undone, it is started anew, and {RECOVERS}",
)
def test_the_engine_stopped_in_mid_copy(site: Site, happened: Happened) -> None:
    stopped = []

    def stop(line: Line, message: bytes) -> None:
        line.server.sendall(message[: len(message) // 2])
        stopped.append(running(site))
        assert embedded.stop(site.home)

    with site.week() as week:
        site.wire.trouble(COPY_DATA, b"", stop)
        result = site.collect(week)
        assert result.records == COINS * HOURS
        assert running(site) not in stopped
    happened(f"another engine, {result.records:,} candles, all equal")


def running(site: Site) -> int:
    found = embedded.status(site.home)
    assert found
    return found.pid


def gone(line: Line, _: bytes) -> None:
    line.wire.shut()


@pytest.mark.fault("process", "database gone for a minute", RECOVERS)
def test_gone_for_a_minute(site: Site, happened: Happened) -> None:
    def come_back(seconds: float) -> None:
        if seconds >= 60 and not site.wire.is_open:
            site.wire.open()

    slept = Slept(meanwhile=come_back)
    with site.week() as week:
        site.wire.trouble(COPY_DATA, b"", gone)
        result = site.collect(week, slept)
        assert result.records == COINS * HOURS
    happened(f"waited {slept.seconds:.0f} s, then wrote {result.records:,} candles, all equal")


@pytest.mark.fault(
    "process",
    "database gone for good",
    "one line within minutes; no venue is asked meanwhile; the next run asks for the rest only",
)
def test_gone_for_good(site: Site, happened: Happened) -> None:
    slept = Slept()
    with site.week() as week:
        site.wire.trouble(QUERY, b"refresh_continuous", gone)  # after the candles were committed
        with pytest.raises(Gone) as caught:
            site.collect(week, slept)
        before = asked(site.venues)
        site.wire.open()
        site.collect(week)
        assert asked(site.venues) == before
    words = str(caught.value)
    assert "went away" in words and "what was committed stays" in words and "\n" not in words  # noqa: PT018
    assert PATIENCE <= slept.seconds < 1.5 * PATIENCE
    happened(f"after {slept.seconds:.0f} s: {words}; the next run asked for nothing twice")


@pytest.mark.fault(
    "process", "disk full at a server", "one line that says so, at once; with room the rest is done"
)
def test_no_room_at_a_server(site: Site, happened: Happened) -> None:
    slept = Slept()
    with site.week() as week:
        site.wire.trouble(QUERY, b"copy", NO_ROOM)
        with pytest.raises(Gone, match="disk is full") as caught:
            site.collect(week, slept)
        assert (slept.seconds, sum(map(len, tables(site.disturbed, week).values()))) == (0.0, 0)
        site.venues.forget()
        site.collect(week)
    happened(str(caught.value))


@pytest.mark.fault("process", "database gone while a verb reads", "one line, exit code 1")
def test_gone_while_a_verb_reads(site: Site, happened: Happened) -> None:
    site.wire.trouble(ANY, b"from coverage", cut)
    given = os.environ | {"DATABASE_URL": site.wire.url, "CHANDLERY_HOME": str(site.home)}
    command = [sys.executable, "-m", "chandlery", "status"]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("chandlery: the database went away (")
    happened(done.stderr)


@pytest.fixture
def server(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    if request.config.getoption("--server") is None:
        pytest.skip("behind the embedded engine is one session: needs --server DSN")
    return settings


@pytest.mark.fault("process", "deadlock of two sessions (server)", "both get done what they wanted")
def test_a_real_deadlock(server: Settings, happened: Happened) -> None:
    with store.connect(server) as connection:
        connection.execute("create table held as select n, 0 as times from generate_series(1, 2) n")
    both = Barrier(2)
    tries = []

    def update(connection: store.Connection, *order: int) -> None:
        tries.append(order)
        with connection.transaction():
            for n in order:
                connection.execute("update held set times = times + 1 where n = %s", (n,))
                if n == order[0] and len(tries) <= 2:
                    both.wait(waiting.PATIENCE)

    at_once(server, lambda one: one.do(update, 1, 2), lambda other: other.do(update, 2, 1))
    with store.connect(server) as connection:
        assert connection.execute("select times from held").fetchall() == [(2,), (2,)]
    assert len(tries) == 3
    happened("one of two transactions was done again; both are there")


def at_once(settings: Settings, *works: Callable[[store.Database], object]) -> None:
    def work(one: Callable[[store.Database], object]) -> None:
        with store.Database(settings) as database:
            one(database)

    threads = [Thread(target=work, args=(each,)) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.fault(
    "process", "serialization failure of two sessions (server)", "both get done what they wanted"
)
def test_a_real_serialization_failure(server: Settings, happened: Happened) -> None:
    with store.connect(server) as connection, store.Database(server) as database:
        connection.execute("create table held as select 0 as times")
        tries = []

        def update(ours: store.Connection) -> None:
            with ours.transaction():
                ours.execute("set transaction isolation level repeatable read")
                ours.execute("select * from held")
                if not tries:
                    connection.execute("update held set times = times + 1")
                tries.append(1)
                ours.execute("update held set times = times + 1")

        database.do(update)
        assert connection.execute("select times from held").fetchall() == [(2,)]
    assert len(tries) == 2
    happened("the transaction was done again; both are there")


@pytest.mark.fault("process", "session ended by the server's administrator (server)", "another one")
def test_a_session_that_is_terminated(server: Settings, happened: Happened) -> None:
    with store.connect(server) as admin, store.Database(server) as database:
        before = database.connection.info.backend_pid
        admin.execute("select pg_terminate_backend(%s)", (before,))
        after = database.do(lambda connection: connection.info.backend_pid)
        database.do(store.migrate)
        assert database.connection.info.backend_pid != before
    assert after
    happened("another session, and the work is done")
