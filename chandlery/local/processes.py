"""Processes that end with the one that started them, however that one ends.

Between the two stands a keeper (`python -m chandlery.local.processes`): it starts the command, and
ends it when its own standard input closes, which the kernel sees to even on `kill -9`. A command's
children may be in sessions of their own (a Prefect worker's are): all of them inherit a mark in
their environment, and by that they are found, where there is /proc; elsewhere, by their group.
"""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

MARK = "CHANDLERY_KEPT"
PROC = Path("/proc")
GRACE_SECONDS = 20.0
POLL_SECONDS = 0.1
TAIL = 8192


@dataclass(frozen=True)
class Kept:
    """A running command, and where it writes."""

    name: str
    log: Path
    keeper: subprocess.Popen[bytes]

    @property
    def code(self) -> int | None:
        """The exit code, if it has ended."""
        return self.keeper.poll()

    def stop(self) -> None:
        """Ask it to end, and see to it that it does, with all it started."""
        if self.keeper.stdin:
            self.keeper.stdin.close()
        self.keeper.wait()

    def last_lines(self, most: int = 10) -> list[str]:
        """The end of what it wrote."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - TAIL))
            return file.read().decode(errors="replace").splitlines()[-most:]


def keep(
    name: str, command: Sequence[str], *, folder: Path, cwd: Path, env: Mapping[str, str]
) -> Kept:
    """Start a command that ends with us; what it writes is in `folder`, as is its mark."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    if log.exists():
        log.replace(folder / f"{name}.log.1")
    with log.open("wb") as out:
        keeper = subprocess.Popen(  # noqa: S603  our own words
            [sys.executable, "-m", __name__, *command],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            cwd=cwd,
            env={**env, MARK: str(log)},
            start_new_session=True,
        )
    return Kept(name, log, keeper)


def inherited() -> dict[str, str]:
    """The environment that we were given."""
    return dict(os.environ)


def sweep(folder: Path) -> int:
    """End whatever was kept in this folder and is still there; say how many processes."""
    found = list(_marked(folder))
    _signal(found, signal.SIGTERM)
    until(lambda: not list(_marked(folder)) or None, GRACE_SECONDS)
    _signal(list(_marked(folder)), signal.SIGKILL)
    until(lambda: not list(_marked(folder)) or None, GRACE_SECONDS)
    return len(found)


def has(pid: int, name: str, value: str) -> bool:
    """Whether this user has such a process, with this variable in its environment."""
    with suppress(OSError):
        return f"{name}={value}".encode() in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    return False


def until(
    attempt: Callable[[], T | None],
    seconds: float,
    *,
    pause: Callable[[float], object] = sleep,
) -> T | None:
    """Try until something comes of it, or the time is over."""
    end = monotonic() + seconds
    while (result := attempt()) is None and monotonic() < end:
        pause(POLL_SECONDS)
    return result


def _marked(mark: Path) -> Iterator[int]:
    """Processes of this user that bear the mark, or one of a file in that folder; but not this."""
    wanted = f"{MARK}={mark}".encode()
    for path in PROC.glob("[0-9]*/environ"):
        with suppress(OSError):
            for pair in path.read_bytes().split(b"\0"):
                if pair == wanted or pair.startswith(wanted + b"/"):
                    yield int(path.parent.name)
    return


def _signal(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        if pid != os.getpid():
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def main(command: Sequence[str]) -> int:
    """Keep one command; return its exit code."""
    # A shell that starts us with & has SIGINT ignored, and then Prefect's worker never stops.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    reader, writer = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(writer, b"."))
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  given by `keep`
    threading.Thread(target=lambda: (child.wait(), os.write(writer, b".")), daemon=True).start()
    select.select([sys.stdin, reader], [], [])
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
    code = child.poll()
    _end_the_rest()
    return 1 if code is None else abs(code)


def _end_the_rest() -> None:
    """Whoever is left: the command, if it would not end, and what it started."""
    mark = Path(os.environ[MARK])
    if PROC.is_dir():
        until(lambda: _signal(_others(mark), signal.SIGKILL) if _others(mark) else True, 10.0)
    else:
        os.killpg(0, signal.SIGKILL)


def _others(mark: Path) -> list[int]:
    return [pid for pid in _marked(mark) if pid != os.getpid()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
