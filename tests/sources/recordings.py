"""Recorded answers, and what is expected of them.

    recorded/<source>/<file>          what the venue answers, made by hand in its documented form
    recorded/<source>/expected.toml   a table for each file: its kind, its status, what it gives

A new source needs a folder and no line of Python. A value that a table leaves out is unknown.
"""

import gzip
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from chandlery.model import Listing, Window
from chandlery.venues import Source, load
from tests.sources.conftest import Connect
from tests.sources.shelf import zipped

Table = Mapping[str, Any]
Tables = Mapping[str, Table]

FOLDER = Path(__file__).parent / "recorded"
EXPECTED = "expected.toml"


def body(path: Path) -> bytes:
    """What the venue sent: a CSV goes as the one file of a zip, a .gz is unpacked."""
    if path.suffix == ".csv":
        return zipped({path.name: path.read_bytes()}, zipfile.ZIP_STORED)
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def answer(
    path: Path,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    request: httpx.Request | None = None,
) -> httpx.Response:
    """A recorded answer, to this request or to none in particular."""
    request = request or httpx.Request("GET", "https://venue.example")
    return httpx.Response(status, content=body(path), headers=headers, request=request)


def without_nulls(row: Table) -> dict[str, Any]:
    """A row as expected.toml has it."""
    return {name: value for name, value in row.items() if value is not None}


def summary(frame: pl.DataFrame) -> dict[str, Any]:
    """How many candles there are, and the first of them."""
    first = frame.row(0, named=True) if frame.height else {}
    return {"count": frame.height} | without_nulls(first)


@dataclass(frozen=True, repr=False)
class Recording:
    """A recorded answer of a source, its table of expected.toml, and those of the others there."""

    source: Source
    file: str
    expected: Table
    others: Tables

    def __repr__(self) -> str:
        return f"{self.source.name}/{self.file}"

    @property
    def kind(self) -> str:
        """What the answer is, and so who reads it."""
        return str(self.expected["kind"])

    @property
    def listing(self) -> Listing:
        symbol = self.expected.get("symbol", "BTCUSDT")
        return Listing(1, self.source.name, symbol, multiple=self.expected.get("multiple", 1))

    @property
    def window(self) -> Window:
        return Window(*self.expected["window"])

    @property
    def fetched(self) -> Table:
        """What `fetch` gives: what is parsed, but for what is said to be otherwise."""
        return {**self.expected["parsed"], **self.expected.get("fetched", {})}

    def answer(self, request: httpx.Request | None = None) -> httpx.Response:
        """The answer itself."""
        return self._answer(self.file, request)

    @contextmanager
    def client(self, connect: Connect) -> Iterator[httpx.Client]:
        """A client that is given the answer, then those that follow it, and asks for no other."""
        left = [self.file, *self.expected.get("then", ())]

        def serve(request: httpx.Request) -> httpx.Response:
            assert left, f"asked for once too often: {request.url}"
            return self._answer(left.pop(0), request)

        yield self._connected(connect, serve)
        assert not left, f"not asked for: {left}"

    def stubborn(self, connect: Connect) -> httpx.Client:
        """A client that is given the same answer however often it asks."""
        return self._connected(connect, self.answer)

    def _connected(
        self, connect: Connect, serve: Callable[[httpx.Request], httpx.Response]
    ) -> httpx.Client:
        return connect(serve, keys={self.source.name: "made-up-key"})

    def _answer(self, file: str, request: httpx.Request | None) -> httpx.Response:
        table = self.others.get(file, {})
        path = FOLDER / self.source.name / file
        return answer(path, table.get("status", 200), table.get("headers"), request)


def _recordings() -> Iterator[Recording]:
    """Every recording of every source."""
    for name, source in load().items():
        tables = expected(name)
        for file, table in tables.items():
            yield Recording(source, file, table, tables)


def expected(name: str) -> Tables:
    """A source's expected.toml; nothing where there is none."""
    path = FOLDER / name / EXPECTED
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


@cache
def symbol(name: str) -> str:
    """A symbol of a source's: the one whose candles are recorded first."""
    return next(str(it["symbol"]) for it in expected(name).values() if it["kind"] == "candles")


ALL = tuple(_recordings())


def each(*kinds: str, having: str | None = None) -> pytest.MarkDecorator:
    """Run a test for each recording of these kinds, or for those of them that expect `having`."""
    found = [
        recording
        for recording in ALL
        if recording.kind in kinds and (having is None or having in recording.expected)
    ]
    return pytest.mark.parametrize("recording", found, ids=repr)
