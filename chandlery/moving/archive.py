"""The file of a backup: a zip of one CSV a table, one Parquet file a year of candles, a manifest.

docs/servers.md describes it. It can be read without Chandlery, and no part of it is ours alone.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from struct import unpack
from typing import IO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from chandlery.errors import Misuse

KIND, VERSION = "chandlery backup", 1
MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 1 << 24
_PIECE = 1 << 20
_HEADER, _LENGTHS = 30, 26  # bytes before a member's name, and where its length is told
_PRIVATE = 0o600 << 16


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Member(_Told):
    """A file in the zip: what it holds by count and checksum, and what it is by its digest."""

    file: str
    columns: tuple[str, ...]
    rows: int
    checksum: int  # as tables.Table has it
    size: int  # bytes, unpacked
    sha256: str


class Manifest(_Told):
    """What a backup holds; `years` is empty where candles were left out."""

    kind: str = KIND
    version: int = VERSION
    made_by: str
    made_at: AwareDatetime
    born_at: str  # of the database; the time of its first migration
    migrations: tuple[str, ...]
    tables: dict[str, Member]
    years: dict[int, Member]
    with_candles: bool

    @property
    def hours(self) -> int:
        """How many candles."""
        return sum(member.rows for member in self.years.values())

    @property
    def rows(self) -> int:
        """How many rows of other tables."""
        return sum(member.rows for member in self.tables.values())

    def summary(self) -> str:
        """What it holds, in a few words."""
        hours = f"{self.hours:,} hours" if self.with_candles else "no candles"
        return f"{hours} and {self.rows:,} rows of {len(self.tables)} other tables"

    def statistics(self) -> dict[str, object]:
        """One JSON object."""
        return {
            "made_at": self.made_at.isoformat(),
            "with_candles": self.with_candles,
            "hours": self.hours,
            "rows": {name: member.rows for name, member in self.tables.items()},
        }


class Hashed(io.RawIOBase):
    """A file that is written to, and what was written: its size and its digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, piece: bytes, /) -> int:  # type: ignore[override]
        """Write it whole."""
        self._digest.update(piece)
        self._file.write(piece)
        self.size += len(piece)
        return len(piece)

    def tell(self) -> int:
        """How much was written."""
        return self.size

    @property
    def sha256(self) -> str:
        """Of all that was written."""
        return self._digest.hexdigest()


@contextmanager
def member(archive: ZipFile, name: str, at: datetime, *, packed: bool) -> Iterator[Hashed]:
    """A file in the zip, to be written; `packed`: Parquet is packed already."""
    info = ZipInfo(name, at.timetuple()[:6])
    info.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
    info.external_attr = _PRIVATE
    with archive.open(info, "w", force_zip64=True) as file:
        yield Hashed(file)


def write_manifest(archive: ZipFile, manifest: Manifest) -> None:
    """Last, as it has what is known of all others."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=1)
    with member(archive, MANIFEST, manifest.made_at, packed=True) as file:
        file.write(text.encode())


@contextmanager
def opened(path: Path) -> Iterator[tuple[ZipFile, Manifest]]:
    """A backup that is whole: each file has the digest that the manifest tells.

    Misuse where it is none, of a form that is not known here, or damaged.
    """
    try:
        with ZipFile(path) as archive:
            manifest = _manifest(archive, path)
            for each in (*manifest.tables.values(), *manifest.years.values()):
                _refuse_damaged(archive, each, path)
            yield archive, manifest
    except (BadZipFile, KeyError):
        raise Misuse(f"{path} is not a whole backup: take another one") from None
    except OSError as error:
        if error.filename is None:
            raise
        raise Misuse(f"cannot read {path}: {error.strerror}") from None


def _manifest(archive: ZipFile, path: Path) -> Manifest:
    if archive.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
        raise Misuse(f"{path} is no backup of Chandlery's")
    try:
        manifest = Manifest.model_validate_json(archive.read(MANIFEST))
    except ValidationError:
        raise Misuse(
            f"{path} is no backup of Chandlery's, or a newer one's: update this one"
        ) from None
    if (manifest.kind, manifest.version) != (KIND, VERSION):
        raise Misuse(f"{path} is of a form that a newer Chandlery writes: update this one")
    return manifest


def _refuse_damaged(archive: ZipFile, told: Member, path: Path) -> None:
    digest = hashlib.sha256()
    with archive.open(told.file) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    if digest.hexdigest() != told.sha256:
        raise Misuse(f"{path} is damaged: {told.file} is not as it was written; take another one")


@contextmanager
def region(archive: ZipFile, name: str) -> Iterator[IO[bytes]]:
    """A stored member as a file of its own, which can be read from anywhere in it."""
    with _Region(archive, name) as raw:
        yield cast("IO[bytes]", io.BufferedReader(cast("io.FileIO", raw)))


class _Region(io.RawIOBase):
    """zipfile's own reads all that lies before, each time it is to go back."""

    def __init__(self, archive: ZipFile, name: str) -> None:
        info = archive.getinfo(name)
        self._file = Path(str(archive.filename)).open("rb")  # noqa: SIM115  closed with this one
        self._file.seek(info.header_offset + _LENGTHS)
        self._start = info.header_offset + _HEADER + sum(unpack("<HH", self._file.read(4)))
        self._size = info.file_size
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def readinto(self, room: bytearray, /) -> int:  # type: ignore[override]
        """Read as much as there is room for, if there is so much."""
        most = min(len(room), max(0, self._size - self._at))
        self._file.seek(self._start + self._at)
        read = self._file.readinto(memoryview(room)[:most])
        self._at += read
        return read

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
