"""What a terminal shows of a run: in a pty, and line by line."""

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from rich.console import Console
from rich.progress import Progress

from chandlery.cli import console
from chandlery.cli.console import RunLines, progress
from chandlery.engine.progress import LEARNING, REFRESHING
from chandlery.engine.progress import Progress as Step
from chandlery.engine.waits import Waits
from chandlery.settings import Settings
from sandbox import Serving
from tests.command_line import ROOT
from tests.waiting import PATIENCE

CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
Lines = Callable[..., list[str]]


class Clock:
    """Seconds, as set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """One for the bar and for what is waited for."""
    return Clock()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Lines:
    """Tell the bar of steps; the lines that a terminal of 80 columns has then."""
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(console, "errors", screen)
    waits = Waits(clock)

    def told(*steps: Step, wait: float = 0.0, later: float = 0.0) -> list[str]:
        with progress("backfill") as bar:
            bar.stop()
            bar.get_time = clock
            lines = RunLines(bar, waits)
            for step in steps:
                clock.now += 1.0
                lines(step)
            waits.note(wait)
            clock.now += later
            return _lines(bar)

    return told


def _lines(bar: Progress) -> list[str]:
    screen = Console(file=io.StringIO(), width=80)
    screen.print(bar.get_renderable())
    drawn = screen.file.getvalue()  # type: ignore[attr-defined]
    return [re.sub(" +", " ", line[1:]).strip() for line in drawn.splitlines()]


def asking(source: str, share: float, records: int) -> Step:
    return Step(f"asking {source}", share, coins=10, done=0, records=records)


def test_a_line_says_what_is_asked_how_far_and_how_fast(shown: Lines) -> None:
    (line,) = shown(asking("okx", 0.0, 0), asking("okx", 0.25, 5000), asking("bybit", 0.5, 10_000))
    assert line.startswith("asking bybit ━━━━━━━━━━")
    assert "50% 10,000 candles, 5,000/s 0:00:02" in line
    assert line.endswith(" 0:00:02")  # to go


def test_what_nobody_can_tell_the_end_of_has_a_line_while_it_lasts(shown: Lines) -> None:
    (learning,) = shown(Step(LEARNING))
    assert learning.startswith(LEARNING)
    assert "%" not in learning
    asked, refreshed = shown(Step(LEARNING), asking("okx", 1.0, 7), Step(REFRESHING, 0.4))
    assert "100% 7 candles" in asked
    assert refreshed.startswith(REFRESHING)
    assert " 40% " in refreshed


def test_bars_that_are_refreshed_again_begin_anew(shown: Lines) -> None:
    asked, refreshed = shown(
        asking("okx", 0.5, 7),
        Step(REFRESHING, 0.5),
        Step(REFRESHING, 1.0),
        asking("okx", 1.0, 9),
        Step(REFRESHING, 0.25),
    )
    assert "100% 9 candles" in asked
    assert " 25% 0:00:00" in refreshed


def test_a_wait_is_counted_down_and_is_the_least_time_to_go(shown: Lines) -> None:
    steps = asking("coingecko", 0.9, 0), asking("coingecko", 0.95, 10)
    (line,) = shown(*steps, wait=40.0, later=9.0)
    assert "waits 31 s" in line
    assert line.endswith(" 0:00:31")
    (line,) = shown(*steps, wait=40.0, later=0.5)  # something came but now
    assert "waits" not in line


def test_in_a_terminal_the_lines_are_drawn_and_are_gone_at_the_end(
    settings: Settings, venues: Serving
) -> None:
    ours, theirs = pty.openpty()
    place = {
        "CHANDLERY_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "CHANDLERY_VENUES_URL": venues.url,
        "CHANDLERY_SOURCES": "binance_futures,binance_spot",
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm",
        "COLUMNS": "100",
    }
    words = ["backfill", "--start=2026-10-01", "--now=2026-11-22T10:30Z", "--max-coins=4"]
    with subprocess.Popen(
        [sys.executable, "-m", "chandlery", *words],
        env=os.environ | place,
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        drawn = _all_of(ours)
        assert process.wait(PATIENCE) == 0, drawn
    begins = [
        drawn.index(words)
        for words in (LEARNING, "asking binance_futures", REFRESHING, " of 4 coins")
    ]
    assert begins == sorted(begins)
    last = drawn[begins[2] : begins[3]]
    assert last.count("100%") >= 2
    assert "\x1b[2K" in last  # what was drawn is wiped off
    assert "%" not in CONTROL.sub("", drawn[begins[3] :])


def _all_of(terminal: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # nobody has the other end any more
            break
        if not part:
            break
        parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode("utf-8", "replace")
