"""Which process this is, and whether another of this machine still lives."""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
STATE, BORN = 0, 19  # among what stands after the name in a process's stat
DEAD = frozenset("ZX")


class Process(NamedTuple):
    """A process; `born` tells it from a later one of the same number.

    `machine` is one start of a machine, and the numbering of processes there: containers have
    their own. It is empty where there is no /proc to tell.
    """

    machine: str
    pid: int
    born: int

    @classmethod
    def ours(cls) -> "Process":
        """This one."""
        return cls(_machine(), os.getpid(), _born(os.getpid()) or 0)

    @property
    def is_gone(self) -> bool:
        """Whether it is known to have ended; of another machine's, nothing is known."""
        return bool(self.machine) and self.machine == _machine() and _born(self.pid) != self.born


@cache
def _machine() -> str:
    with suppress(OSError):
        boot = (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {(PROC / 'self/ns/pid').readlink()}"
    return ""


def _born(pid: int) -> int | None:
    """In ticks since the machine's start; None if it has ended."""
    try:
        stat = (PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[STATE] in DEAD else int(fields[BORN])
