"""Odd files of the archive."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sandbox import Serving

Rude = Callable[..., Serving]

SHELVES = {"spot": "binance_spot_archive", "futures/um": "binance_futures_archive"}
shelves = pytest.mark.parametrize("shelf", SHELVES)
OCTOBER = 1790812800000, 1793491200000


def path(shelf: str, period: str) -> str:
    kind = "daily" if period.count("-") == 2 else "monthly"
    file = f"{kind}/klines/XRPUSDT/1h/XRPUSDT-1h-{period}.zip"
    return f"/{SHELVES[shelf]}/data/{shelf}/{file}"


def lines(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return file.read(file.namelist()[0]).decode().splitlines()


@shelves
def test_a_months_file_may_be_late_though_the_days_are_there(
    clean: Serving, rude: Rude, shelf: str
) -> None:
    sandbox = rude("late archive", start="2026-11-01")
    file = path(shelf, "2026-10")
    for day, status in ((3, 404), (10, 404), (11, 200)):
        sandbox.at(datetime(2026, 11, day, 0, 5, tzinfo=UTC))
        for name in (file, f"{file}.CHECKSUM"):
            assert sandbox.get(name).status_code == status
        assert sandbox.get(path(shelf, "2026-10-31")).status_code == 200
    assert sandbox.get(file).content == clean.get(file).content
    (event,) = sandbox.odd()
    assert (event["kind"], event["source"]) == ("late archive", SHELVES[shelf])
    assert (event["symbol"], event["coin"], event["requests"]) == ("XRPUSDT", "ripple", 4)
    assert (event["start"], event["end"]) == OCTOBER


@shelves
def test_a_months_file_may_be_short_and_its_checksum_right(
    clean: Serving, rude: Rude, shelf: str
) -> None:
    sandbox = rude("short archive")
    file, day = path(shelf, "2026-10"), path(shelf, "2026-10-31")
    content = sandbox.get(file).content
    header = 1 if shelf == "futures/um" else 0
    assert lines(content) == lines(clean.get(file).content)[: 168 + header]
    told = sandbox.get(f"{file}.CHECKSUM").text
    assert told == f"{hashlib.sha256(content).hexdigest()}  XRPUSDT-1h-2026-10.zip\n"
    assert sandbox.get(file).content == content
    assert sandbox.get(day).content == clean.get(day).content
    (event,) = sandbox.odd()
    assert (event["kind"], event["detail"], event["requests"]) == ("short archive", "168 rows", 3)
    assert (event["start"], event["end"]) == OCTOBER
    real = sandbox.truth(SHELVES[shelf].removesuffix("_archive"), "XRPUSDT", *OCTOBER)
    assert len(real) == 744
