"""Files that are whole or not there, whoever dies meanwhile, or whether the power fails."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from chandlery.errors import Misuse

SCRATCH = ".chandlery"
"""In a target's folder while it is written to. Readers pass over it, as over all that is hidden."""


@contextmanager
def whole(to: Path, beside: Path | None = None, *, private: bool = False) -> Iterator[Path]:
    """A file in `beside` (where it will be, if None) that takes its name once it is complete.

    One in which nothing was written takes none. It follows the umask; one that is private is for
    its user alone.
    """
    try:
        folder = to.parent if beside is None else beside
        with NamedTemporaryFile(dir=folder, prefix=f".{to.name[:60]}.", delete=False) as made:
            part = Path(made.name)
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
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Misuse(f"another export writes into {root}: wait for its end") from None
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
