"""Binance's files: what is in them, and which there are."""

import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from sandbox import Serving, serving

SPOT = "/binance_archive/data/spot"
FUTURES = "/binance_archive/data/futures/um"


def path(shelf: str, period: str, symbol: str = "BTCUSDT") -> str:
    kind = "daily" if period.count("-") == 2 else "monthly"
    return f"{shelf}/{kind}/klines/{symbol}/1h/{symbol}-1h-{period}.zip"


def opened(answer: httpx.Response) -> tuple[str, list[str]]:
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        (name,) = file.namelist()
        return name, file.read(name).decode().splitlines()


def lines(sandbox: Serving, shelf: str, period: str) -> list[str]:
    return opened(sandbox.get(path(shelf, period)))[1]


@pytest.fixture(scope="module")
def first_monday() -> Iterator[Serving]:
    """A sandbox on 2026-11-02, a Monday, at midnight."""
    with serving(coins=1, seed=7, now=datetime(2026, 11, 2, tzinfo=UTC), limits=False) as sandbox:
        yield sandbox


def test_a_spot_day_is_written_as_the_original(shared: Path, replayed: Serving) -> None:
    original = shared / "market/archive/data.binance.vision/zip"
    with zipfile.ZipFile(original / "spot-klines-BTCUSDT-1h-2024-10-28.zip") as file:
        recorded = file.read(file.namelist()[0]).decode().splitlines()
        recorded_name = file.namelist()[0]
    name, served = opened(replayed.get(path(SPOT, "2024-10-28")))
    assert name == recorded_name
    for mine, theirs in zip(served, recorded, strict=True):
        # The taker's volumes are not in the market folder; a quote volume may have lost a digit.
        ours, original_row = mine.split(","), theirs.split(",")
        assert (
            ours[:7] + ours[8:9] + ours[11:]
            == original_row[:7] + original_row[8:9] + original_row[11:]
        )
        assert float(ours[7]) == float(original_row[7])


def test_a_spot_month_has_the_hours_of_the_original(shared: Path, replayed: Serving) -> None:
    folder = shared / "market/archive/data.binance.vision/spot_monthly_csv"
    raw = gzip.decompress((folder / "BTCUSDT-1h-2023-03.csv.gz").read_bytes()).decode()
    recorded = [row.split(",")[:6] for row in raw.splitlines() if row[0].isdigit()]
    assert [row.split(",")[:6] for row in lines(replayed, SPOT, "2023-03")] == recorded


def test_a_futures_day_has_the_header_and_columns_of_the_original(
    shared: Path, replayed: Serving
) -> None:
    original = shared / "market/archive/data.binance.vision/zip"
    with zipfile.ZipFile(original / "futures-um-klines-BTCUSDT-1h-2024-10-28.zip") as file:
        recorded = file.read(file.namelist()[0]).decode().splitlines()
    served = lines(replayed, FUTURES, "2024-10-28")
    assert served[0] == recorded[0]
    # From 20:00 on Binance itself tells two stories of that day.
    for mine, theirs in zip(served[1:21], recorded[1:21], strict=True):
        numbers = [float(x) for x in mine.split(",")[:7]]
        assert numbers == [float(x) for x in theirs.split(",")[:7]]
    assert len(served) == len(recorded)


@pytest.mark.parametrize(
    ("shelf", "period", "header", "digits"),
    [
        (SPOT, "2024-12", False, 13),
        (SPOT, "2025-01", False, 16),
        (SPOT, "2024-12-31", False, 13),
        (SPOT, "2025-01-01", False, 16),
        (FUTURES, "2022-04", False, 13),
        (FUTURES, "2022-05", True, 13),
        (FUTURES, "2026-10", True, 13),
    ],
)
def test_units_of_time_and_headers_changed_over_the_years(
    made_up: Serving, shelf: str, period: str, *, header: bool, digits: int
) -> None:
    rows = lines(made_up, shelf, period)
    assert rows[0].startswith("open_time") == header
    first, closed = (rows[header].split(",")[i] for i in (0, 6))
    assert len(first) == len(closed) == digits
    assert int(closed) - int(first) == 3_600 * 10 ** (digits - 10) - 1


def test_a_file_has_the_rows_of_the_api(made_up: Serving) -> None:
    rows = [row.split(",") for row in lines(made_up, SPOT, "2024-10")]
    query = {"symbol": "BTCUSDT", "interval": "1h", "startTime": rows[0][0], "limit": 1000}
    api = made_up.get("/binance_spot/api/v3/klines", **query).json()[: len(rows)]
    assert len(rows) == 744
    assert [row[:9] for row in rows] == [[str(x) for x in row[:9]] for row in api]


def test_the_checksum_is_that_of_the_file_each_time_it_is_made(made_up: Serving) -> None:
    file = path(SPOT, "2024-10")
    told = made_up.get(f"{file}.CHECKSUM").text
    for _ in range(2):
        digest = hashlib.sha256(made_up.get(file).content).hexdigest()
        assert told == f"{digest}  BTCUSDT-1h-2024-10.zip\n"


def test_a_checksum_may_be_wrong(made_up: Serving) -> None:
    made_up.fault("checksum", path=".CHECKSUM")
    assert made_up.get(f"{path(SPOT, '2024-10')}.CHECKSUM").text.startswith("0" * 64 + "  BTC")
    made_up.clear()


@pytest.mark.parametrize(
    ("period", "status"),
    [("2026-10", 200), ("2026-11", 404), ("2026-11-01", 200), ("2026-11-02", 404)],
)
def test_only_what_is_over_is_there(first_monday: Serving, period: str, status: int) -> None:
    assert first_monday.get(path(SPOT, period)).status_code == status


def test_a_month_is_there_from_the_first_monday_on() -> None:
    with serving(coins=1, now=datetime(2026, 11, 1, 23, tzinfo=UTC)) as sandbox:
        assert sandbox.get(path(SPOT, "2026-10")).status_code == 404
        assert sandbox.get(path(SPOT, "2026-10-31")).status_code == 200


@pytest.mark.parametrize(
    "missing",
    [
        path(SPOT, "2010-01"),
        path(SPOT, "2024-10", "NOPEUSDT"),
        path(SPOT, "2024-13"),
        path(SPOT, "2024-10").replace("/1h/", "/1d/"),
        path(SPOT, "2024-10").replace("monthly", "daily"),
        f"{SPOT}/nothing",
    ],
)
def test_what_is_not_there_is_said_in_xml(made_up: Serving, missing: str) -> None:
    for file in (missing, f"{missing}.CHECKSUM"):
        answer = made_up.get(file)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/xml")
        assert "<Code>NoSuchKey</Code>" in answer.text


@pytest.mark.parametrize("prefix", ["binance_spot_archive", "binance_futures_archive"])
def test_every_prefix_has_the_same_files(made_up: Serving, prefix: str) -> None:
    file = path(SPOT, "2024-10-28")
    assert made_up.get(file.replace("binance_archive", prefix)).content == made_up.get(file).content


def test_the_bucket_lists_what_there_are_files_of(first_monday: Serving) -> None:
    def listed(prefix: str, **more: str) -> str:
        answer = first_monday.get(
            "/binance_spot_archive/data.binance.vision", delimiter="/", prefix=prefix, **more
        )
        assert answer.headers["content-type"] == "application/xml"
        return answer.text

    root = "data/spot/monthly/klines/"
    symbols = listed(root)
    assert f"<CommonPrefixes><Prefix>{root}BTCUSDT/</Prefix></CommonPrefixes>" in symbols
    assert "<IsTruncated>false</IsTruncated>" in symbols
    assert "BTCUSDT" not in listed(root, marker=f"{root}BTCUSDT/").partition("</Marker>")[2]
    below = f"{root}BTCUSDT/1h/"
    files = listed(below)
    assert f"<Key>{below}BTCUSDT-1h-2026-10.zip</Key>" in files
    assert f"<Key>{below}BTCUSDT-1h-2026-10.zip.CHECKSUM</Key>" in files
    assert "2026-11" not in files
    assert "<Contents>" not in listed(f"{root}NOPEUSDT/1h/")
