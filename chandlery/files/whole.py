"""Files that are whole or not there, whoever dies meanwhile, or whether the power fails."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from tempfile import mkstemp

from chandlery.errors import Misuse

SCRATCH = ".chandlery"
"""In a target's folder while it is written to. Readers pass over it, as over all that is hidden."""
ENDS = ".chandlery"
"""The end of the name of a file that is not complete yet: nobody else's ends so."""


@contextmanager
def whole(to: Path, beside: Path | None = None, *, private: bool = False) -> Iterator[Path]:
    """A file in `beside` (where it will be, if None) that takes its name once it is complete.

    One in which nothing was written takes none. It follows the umask; one that is private is for
    its user alone. What a process that was killed left of such a file is removed.
    """
    folder = to.parent if beside is None else beside
    begins = f".{to.name[:50]}."
    try:
        _remove_left(folder, begins)
        part, held = _begun(folder, begins)
    except OSError as error:
        raise unwritten(to, error) from None
    try:
        yield part
        if part.stat().st_size:
            part.chmod(0o600 if private else 0o666 & ~_umask())
            sync(part)
            part.replace(to)
    except OSError as error:
        raise unwritten(to, error) from None
    finally:
        part.unlink(missing_ok=True)
        os.close(held)


def _begun(folder: Path, begins: str) -> tuple[Path, int]:
    """A new file, and a lock on it that is there for as long as whoever writes it lives."""
    while True:
        held, name = mkstemp(ENDS, begins, folder)
        if _is_ours(held) and Path(name).exists():  # who removes what is left may come between
            return Path(name), held
        os.close(held)


def _is_ours(handle: int) -> bool:
    try:
        return _locked(handle)
    except OSError:  # no locks are kept there, and so nothing is removed there either
        return True


def _remove_left(folder: Path, begins: str) -> None:
    """Remove what nobody writes to any more."""
    for path in folder.glob(f"{escape(begins)}*{ENDS}"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                if _locked(handle):
                    path.unlink()
            finally:
                os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync(path: Path) -> None:
    """Have a file's bytes on the disk: else a power cut may leave its name without them."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def unwritten(to: Path, error: OSError) -> Misuse:
    """The line for a file that cannot be written."""
    return Misuse(f"cannot write {to}: {error.strerror or error}")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@dataclass(frozen=True)
class Folder:
    """A folder of files that one export at a time writes. `ids`: as `Series.is_of` has them."""

    root: Path
    ids: Mapping[str, int]

    @contextmanager
    def whole(self, to: Path) -> Iterator[Path]:
        """A file of it that takes its name, in folders made for it, once it is complete."""
        with whole(to, self.root / SCRATCH) as part:
            yield part
            to.parent.mkdir(parents=True, exist_ok=True)

    def told(self, path: Path) -> str:
        """A file's name as people are told it."""
        return str(path.relative_to(self.root))


@contextmanager
def opened(root: Path, ids: Mapping[str, int]) -> Iterator[Folder]:
    """The folder, made if need be, and to oneself; what a killed export left is removed."""
    scratch, is_new = root / SCRATCH, not root.exists()
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        handle = os.open(scratch, os.O_RDONLY)
    except OSError as error:
        raise unwritten(root, error) from None
    if not _locked(handle):
        os.close(handle)
        raise Misuse(f"another export writes into {root}: wait for its end")
    try:
        _sweep(scratch)
        yield Folder(root, ids)
    finally:
        with suppress(OSError):  # where nothing was written, nothing is left
            scratch.rmdir()
            if is_new:
                root.rmdir()
        os.close(handle)


def _sweep(scratch: Path) -> None:
    try:
        for left in scratch.iterdir():
            left.unlink()
    except OSError as error:
        raise unwritten(scratch, error) from None
