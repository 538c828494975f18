"""The command line: exit codes, one line for a mistake, JSON and nothing else."""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import polars as pl
import psycopg
import pytest

from chandlery import embedded
from chandlery.model import instant
from chandlery.settings import Settings
from sandbox import Serving, serving
from tests.command_line import chandlery, process

Run = Callable[..., subprocess.CompletedProcess[str]]
NOW = "2026-11-22T10:30Z"


@pytest.fixture(scope="module")
def venues() -> Iterator[Serving]:
    with serving(coins=12, seed=7, now=instant(NOW), limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def place(settings: Settings, venues: Serving) -> dict[str, str]:
    """The variables that name a database of its own and the sandbox."""
    return {
        "CHANDLERY_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "CHANDLERY_VENUES_URL": venues.url,
        "CHANDLERY_SOURCES": "binance_futures,binance_spot",
    }


@pytest.fixture
def run(place: dict[str, str]) -> Run:
    """The command line with that database and the sandbox."""
    return lambda *words, **more: chandlery(*words, environment=place | more)


def test_the_whole_way_from_nothing_to_a_file(place: dict[str, str], tmp_path: Path) -> None:
    run = partial(process, environment=place)
    week = ("--start", "2026-11-15", "--now", NOW)
    done = run("backfill", "--max-coins", "4", *week, "--json")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    statistics = json.loads(done.stdout)
    assert statistics["total_symbols"] == 4
    assert statistics["successful"] == 3
    assert statistics["unlisted"] == ["USDT"]
    assert statistics["total_records"] == 3 * 178
    assert statistics["sources_used"] == {"binance_futures": 3}

    done = run("hourly", "--max-coins", "4", "--now", NOW)
    assert done.returncode == 0
    assert "3 of 4 coins, 0 candles" in done.stdout

    done = run("status", "--now", NOW, "--start", "2026-11-15", "--json")
    coins = json.loads(done.stdout)["coins"]
    assert [coin["symbol"] for coin in coins] == ["BTC", "ETH", "XRP"]
    assert [(coin["hours"], coin["missing"]) for coin in coins] == [(178, 0)] * 3
    assert "BTC" in run("status").stdout
    some = json.loads(run("status", "--now", NOW, "--symbols", "eth,xrp", "--json").stdout)
    assert [coin["symbol"] for coin in some["coins"]] == ["ETH", "XRP"]
    assert (some["total_symbols"], some["total_records"]) == (2, 2 * 178)
    best = json.loads(run("status", "--now", NOW, "--max-coins", "1", "--json").stdout)
    assert [coin["symbol"] for coin in best["coins"]] == ["BTC"]
    spoken = run("status", "--symbols", "ETH", "--now", NOW).stdout
    start, end = "2026-11-15 00:00Z", "2026-11-22 09:00Z"
    assert f"{start}  {end}" in spoken
    again = run(
        "status", "--symbols", "ETH", "--start", start, "--end", end, "--now", NOW, "--json"
    )
    assert json.loads(again.stdout)["coins"][0]["hours"] == 177

    weeks = "1w --adjusted --now 2026-12-01"
    files = (("a.parquet", "1h", 178), ("b.csv", "4h", 45), ("c.csv", weeks, 2))
    for name, timeframe, rows in files:
        file = tmp_path / name
        done = run(*f"export --symbols eth,BTC --timeframe {timeframe} --to {file}".split())
        assert (done.returncode, done.stderr) == (0, "")
        frame = pl.read_parquet(file) if name == "a.parquet" else pl.read_csv(file)
        assert frame.columns[:9] == [
            "symbol",
            "timestamp",
            "timeframe",
            "open_price",
            "high_price",
            "low_price",
            "close_price",
            "volume",
            "source",
        ]
        assert frame["symbol"].to_list() == ["BTC"] * rows + ["ETH"] * rows
        assert frame.filter(symbol="BTC")["timestamp"].is_sorted()
    assert pl.read_parquet(tmp_path / "a.parquet").schema["timestamp"] == pl.Datetime("us", "UTC")

    done = run("export", "--symbols", "LEO", "--to", str(tmp_path / "none.csv"))
    assert (done.returncode, "no such candles" in done.stderr) == (2, True)
    assert {path.name for path in tmp_path.iterdir()} - {"home"} == {"a.parquet", "b.csv", "c.csv"}


def test_some_failed_is_exit_1_and_says_which(run: Run, venues: Serving) -> None:
    run("coins")
    venues.fault("403", source="binance_futures")
    words = [
        "backfill",
        "--symbols",
        "BTC",
        "--start",
        "2026-11-20",
        "--sources",
        "binance_futures",
        "--now",
    ]
    done = run(*words, NOW)
    venues.clear()
    assert done.returncode == 1
    assert "failed: BTC: binance_futures" in done.stderr


WRONG = [
    ("backfill --symbols NOSUCH", "no coin 'NOSUCH' is known"),
    ("backfill --start 2026-02-01 --end 2026-01-01", "is not before end"),
    ("backfill --start 2099-01-01", "is in the future"),
    ("backfill --start 2026-01-01T05:00", "has no time zone"),
    ("backfill --start soon", "is not a time"),
    ("backfill --max-coins 0", "write 1 to"),
    ("backfill --max-coins many", "not a valid integer"),
    ("backfill --sources kraken", "no source kraken"),
    ("backfill --now noon", "now 'noon' is not a time"),
    ("hourly --hours 0", "write 1 to"),
    ("export --to candles.xlsx", "write FILE.parquet, FILE.csv"),
    ("export --to /no/such/folder/a.csv", "cannot write"),
    ("export --timeframe 2h --to a.csv", "timeframe '2h' is not kept: write 1h, 4h"),
    ("backfill --shard 5/4", "of 4 shards number 5 is out of range: write 1 to 4"),
    ("exprot", "no verb 'exprot': did you mean export"),
    ("backfill --sources binance", "did you mean binance_spot or binance_futures? there are "),
    ("status --symbols BTX", "no coin 'BTX' is known: did you mean BTC?"),
    ("status --start-year 20", "start year 20 is out of range"),
    ("gaps --start 2026-01-01 --start-year 2026", "are both given: write one"),
]


def test_a_mistake_is_one_line_exit_2_and_nothing_written(run: Run) -> None:
    run("coins")
    for words, says in WRONG:
        done = run(*words.split())
        assert (done.returncode, done.stdout) == (2, ""), words
        assert says in done.stderr
        assert done.stderr.startswith("chandlery: ")
        assert done.stderr.count("\n") == 1
    assert json.loads(run("status", "--json").stdout)["total_records"] == 0


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("localhost", "DATABASE_URL is not an address"),
        ("postgresql://me:secret@127.0.0.1:1/none", "cannot reach the database at 127.0.0.1:1"),
        ("postgresql://me:secret@no.such.host.invalid/none", "cannot reach the database"),
    ],
)
def test_a_wrong_database_is_one_line_without_its_password(url: str, says: str) -> None:
    for verb in ("status", "coins", "backfill", "migrate"):  # also where there is no network
        place = {"DATABASE_URL": url, "CHANDLERY_VENUES_URL": "http://127.0.0.1:1"}
        done = chandlery(verb, environment=place)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr
        assert "secret" not in done.stderr
        assert done.stderr.count("\n") == 1


def test_plain_postgresql_is_refused(tmp_path: Path) -> None:
    dsn = embedded.ensure(tmp_path / "other", edition="none")
    done = chandlery("migrate", environment={"DATABASE_URL": dsn})
    embedded.stop(tmp_path / "other")
    assert done.returncode == 2
    assert "plain PostgreSQL, without TimescaleDB" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_home_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    place = {"DATABASE_URL": "", "CHANDLERY_HOME": str(file / "home")}
    done = chandlery("status", environment=place)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_the_embedded_database_by_hand(tmp_path: Path) -> None:
    place = {"DATABASE_URL": "", "CHANDLERY_HOME": str(tmp_path / "home")}
    run = partial(chandlery, environment=place)
    assert "not running" in run("db", "status").stdout
    dsn = run("db", "start").stdout.strip()
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert json.loads(run("db", "status", "--json").stdout)["dsn"] == dsn
    assert run("db", "stop").stdout == "stopped\n"
    assert run("db", "stop").stdout == "it was not running\n"
    done = run("db", "start", "--tcp", "0")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_without_a_network_it_is_said_at_once(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        shut = f"http://127.0.0.1:{server.getsockname()[1]}"
    for words in ("coins", "hourly", "backfill --symbols BTC"):
        done = run(*words.split(), "--now", NOW, CHANDLERY_VENUES_URL=shut)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            "chandlery: no host can be reached: 127.0.0.1 (Connection refused)."
            " Check the network, DNS and HTTPS_PROXY\n"
        )


def test_a_source_named_for_one_run_is_learnt_and_nowhere_listed_is_exit_1(run: Run) -> None:
    day = ("--hours", "5", "--now", NOW, "--json")
    done = run("hourly", "--symbols", "BTC", "--sources", "okx", *day)
    assert (done.returncode, json.loads(done.stdout)["records_by_source"]) == (0, {"okx": 5})
    done = run("hourly", "--symbols", "USDT", "--sources", "okx", *day)
    assert (done.returncode, json.loads(done.stdout)["unlisted"]) == (1, ["USDT"])


def test_without_a_candle_gaps_says_so_and_an_end_alone_begins_with_the_listing(run: Run) -> None:
    assert run("gaps", "--now", NOW).stdout.startswith("no candles yet: `chandlery backfill")
    assert run("hourly", "--symbols", "BTC", "--now", NOW).returncode == 0
    said = "since when 1 coin can be had, nobody asked yet; `chandlery backfill --start-year 2009`"
    assert said in run("status", "--now", NOW).stdout
    done = run("gaps", "ETH", "--now", NOW)
    assert done.stdout == (
        "no candles of ETH yet: `chandlery backfill --symbols ETH` fetches some\n"
    )
    done = run("gaps", "BTC", "--end", "2026-11-22", "--now", NOW)
    assert done.stdout == "no hour is missing\n"
