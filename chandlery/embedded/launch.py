"""Start the engine, find it, stop it.

Two locks, both flock, both freed by the kernel however a process ends. `engine.lock` is held by
the engine itself: this module opens and locks it, and the child inherits the open file.
`engine.starting` is held by the process that starts one, so that of many that want an engine at
once one starts it and the others wait.
"""

import contextlib
import fcntl
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from chandlery.embedded.install import engine, node
from chandlery.embedded.place import (
    SOCKET_NAME,
    EngineError,
    Place,
    close_to_others,
    prepare,
    socket_folder,
    unkept,
)

T = TypeVar("T")

IDLE_SECONDS = 60.0
STOP_SECONDS = 60.0
PROBE_SECONDS = 5.0
POLL_SECONDS = 0.02
SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@dataclass(frozen=True)
class Patience:
    """How long is too long, in seconds."""

    start: float = 120.0
    """For an engine to open its folder and answer."""
    leave: float = 20.0
    """For one that holds the folder and does not answer: on its way out, or lost."""
    idle_client: float = 120.0
    """For a client to do nothing in the middle of a transaction while others wait."""


@dataclass(frozen=True)
class Options:
    """How an engine is to be started."""

    tcp: int | None
    idle: float | None
    edition: str
    patience: Patience


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
    patience: Patience = Patience(),
) -> str:
    """Start the engine for `home` if none is running, and give its DSN.

    It stops itself after `idle` seconds without a client; with `tcp`, or `idle=None`, it stays
    until stopped. `edition="none"` is for tests: a PostgreSQL without TimescaleDB.
    """
    place = prepare(home)
    options = Options(tcp, None if tcp else idle, edition, patience)
    try:
        found = _status(place) or _start_once(place, options)
    except OSError as error:
        raise unkept(place, error) from error
    if tcp not in (None, found.tcp_port) or edition != found.edition:
        raise EngineError(
            f"an engine with other options runs on {place.home}: run `chandlery db stop` first",
        )
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
        raise EngineError(
            f"the engine is still busy: try again later, or end it with `kill -9 {found.pid}`"
            " (no committed row is lost)",
        )
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
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a power cut may leave it empty
        return None
    if not _answers(state["socket"]):
        return None
    folder = quote(str(Path(state["socket"]).parent), safe="")
    passfile = quote(str(place.passfile), safe="")
    port = state["tcp"]
    return Status(
        pid=state["pid"],
        dsn=f"postgresql://postgres@/postgres?host={folder}&port=5432",
        tcp_port=port,
        tcp_dsn=port and f"postgresql://postgres@127.0.0.1:{port}/postgres?passfile={passfile}",
        edition=state["edition"],
        home=place.home,
    )


def _answers(path: str) -> bool:
    """Ask for TLS, as any client of libpq may: an engine that is alive says no, even when busy."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(path)
            probe.sendall(SSL_REQUEST)
            return probe.recv(1) == b"N"
        except OSError:
            return False


def _start_once(place: Place, options: Options) -> Status:
    """Of all that want an engine at once, one at a time: all but the first find it running."""
    with _locked(place.starting):
        # The lock may still be held by an engine on its way out: wait for either to come true.
        found = poll(lambda: _engine_or_lock(place), options.patience.leave)
        if found is None:
            raise EngineError(
                f"an engine that does not answer has {place.data} open:"
                f" end it (its words are in {place.log}) and try again",
            )
        running, lock = found
        if running:
            return running
        try:
            return _start(place, options, lock)
        finally:
            os.close(lock)


def _engine_or_lock(place: Place) -> tuple[Status | None, int] | None:
    running = _status(place)
    if running:
        return running, -1
    lock = _try_lock(place.lock)
    return None if lock is None else (None, lock)


def _start(place: Place, options: Options, lock: int) -> Status:
    place.state.unlink(missing_ok=True)
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as answers:
        try:
            _spawn(_command(place, options, lock, writer), place, (lock, writer))
        finally:
            os.close(writer)
        # The child writes one line when it is ready or cannot be; end of file: it died.
        readable, _, _ = select.select([answers], [], [], options.patience.start)
        answer = answers.readline().strip() if readable else "it took too long"
    found = _status(place) if answer == "ready" else None
    if "ENOSPC" in answer:
        raise EngineError(f"the disk that {place.home} is on is full: make room and try again")
    if found is None:
        raise EngineError(f"the engine did not start ({answer or 'it died'}): {what_to_do(place)}")
    close_to_others(place)
    return found


def what_to_do(place: Place) -> str:
    """Where an engine does not start, or only its files are to be had."""
    if not place.data.exists():
        return f"see {place.log}"
    return (
        f"its words are in {place.log}; if {place.data} is damaged, set CHANDLERY_HOME to another"
        " folder, and `chandlery restore` a backup there, or `chandlery backfill` anew"
    )


def _command(place: Place, options: Options, lock: int, ready: int) -> list[str]:
    given = {
        "home": place.home,
        "socket": socket_folder(place) / SOCKET_NAME,
        "edition": options.edition,
        "patience": options.patience.idle_client,
        "lock-fd": lock,
        "ready-fd": ready,
        "idle": options.idle,
        "tcp": options.tcp,
    }
    if options.tcp:
        _write_password(place.passfile)
    flags = [f"--{name}={value}" for name, value in given.items() if value is not None]
    return [str(node()), str(engine(place.home) / "engine.mjs"), *flags]


def _spawn(command: list[str], place: Place, inherited: tuple[int, ...]) -> None:
    """Leave the engine on its own: no terminal, none of our pipes, and no child of ours."""
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        subprocess.run(  # noqa: S603 - our own words, as a list: no shell reads them
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


def _write_password(passfile: Path) -> None:
    """Any user of this machine can reach a loopback port: so TCP asks for a password."""
    if passfile.exists() and passfile.stat().st_size:  # a power cut may leave it empty
        return
    part = passfile.with_suffix(".part")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(f"127.0.0.1:*:*:postgres:{secrets.token_urlsafe(24)}\n")
        out.flush()
        os.fsync(file)
    part.replace(passfile)


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
