"""Where an engine's files are: under its home, but for a socket whose path would be too long."""

import errno
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100
"""The kernels allow 107 bytes (Linux) or 103 (macOS)."""
POSTGRES_MAJOR = "17"


class EngineError(Exception):
    """The embedded engine cannot be had. The message is one line and says what to do."""


@dataclass(frozen=True)
class Place:
    """The paths of one home."""

    home: Path

    @classmethod
    def of(cls, home: Path) -> Self:
        """Give the place of a home as a user may write it."""
        return cls(home.expanduser().absolute())

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.home / "pgdata"

    @property
    def log(self) -> Path:
        """What the engine has to say for itself."""
        return self.home / "engine.log"

    @property
    def lock(self) -> Path:
        """Locked for as long as an engine has the folder open."""
        return self.home / "engine.lock"

    @property
    def starting(self) -> Path:
        """Locked by the one process that is starting an engine."""
        return self.home / "engine.starting"

    @property
    def state(self) -> Path:
        """What the running engine says about itself."""
        return self.home / "engine.json"

    @property
    def passfile(self) -> Path:
        """The password for TCP, in libpq's own format, for nobody else to read."""
        return self.home / "pgpass"


def prepare(home: Path) -> Place:
    """Make the home's folder, private, and check that an engine can live there."""
    place = Place.of(home)
    try:
        private(place.home)
        place.starting.touch(mode=0o600)
    except OSError as error:
        raise unkept(place, error) from error
    _check_version(place.data)
    return place


def private(folder: Path) -> None:
    """Make a folder, and what it lies in, for this user only; what is there stays as it is."""
    for each in reversed([folder, *folder.parents]):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)


def close_to_others(place: Place) -> None:
    """Take from others what PostgreSQL's own initdb gives its group: files of settings, 0640."""
    for path in place.data.iterdir():
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and mode & 0o077:
            path.chmod(0o600)


def unkept(place: Place, error: OSError) -> EngineError:
    """What keeps us from a home."""
    do = "set CHANDLERY_HOME to a folder you may write to"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        do = "make room and try again"
    return EngineError(f"cannot keep data in {place.home} ({error.strerror}): {do}")


def _check_version(data: Path) -> None:
    try:
        found = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
    if found != POSTGRES_MAJOR:
        raise EngineError(
            f"{data} was written by PostgreSQL {found}, this engine is {POSTGRES_MAJOR}:"
            " set CHANDLERY_HOME to another folder, or DATABASE_URL to a server that can read it",
        )


def socket_folder(place: Place) -> Path:
    """Give the private folder of the socket: the home's own, or a short one if that is no good."""
    own = place.home / "run"
    if _usable(own):
        return _private(own)
    key = hashlib.sha256(os.fsencode(place.home)).hexdigest()[:16]
    short = f"chandlery-{os.getuid()}-{key}"
    for parent in [os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()]:
        if parent and _usable(Path(parent) / short):
            return _private(Path(parent) / short)
    raise EngineError(f"{place.home} is too long a path: set CHANDLERY_HOME to a shorter one")


def _usable(folder: Path) -> bool:
    """Tell whether a socket fits there; for libpq, a comma would make two hosts of it."""
    path = os.fsencode(folder / SOCKET_NAME)
    return len(path) <= LONGEST_SOCKET_PATH and b"," not in path


def _private(folder: Path) -> Path:
    """Make a folder only this user can enter; refuse one that somebody else has put there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise EngineError(
            f"{folder} belongs to somebody else: remove it, or shorten CHANDLERY_HOME",
        )
    folder.chmod(0o700)
    return folder
