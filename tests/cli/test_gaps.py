"""`chandlery gaps` and `fill-gaps`: for people and for programs."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from chandlery.cli.gaps import ASKED
from chandlery.engine.evidence import EMPTY
from sandbox import Serving

Run = Callable[..., subprocess.CompletedProcess[str]]
NOW = "2026-11-22T10:30Z"
LATER = "2026-11-22T12:30Z"
SPAN = {"start": "2026-11-18T03:00Z", "end": "2026-11-18T09:00Z"}
WEEK = ("--start", "2026-11-15", "--end", "2026-11-22T10:00Z")


@pytest.fixture
def sources() -> str:
    return "binance_spot"


def told(run: Run, *words: str) -> dict[str, Any]:
    done = run(*words, "--json")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_why_hours_are_missing_and_how_they_are_had_again(run: Run, venues: Serving) -> None:
    three = ("--symbols", "BTC,ETH,XRP")
    venues.fault("halt", symbol="ETHUSDT", **SPAN)
    assert run("backfill", *three, *WEEK, "--now", NOW).returncode == 0

    found = told(run, "gaps", "ETH", *WEEK, "--now", NOW)
    assert (found["total_gaps"], found["missing_hours"]) == (1, 6)
    assert found["hours_by_reason"] == {"no trades": 6}
    (gap,) = found["gaps"]
    assert {name: gap[name] for name in ("symbol", "coin_id", "start", "end", "hours")} == {
        "symbol": "ETH",
        "coin_id": "ethereum",
        "start": "2026-11-18T03:00:00+00:00",
        "end": "2026-11-18T09:00:00+00:00",
        "hours": 6,
    }
    assert (gap["reason"], gap["attempts"]) == ("no trades", 1)
    assert gap["next_attempt"] == "2026-11-22T11:30:00+00:00"
    (evidence,) = gap["evidence"]
    assert (evidence["source"], evidence["outcome"]) == ("binance_spot", "hole")

    text = run("gaps", *WEEK, "--now", NOW).stdout
    assert "no trades" in text
    hole = "binance_spot has none between candles that it has, and has others'"
    assert f"{hole} (asked once)" in text
    assert "1 gap, 6 hours: no trades 6" in text

    status = told(run, "status", "--now", NOW)
    assert status["open_gaps"]["no trades"] == {"gaps": 1, "hours": 6}
    assert [each["source"] for each in status["sources"]] == ["binance_spot"]

    hour = told(run, "history", "ETH", "2026-11-18T05:00Z", "--now", NOW)
    assert hour["current"] is None
    assert [each["source"] for each in hour["asked"]] == ["binance_spot"]

    venues.clear()
    done = told(run, "fill-gaps", *three, *WEEK, "--now", LATER)
    assert (done["total_records"], done["failed"]) == (6, 0)
    assert told(run, "gaps", "ETH", *WEEK, "--now", LATER)["gaps"] == []
    assert "no hour is missing" in run("gaps", "ETH", *WEEK, "--now", LATER).stdout


def test_the_last_thirty_days_are_filled_if_nothing_else_is_said(run: Run) -> None:
    done = told(run, "fill-gaps", "--symbols", "BTC", "--now", NOW)
    assert done["total_records"] == 30 * 24
    assert run("fill-gaps", "--symbols", "BTC", "--now", NOW).returncode == 0


WRONG = [
    ("gaps NOSUCH", "no coin 'NOSUCH' is known"),
    ("gaps BTC --start 2026-02-01 --end 2026-01-01", "is not before end"),
    ("gaps BTC --start 2099-01-01", "is in the future"),
    ("gaps --end soon", "is not a time"),
    ("gaps --most many", "not a valid integer"),
    ("fill-gaps --symbols NOSUCH", "no coin 'NOSUCH' is known"),
    ("fill-gaps --start 2026-02-01 --end 2026-01-01", "is not before end"),
    ("fill-gaps --start 2099-01-01", "is in the future"),
    ("fill-gaps --recheck-hours -1", "write 0 to"),
    ("status --start 2099-01-01", "is in the future"),
    ("history BTC 2026-11-18T05:30Z", "is not a whole one"),
]


def test_a_mistake_is_one_line_and_exit_2(run: Run) -> None:
    run("coins", "--now", NOW)
    for words, says in WRONG:
        done = run(*words.split(), "--now", NOW)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert says in done.stderr, words
        assert done.stderr.startswith("chandlery: ")
        assert done.stderr.count("\n") == 1


def test_whatever_came_of_asking_has_words() -> None:
    assert set(ASKED) == EMPTY | {"lost", "failed"}
