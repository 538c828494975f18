"""What is odd in the archive: a month's file that is late, or that has less than the month."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from sandbox.archive import not_found, zipped
from sandbox.odd_met import Met, Play, Played
from sandbox.venue import Answer

_ROWS = 168
_DAY = 11  # of the next month, from which on a late file is there
_SEAL = ".CHECKSUM"


def month(path: str) -> tuple[int, int] | None:
    """Return the month of a month's file as milliseconds, None for any other path."""
    if "/monthly/" not in path:
        return None
    name = path.rpartition("/")[2].removesuffix(_SEAL).removesuffix(".zip")
    begin = datetime.strptime(name[-7:], "%Y-%m").replace(tzinfo=UTC)
    return _ms(begin), _ms(_next(begin))


def _next(begin: datetime) -> datetime:
    """Return the first of the next month."""
    year, ahead = divmod(begin.month, 12)
    return begin.replace(year=begin.year + year, month=ahead + 1)


def _ms(when: datetime) -> int:
    """Return a time in milliseconds."""
    return int(when.timestamp()) * 1000


def _late(met: Met) -> Played | None:
    """Have no such file until the 11th of the next month."""
    span = month(met.ask.path)
    if span is None:
        return None
    due = datetime.fromtimestamp(span[1] / 1000, UTC).replace(day=_DAY)
    if met.ask.now >= _ms(due):
        return None
    return Played(not_found(met.ask), f"there from {due:%Y-%m-%d} on", start=span[0], end=span[1])


def shortened(real: Answer) -> Answer:
    """Return a file with its first 168 rows."""
    with zipfile.ZipFile(io.BytesIO(real.body)) as file:
        (entry,) = file.infolist()
        lines = file.read(entry).decode().splitlines(keepends=True)
    made = datetime(*entry.date_time, tzinfo=UTC)
    header = not lines[0][0].isdecimal()
    return replace(real, body=zipped(entry.filename, "".join(lines[: _ROWS + header]), made))


def _short(met: Met) -> Played | None:
    """Leave most of a month's rows out; the checksum is that of what is left."""
    span, path = month(met.ask.path), met.ask.path
    if span is None:
        return None
    answer = met.real
    if path.endswith(_SEAL):
        whole = met.again(replace(met.ask, path=path.removesuffix(_SEAL)))
        digest = hashlib.sha256(shortened(whole).body).hexdigest()
        answer = replace(answer, body=digest.encode() + answer.body[64:])
    else:
        answer = shortened(answer)
    return Played(answer, f"{_ROWS} rows", start=span[0], end=span[1])


PLAYS: Mapping[str, Play] = {"late archive": _late, "short archive": _short}
