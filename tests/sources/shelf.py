"""An archive made by hand: files in zips, with their checksums, as a network that serves them."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from chandlery.model import Window

UNIX = 3  # what a zip says of where it was made


def zipped(files: Mapping[str, str | bytes], method: int) -> bytes:
    """A zip of these files by name, the same bytes wherever and whenever it is made."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system = UNIX
            file.writestr(info, text, method)
    return made.getvalue()


def packed(name: str, text: str | bytes, **more: str) -> bytes:
    return zipped({name: text, **more}, zipfile.ZIP_DEFLATED)


class Shelf:
    """Files by name, their checksums unless others are given, and what was asked for."""

    def __init__(self, **files: bytes) -> None:
        self.files = files
        self.asked: list[httpx.URL] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        name = Path(request.url.path).name
        if name in self.files:
            return httpx.Response(200, content=self.files[name])
        file = name.removesuffix(".CHECKSUM")
        if file == name or file not in self.files:
            return httpx.Response(404, content=b"<Error><Code>NoSuchKey</Code></Error>")
        digest = hashlib.sha256(self.files[file]).hexdigest()
        return httpx.Response(200, content=f"{digest}  {file}\n".encode())


def shelf(stem: str, text: str | bytes, **more: str) -> Shelf:
    return Shelf(**{f"{stem}.zip": packed(f"{stem}.csv", text, **more)})


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def month(text: str) -> Window:
    start = day(f"{text}-01")
    return Window(start, (start + timedelta(days=31)).replace(day=1))
