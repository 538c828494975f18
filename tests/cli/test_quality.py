"""`chandlery quality`: a table and sentences for people, one object for programs."""

import json
import subprocess
from collections.abc import Callable

import pytest

from chandlery import store
from chandlery.settings import Settings
from chandlery.store.frames.read import TIMEFRAMES
from sandbox import Serving

Run = Callable[..., subprocess.CompletedProcess[str]]
NOW = "2026-11-22T10:30Z"


def test_people_read_a_table_and_sentences_and_programs_an_object(
    run: Run, venues: Serving, settings: Settings
) -> None:
    done = run("quality", "--now", NOW)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no candles yet" in done.stdout

    wrong = {"symbol": "ETHUSDT", "start": "2026-11-18T07:00Z", "by": 10}
    venues.fault("wrong", source="binance_futures", **wrong)
    run("backfill", "--max-coins", "5", "--start", "2026-11-15", "--now", NOW)
    with store.connect(settings) as connection:  # what is not ours to choose is not read as markup
        connection.execute("update coin set symbol = '[red]XRP[/red][/]' where symbol = 'XRP'")
        connection.execute(
            "insert into finding (kind, coin, open_time, detail, found_at)"
            " select 'odd', key, '2026-11-20Z', '[bold]so[/]', '2026-11-20Z' from coin"
            " where id = 'ripple'"
        )
    done = run("quality", "--now", NOW)
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.splitlines()
    assert rows[0].split() == ["coin", *TIMEFRAMES, "hours", "missing", "sources"]
    (bitcoin,) = (row for row in rows if row.lstrip().startswith("BTC"))
    assert "178" in bitcoin
    assert bitcoin.rstrip().endswith("binance_futures 100.0%")
    assert any("[red]XRP[/red][/]" in row and "178" in row for row in rows)
    assert any(row.startswith("  new: ETH jumped at 2026-11-18 07:00Z: ") for row in rows)
    assert "  [red]XRP[/red][/] at 2026-11-20 00:00Z: odd: [bold]so[/]." in [
        row.replace("new: ", "") for row in rows
    ]

    done = run("quality", "--symbols", "eth", "--now", NOW, "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    told = json.loads(done.stdout)
    assert (told["total_symbols"], told["open_findings"]) == (1, 1)
    assert [(row["symbol"], row["timeframe"]) for row in told["coins"]] == [
        ("ETH", "1h"),
        ("ETH", "4h"),
        ("ETH", "1d"),
        ("ETH", "1w"),
    ]
    assert told["findings"][0]["kind"] == "jump"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--symbols NOSUCH", "no coin 'NOSUCH' is known"),
        ("--max-coins 0", "write 1 to"),
        ("--now noon", "now 'noon' is not a time"),
    ],
)
def test_a_mistake_is_one_line(run: Run, words: str, said: str) -> None:
    done = run("quality", *words.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
