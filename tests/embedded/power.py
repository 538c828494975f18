"""A disk whose power fails, made from the calls that `recorder.mjs` wrote down.

What a process wrote lies in the system's memory until it syncs. A cut keeps what was synced. Of the
rest the disk may have done any part, in any order: each page of 4 KiB is as it was, or as one of
the later writes left it. Files made, renamed and removed are kept in their order up to some point,
as a journal keeps them, and a sync keeps all that came before it.

    write A, sync, write B to page 1, write C to page 9, cut: A, and B or C or both or neither
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

PAGE = 4096
ON_PAGES = False
Kept = Callable[[int], int]
"""Of so many writes of a page, or changes of names, that nobody synced: how many a cut keeps."""

LUCK: dict[str, Callable[[Random, bool], Kept]] = {
    "nothing that was not synced": lambda _dice, _log: lambda _many: 0,
    "all": lambda _dice, _log: lambda many: many,
    "the log, no page": lambda _dice, log: lambda many: many if log else 0,
    "pages, not the log": lambda _dice, log: lambda many: 0 if log else many,
    "each page drawn": lambda dice, _log: lambda many: dice.randint(0, many),
}
"""What a cut keeps of a file, by its dice and whether the file is of the log."""


@dataclass
class Write:
    """Bytes at a place; with `size`, instead, a new length."""

    at: int
    data: bytes
    size: int | None = None

    def pages(self) -> Iterator["Write"]:
        at, data = self.at, self.data
        while data:
            length = PAGE - at % PAGE
            yield Write(at, data[:length])
            at, data = at + length, data[length:]

    def apply(self, content: bytearray) -> None:
        grown = self.at if self.size is None else self.size
        content.extend(bytes(max(0, grown - len(content))))
        if self.size is None:
            content[self.at : self.at + len(self.data)] = self.data
        else:
            del content[self.size :]


@dataclass
class File:
    """What is synced, and what was written since."""

    synced: bytearray = field(default_factory=bytearray)
    later: list[Write] = field(default_factory=list)

    def sync(self) -> None:
        for write in self.later:
            write.apply(self.synced)
        self.later = []

    def after(self, kept: Kept) -> bytes:
        """As a cut leaves it."""
        content, last = bytearray(self.synced), dict[int, int]()
        for number, write in enumerate(self.later):
            for part in [write] if write.size is not None else write.pages():
                place = -1 if part.size is not None else part.at // PAGE
                if number < last.setdefault(place, kept(len(self.later))):
                    part.apply(content)
        return bytes(content)


Names = dict[str, File | None]
"""Files by their paths; None is a folder."""


def _removed(names: Names, path: str) -> None:
    for each in [name for name in names if name == path or name.startswith(f"{path}/")]:
        del names[each]


def _renamed(names: Names, path: str, to: str) -> None:
    moved = {name: names[name] for name in names if name == path or name.startswith(f"{path}/")}
    _removed(names, path)
    names.update({to + name.removeprefix(path): what for name, what in moved.items()})


class Disk:
    """The files below a folder."""

    def __init__(self, folder: Path, like: Path) -> None:
        """What lies in `like` is there in the beginning, and synced."""
        self._folder = folder
        self._names: Names = {
            str(folder / path.relative_to(like)): (
                File(bytearray(path.read_bytes())) if path.is_file() else None
            )
            for path in [like, *like.rglob("*")]
        }
        self._synced: Names = dict(self._names)
        self._later: list[Callable[[Names], None]] = []
        self._open: dict[int, File | None] = {}

    def take(self, call: dict[str, Any], data: bytes) -> None:
        """Do what the process did."""
        getattr(self, f"_{call['call']}")(call, data)

    def cut(self, to: Path, keeps: str, dice: Random) -> None:
        """Write to a folder what is left after a cut."""
        luck = LUCK[keeps]
        names, some = dict(self._synced), luck(dice, ON_PAGES)(len(self._later))
        for change in self._later[:some]:
            change(names)
        shutil.rmtree(to, ignore_errors=True)
        for name, file in sorted(names.items()):
            path = to / Path(name).relative_to(self._folder)
            if file is None:
                path.mkdir(mode=0o700, parents=True)
            else:
                path.write_bytes(file.after(luck(dice, "/pg_wal/" in name)))

    def unsynced(self) -> int:
        """How many writes a cut may lose now."""
        return sum(len(file.later) for file in self._names.values() if file)

    def _change(self, change: Callable[[Names], None]) -> None:
        change(self._names)
        self._later.append(change)

    def _start(self, _call: dict[str, Any], _data: bytes) -> None:
        self._open = {}

    def _openSync(self, call: dict[str, Any], _data: bytes) -> None:  # noqa: N802  Node's names
        path = call["path"]
        if path not in self._names:
            made = None if call["folder"] else File()
            self._change(lambda names: names.update({path: made}))
        file = self._open[call["file"]] = self._names[path]
        if call["empties"] and file:
            file.later.append(Write(0, b"", 0))

    def _closeSync(self, call: dict[str, Any], _data: bytes) -> None:  # noqa: N802
        del self._open[call["file"]]

    def _writeSync(self, call: dict[str, Any], data: bytes) -> None:  # noqa: N802
        file = self._open[call["file"]]
        assert file
        file.later.append(Write(call["at"], data))

    def _sync(self, call: dict[str, Any], _data: bytes) -> None:
        if file := self._open[call["file"]]:
            file.sync()
        for change in self._later:
            change(self._synced)
        self._later = []

    def _truncateSync(self, call: dict[str, Any], _data: bytes) -> None:  # noqa: N802
        file = self._names[call["path"]]
        assert file
        file.later.append(Write(0, b"", call["size"]))

    def _writeFileSync(self, call: dict[str, Any], _data: bytes) -> None:  # noqa: N802
        path, made = call["path"], File()
        self._change(lambda names: names.update({path: made}))

    def _mkdirSync(self, call: dict[str, Any], _data: bytes) -> None:  # noqa: N802
        path = call["path"]
        self._change(lambda names: names.update({path: None}))

    def _renameSync(self, call: dict[str, Any], _data: bytes) -> None:  # noqa: N802
        path, to = call["path"], call["to"]
        self._change(lambda names: _renamed(names, path, to))

    def _unlinkSync(self, call: dict[str, Any], _data: bytes) -> None:  # noqa: N802
        path = call["path"]
        self._change(lambda names: _removed(names, path))

    _rmdirSync = _rmSync = _unlinkSync  # noqa: N815


def calls(log: Path) -> Iterator[tuple[int, dict[str, Any], bytes]]:
    """Each call, its bytes, and how far it reaches into the log."""
    with log.open("rb") as told:
        while line := told.readline():
            call = json.loads(line)
            data = told.read(call["bytes"])
            yield told.tell(), call, data


def instants(log: Path, dice: Random, many: int) -> Sequence[int]:
    """Where to cut: half anywhere, half right before or after a sync."""
    every = [(at, call["call"]) for at, call, _ in calls(log)]
    syncs = [number for number, (_, name) in enumerate(every) if name == "sync"]
    anywhere = [dice.randrange(len(every)) for _ in range(many - many // 2)]
    at_syncs = [max(0, dice.choice(syncs) - dice.randint(0, 1)) for _ in range(many // 2)]
    return sorted(every[number][0] for number in anywhere + at_syncs)
