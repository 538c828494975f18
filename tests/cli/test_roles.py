"""Every verb as the writer, what only looks as the reader, and one line for what one may not."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from chandlery import store
from chandlery.settings import Settings
from sandbox import Serving
from tests.command_line import chandlery

As = Callable[[str], Settings]
Run = Callable[..., subprocess.CompletedProcess[str]]
NOW = "2026-11-22T10:30Z"


@pytest.fixture
def run_as(shared: As, venues: Serving) -> Run:
    """Run a verb with a role of the database."""

    def once(role: str, *words: str) -> subprocess.CompletedProcess[str]:
        place = {
            "DATABASE_URL": shared(role).database_url or "",
            "CHANDLERY_VENUES_URL": venues.url,
            "CHANDLERY_SOURCES": "binance_futures,binance_spot",
        }
        return chandlery(*words, environment=place)

    return once


WRITES = (
    ("coins", "--now", NOW),
    ("backfill", "--start", "2026-05-01", "--end", "2026-05-20", "--max-coins", "3", "--now", NOW),
    ("hourly", "--now", NOW, "--max-coins", "3"),
    ("fill-gaps", "--now", NOW, "--max-coins", "3", "--start", "2026-11-21"),
    ("quality", "--now", NOW),
    ("maintain", "--now", NOW, "--after-days", "1"),
)
READS = (
    ("status", "--json", "--now", NOW),
    ("gaps", "BTC", "--now", NOW),
    ("history", "BTC", "2026-05-02T03:00Z", "--now", NOW),
    ("listings", "BTC"),
    ("config",),
)


def test_flows_verbs_work_as_the_writer_and_looks_as_the_reader(
    run_as: Run, shared: As, tmp_path: Path
) -> None:
    for words in WRITES:
        done = run_as("writer", *words, "--json")
        assert (done.returncode, done.stderr) == (0, ""), words
        assert json.loads(done.stdout)
    for words in READS:
        done = run_as("reader", *words)
        assert (done.returncode, done.stderr) == (0, ""), words
    for to in ("bars.parquet", "bars.csv"):
        done = run_as("reader", "export", "--symbols", "BTC", "--to", str(tmp_path / to))
        assert (done.returncode, done.stderr) == (0, "")
    for words in (*WRITES[1:-1], ("migrate",), ("roles",)):
        done = run_as("reader", *words)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), words
        assert done.stderr.startswith("chandlery: ")
    with store.connect(shared("writer")) as connection:
        connection.execute("insert into stale (starts_at, ends_at) values ('2026-05-02Z', now())")
    done = run_as("reader", "gaps", "BTC", "--now", NOW)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert done.stderr.startswith("some candles wait for a refresh, which this user may not do")
    done = run_as("owner", "roles")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("flows and verbs run as a member of ")


def test_the_writer_imports_and_the_reader_is_told_that_he_may_not(
    run_as: Run, shared: As, tmp_path: Path
) -> None:
    assert run_as("writer", "coins", "--now", NOW).returncode == 0
    file = tmp_path / "mine.csv"
    file.write_text("open_time,open,high,low,close,volume\n2026-05-02T03:00Z,2,4,1,3,10\n")
    words = ("import", str(file), "--source", "binance_spot", "--symbol", "BTCUSDT", "--now", NOW)
    done = run_as("reader", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    done = run_as("writer", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 row: 1 stored" in done.stdout
    done = run_as("reader", "history", "BTC", "2026-05-02T03:00Z", "--now", NOW)
    assert "from mine.csv as binance_spot's BTCUSDT" in done.stdout
    with store.connect(shared("owner")) as connection:
        assert connection.execute("select count(*) from imported").fetchone() == (1,)
