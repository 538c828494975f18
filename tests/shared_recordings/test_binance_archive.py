# ruff: noqa: E501 - a file's first row is one
"""Files of Binance's archive, as they were published, in ../shared/market."""

from pathlib import Path

import polars as pl
import pytest

from chandlery.model import HOUR, Listing, Window
from chandlery.venues import Source, fetch, load
from tests.sources.conftest import Connect
from tests.sources.recordings import body
from tests.sources.shelf import Shelf, day, month, shelf

SPOT, FUTURES = load()["binance_spot_archive"], load()["binance_futures_archive"]
NOW = day("2026-11-22")
REAL = {
    "spot-klines-BTCUSDT-1h-2024-10-28.zip": (SPOT, 68021.69, 68116.78, 67839.9, 67859.91, 555.35912, 37756129.8195325, 145225, 281.12098, 19113044.7292226),
    "futures-um-klines-BTCUSDT-1h-2024-10-28.zip": (FUTURES, 67992.7, 68094.6, 67804.7, 67835.2, 5179.117, 351923638.0391, 85022, 2415.052, 164090858.6894),
}  # fmt: skip


def ask(connect: Connect, venue: Shelf, page: Window, source: Source = SPOT) -> pl.DataFrame:
    listing = Listing(1, source.listings, "BTCUSDT")
    return fetch(connect(venue), source, listing, page, NOW).frame


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_read_as_it_was_published(
    archive: Path, connect: Connect, name: str
) -> None:
    source, *values = REAL[name]
    venue = Shelf(**{"BTCUSDT-1h-2024-10-28.zip": (archive / "zip" / name).read_bytes()})
    page = Window(day("2024-10-28"), day("2024-10-29"))
    frame = ask(connect, venue, page, source)
    assert frame.height == 24
    assert frame.row(0) == (page.start, *values)
    assert frame["open_time"][-1] == page.end - HOUR


MONTHS = {
    "2023-01": (
        744,
        16541.77,
        16545.7,
        16508.39,
        16529.67,
        4364.8357,
        72146293.5867229,
        149854,
        2179.94772,
        36032352.8703572,
    ),
    "2023-02": (
        672,
        23125.13,
        23168.9,
        22997.1,
        23085.73,
        12121.64019,
        279785863.4756926,
        310758,
        5920.42967,
        136660177.2629337,
    ),
    "2023-03": (
        743,
        23141.57,
        23219.99,
        23020.03,
        23101.0,
        12736.94918,
        294608802.2508668,
        430193,
        6319.19996,
        146161637.972301,
    ),
}


@pytest.mark.parametrize("name", MONTHS)
def test_a_real_month_is_read_as_it_was_published(
    archive: Path, connect: Connect, name: str
) -> None:
    path = archive / "spot_monthly_csv" / f"BTCUSDT-1h-{name}.csv.gz"
    count, *values = MONTHS[name]
    venue = shelf(f"BTCUSDT-1h-{name}", body(path))
    frame = ask(connect, venue, month(name))
    assert frame.height == count
    assert frame.row(0) == (day(f"{name}-01"), *values)
