"""The builds that are compared: this checkout, and another commit's tree.

A build is run by its command line alone, with its own code before all other: what is behind that
may be laid out in another way. All else it needs is this checkout's: packages, Node, the engine.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from chandlery.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
LOCK = "package-lock.json"
_RSS_UNITS = 1024**2 if sys.platform == "darwin" else 1024


class Unfit(Exception):
    """What a bench needs is not here; the message says what."""


@dataclass(frozen=True)
class Spent:
    """What a process took; the database's and the sandbox's share is not in it, but for time."""

    seconds: float
    cpu: float
    megabytes: float


@dataclass(frozen=True)
class Build:
    """A tree of the repository, and what it is called."""

    name: str
    root: Path = ROOT

    def environment(self, current: Settings, **more: str) -> Mapping[str, str]:
        """Where this build's code and its database are; the rest is inherited."""
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        ours = {
            "PYTHONPATH": str(self.root),
            "DATABASE_URL": current.database_url or "",
            "CHANDLERY_HOME": str(current.home),
        }
        return inherited | ours | more

    def spend(self, words: Sequence[str], environment: Mapping[str, str]) -> Spent:
        """Run `chandlery WORDS` of this build to its end."""
        return spend([sys.executable, "-m", "chandlery", *words], environment, self.root)


OURS = Build("this build")
Taken = Mapping[Build, Sequence[Spent]]


def spend(command: Sequence[str], environment: Mapping[str, str], folder: Path = ROOT) -> Spent:
    """Run a process to its end; what it had to say is shown if it failed."""
    with tempfile.NamedTemporaryFile() as told:
        child = [sys.executable, "-S", str(ROOT / "bench" / "child.py"), told.name]
        began = perf_counter()
        done = subprocess.run(  # noqa: S603  our own command, as a list
            [*child, *command],
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        took = perf_counter() - began
        if done.returncode:
            raise Unfit(f"{' '.join(command[:4])} failed in {folder}:\n{done.stdout}")
        used = json.load(told)
    return Spent(took, used["cpu"], used["rss"] / _RSS_UNITS)


@contextmanager
def compared(commit: str | None) -> Iterator[Sequence[Build]]:
    """Yield the builds to measure in turn: that of `commit`, if one is named, and this one."""
    if commit is None:
        yield [OURS]
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _extract(commit, Path(folder))
        _link_engine(Path(folder))
        yield [Build(commit, Path(folder)), OURS]


def _extract(commit: str, folder: Path) -> None:
    command = ["git", "archive", "--format=tar", commit]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603  as a list
    if done.returncode:
        raise Unfit(f"no tree of {commit}: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tree:
        tree.extractall(folder, filter="data")


def _link_engine(folder: Path) -> None:
    """Give it the embedded engine that is installed here, if it is the one that it asks for."""
    installed = ROOT / "chandlery" / "embedded"
    for lock in folder.rglob(LOCK):
        if lock.read_bytes() == (installed / LOCK).read_bytes():
            (lock.parent / "node_modules").symlink_to(installed / "node_modules")
