"""`chandlery chart` and `chandlery report`: files that are whole or not there."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from chandlery import store
from chandlery.settings import Settings
from tests.command_line import chandlery

Frame = Callable[..., pl.DataFrame]
Here = Callable[..., subprocess.CompletedProcess[str]]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
NOW = "2024-03-09T00:30Z"
ODD_ID = "odd"


@pytest.fixture
def here(settings: Settings, frame: Frame, tmp_path: Path) -> Here:
    """Run a verb in a folder of its own, on BTC with ten days, a coin of an odd name, and ETH."""
    ids, tickers = ["bitcoin", ODD_ID, "ethereum"], ["BTC", "$[b]</title><i>", "ETH"]
    seen = {"id": ids, "ticker": tickers, "rank": [1, 2, 3]}
    with store.connect(settings) as connection:
        store.learn_coins(connection, pl.DataFrame(seen).with_columns(name="ticker"), T0)
        connection.execute("update coin set symbol = %s where id = %s", (tickers[1], ODD_ID))
        spot = store.source_key(connection, "binance_spot")
        hours = [each for each in range(240) if not 50 <= each < 60]
        store.write(connection, {1: frame(hours), 2: frame(range(240))}, spot, now=T0)
        store.refresh(connection)
    place = {"CHANDLERY_HOME": str(settings.home), "DATABASE_URL": settings.database_url or ""}
    folder = tmp_path / "here"
    folder.mkdir()
    return lambda *words: chandlery(*words, "--now", NOW, environment=place, folder=folder)


def files(tmp_path: Path) -> set[str]:
    return {each.name for each in (tmp_path / "here").iterdir()}


def test_a_picture_is_written_here_unless_a_file_is_named(here: Here, tmp_path: Path) -> None:
    done = here("chart", "btc")
    assert (done.returncode, done.stdout, done.stderr) == (0, "58 bars in BTC-4h.png\n", "")
    assert (tmp_path / "here/BTC-4h.png").read_bytes().startswith(b"\x89PNG")
    done = here("chart", "BTC", "--timeframe", "1h", "--to", "a.SVG", "--end", "2024-03-01")
    assert (done.returncode, done.stdout) == (0, "48 bars in a.SVG\n")
    assert (tmp_path / "here/a.SVG").read_text("utf-8").startswith("<svg ")
    done = here("chart", ODD_ID, "--timeframe", "1d", "--start-year", "2024")
    assert done.returncode == 0
    assert files(tmp_path) == {"BTC-4h.png", "a.SVG", "btitlei-990cb8eb-1d.png"}


def test_a_page_tells_what_is_missing_and_takes_the_place_of_the_old_one(
    here: Here, tmp_path: Path
) -> None:
    to = tmp_path / "here/btc.html"
    to.write_text("old")
    words = ("chart", "BTC", "--timeframe", "1h", "--start", "2024-02-28", "--to", str(to))
    assert here(*words).stdout == f"230 bars in {to}\n"
    page = to.read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "not tried: 10 hours" in page
    assert "2024-03-01 02:00Z to 2024-03-01 12:00Z" in page
    assert files(tmp_path) == {"btc.html"}


def test_the_quality_page_is_a_file_that_needs_nothing_else(here: Here, tmp_path: Path) -> None:
    done = here("report")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(" new), in quality.html\n")
    page = (tmp_path / "here/quality.html").read_text("utf-8")
    assert "<title>Quality of the candles, 2024-03-09 00:30Z</title>" in page
    assert "<h1>97.9" in page
    assert page.count('<img src="data:image/svg+xml;base64,') == 3
    assert "prefers-color-scheme: dark" in page
    assert "<i>" not in page
    one = here("report", "--symbols", ODD_ID, "--to", "one.html")
    assert one.returncode == 0
    assert "<h1>100.00 % complete" in (tmp_path / "here/one.html").read_text("utf-8")


def test_before_a_candle_is_there_the_page_says_so(settings: Settings, tmp_path: Path) -> None:
    place = {"CHANDLERY_HOME": str(settings.home), "DATABASE_URL": settings.database_url or ""}
    done = chandlery("report", "--to", str(tmp_path / "a.html"), environment=place)
    assert done.returncode == 0
    assert "<h1>No candles yet</h1>" in (tmp_path / "a.html").read_text("utf-8")


ODD = {
    "chart NOSUCH": "no coin 'NOSUCH' is known",
    "chart ETH": "ETH has no 4h candles: `chandlery status --symbols ETH` shows what is there",
    "chart BTC --end 2024-01-01": "BTC has no 4h candles in these times",
    "chart BTC --start 2025-01-01": "is in the future",
    "chart BTC --start 2024-03-02 --end 2024-03-01": "is not before end",
    "chart BTC --start 2024-03-02 --start-year 2024": "write one of them",
    "chart BTC --timeframe 2h": "timeframe '2h' is not kept: write 1h, 4h, 1d, 1w, 1M",
    "chart BTC --to a.pdf": "a.pdf is of no kind known here: write FILE.png, FILE.svg, FILE.html",
    "chart BTC --to a": "a is of no kind known here",
    "chart BTC --to none/a.png": "cannot write none/a.png: there is no folder none",
    "chart": "Missing argument 'COIN'",
    "report --to a.md": "a.md is of no kind known here: write FILE.html",
    "report --to none/a.html": "there is no folder none",
    "report --symbols NOSUCH": "no coin 'NOSUCH' is known",
    "report --max-coins 0": "max coins 0 is out of range",
}


@pytest.mark.parametrize("words", ODD)
def test_what_cannot_be_meant_is_a_line_and_exit_2(here: Here, tmp_path: Path, words: str) -> None:
    done = here(*words.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert ODD[words] in done.stderr
    assert files(tmp_path) == set()


def test_a_folder_in_the_files_place_is_told(here: Here, tmp_path: Path) -> None:
    (tmp_path / "here/a.png").mkdir()
    done = here("chart", "BTC", "--to", "a.png")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot write a.png" in done.stderr
    assert files(tmp_path) == {"a.png"}
