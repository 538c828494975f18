"""What takers bought, added up here, against the bars that Binance itself published."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from bench.golden import STEPS, compared, ours_of
from chandlery import store
from chandlery.model import Listing, Window
from chandlery.model.frame import TAKER
from chandlery.venues import fetch, load
from tests.sources.conftest import Connect
from tests.sources.recordings import answer, body
from tests.sources.shelf import day, month, shelf

Learn = Callable[..., int]
SPOT, FILES = load()["binance_spot"], load()["binance_spot_archive"]
MONTHS = [f"2023-0{number}" for number in range(1, 6)]
BARS = [
    ("4h", "BTCUSDT-4h-2023-01-01.json", Window(day("2023-01-01"), day("2023-04-01")), 540),
    ("1d", "BTCUSDT-1d-2022-01-01.json", Window(day("2023-01-01"), day("2023-06-01")), 151),
]


def hours(archive: Path, connect: Connect, name: str) -> pl.DataFrame:
    path = archive / "spot_monthly_csv" / f"BTCUSDT-1h-{name}.csv.gz"
    client = connect(shelf(f"BTCUSDT-1h-{name}", body(path)))
    listing = Listing(1, FILES.listings, "BTCUSDT")
    return fetch(client, FILES, listing, month(name), day("2026-11-22")).frame


def inside(frame: pl.DataFrame, window: Window) -> pl.DataFrame:
    return frame.filter(pl.col("open_time").is_between(window.start, window.end, closed="left"))


def test_the_api_and_the_files_tell_the_same_hours(
    archive: Path, recorded: Path, connect: Connect
) -> None:
    page = SPOT.parse(answer(recorded / "binance/api_v3_klines/BTCUSDT-1h-2023-03-01.json"))
    assert page.equals(hours(archive, connect, "2023-03"))
    assert page.select(TAKER).null_count().row(0) == (0, 0)


@pytest.fixture
def filled(
    connection: store.Connection, learn: Learn, archive: Path, connect: Connect
) -> store.Connection:
    """A database with five months of hours, the outage of 2023-03-24 among them."""
    learn(("bitcoin", "BTC"))
    key = store.source_key(connection, "binance_spot")
    store.write(connection, {1: pl.concat(hours(archive, connect, name) for name in MONTHS)}, key)
    store.refresh(connection)
    return connection


@pytest.mark.parametrize(("timeframe", "name", "window", "count"), BARS)
def test_no_bar_differs_from_the_venues_own(  # noqa: PLR0913, PLR0917 - a table
    filled: store.Connection,
    recorded: Path,
    timeframe: str,
    name: str,
    window: Window,
    count: int,
) -> None:
    theirs = inside(SPOT.parse(answer(recorded / "binance/api_v3_klines" / name)), window)
    ours = inside(ours_of(filled, store.find(filled), timeframe), window)
    both = compared(ours, theirs, STEPS[timeframe], window.end)
    assert both.height == count
    assert both.filter(pl.col("differs").list.len() > 0).rows() == []

    for column in TAKER:
        off = theirs.with_columns(pl.col(column) * (1 + 1e-8))
        differs = compared(ours, off, STEPS[timeframe], window.end)["differs"]
        assert differs.to_list() == [[column]] * count
