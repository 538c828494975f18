"""Ctrl-C and SIGTERM at random instants of every verb, sometimes twice in a row.

`--rounds N` says how often, `--seed` makes the same dice. An instant is counted from where the
process has our handlers, or from where it has loaded what speaks to the database: what comes before
the first is Python's own. What is asserted holds whatever the instant was.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest

from chandlery import embedded
from tests.cli.every_verb import WORDS, Site, verbs
from tests.command_line import ROOT, chandlery
from tests.conftest import Say
from tests.fault_table import Happened
from tests.waiting import PATIENCE, wait

PROC = Path("/proc")
pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc to see what stays behind")

FEWEST = 20  # rounds
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
STOPPED = "chandlery: stopped; what was written stays, the same command goes on\n"
EARLY, TWICE, COLD = 0.4, 0.3, 0.2  # shares of all rounds; cold: the engine is to be started
LIFE, LIFE_OF_UP = 1.5, 30.0  # seconds
SOON = 0.1  # seconds to a second signal, at most


def catches_sigterm(pid: int) -> bool:
    """Whether it has a handler of its own."""
    with suppress(OSError):
        told = (PROC / str(pid) / "status").read_text("ascii").partition("SigCgt:")[2].split()
        return bool(told) and bool(int(told[0], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def has_loaded_libpq(pid: int) -> bool:
    with suppress(OSError):
        return b"libpq" in (PROC / str(pid) / "maps").read_bytes()
    return False


def left(home: Path) -> dict[int, str]:
    """The processes that were told of this home, without an engine, which outlives who needs it."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if str(home).encode() in (folder / "environ").read_bytes():
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(folder.name)] = words
    found.pop(os.getpid(), None)
    return {pid: words for pid, words in found.items() if words and "engine.mjs" not in words}


@dataclass
class Interrupting:
    """A site, and what came of the verbs that were run there."""

    site: Site
    came_of_it: Counter[str] = field(default_factory=Counter)

    def once(self, verb: str, chance: random.Random) -> None:
        """Start a verb, interrupt it, and see what it leaves."""
        number = chance.choice([*CODES])
        loaded = catches_sigterm if chance.random() < EARLY else has_loaded_libpq
        instants = [chance.random() * (LIFE_OF_UP if verb == "up" else LIFE)]
        instants += [chance.random() * SOON] if chance.random() < TWICE else []
        if chance.random() < COLD:
            embedded.stop(self.site.home)
        running = self.start(verb)
        while running.poll() is None and not loaded(running.pid):
            pass
        for instant in instants:
            with suppress(subprocess.TimeoutExpired):
                running.wait(instant)
            with suppress(ProcessLookupError):
                os.killpg(running.pid, number)
        out, said = running.communicate(timeout=PATIENCE)
        what = f"{verb}: {len(instants)} {number.name}, exit code {running.returncode}: {out}{said}"
        self.says_so(verb, running.returncode, said, CODES[number], what)
        wait(lambda: True if not left(self.site.home) else None, lambda: f"{what}\nthe end of it")
        self.is_whole(what)

    def start(self, verb: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "chandlery", *verb.split(), *WORDS[verb][1]],
            cwd=self.site.here,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.site.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for all of a terminal's group
        )

    def says_so(self, verb: str, code: int, said: str, stopped: int, what: str) -> None:
        """In one line, or not at all where it was done."""
        assert code in {WORDS[verb][0], stopped}, what
        assert said == STOPPED if code == stopped else said.count("\n") <= 1, what
        assert "Traceback" not in said, what
        self.came_of_it[str(code)] += 1

    def is_whole(self, what: str) -> None:
        """Files are whole or not there, the database is sound, and nothing lies about."""
        here = self.site.here
        assert [path for path in here.iterdir() if path.name.startswith(".")] == [], what
        unfinished = [path for path in self.site.home.iterdir() if path.suffix in {".part", ".new"}]
        assert unfinished == [], what
        for path in here.glob("*.html"):
            assert path.read_text("utf-8").rstrip().endswith("</html>"), what
        for path in here.glob("*.parquet"):
            assert pl.read_parquet(path).height, what
        for path in here.glob("*.zip"):
            with ZipFile(path) as file:
                assert file.testzip() is None, what
        done = chandlery("check", environment=self.site.environment)
        if "wait for a refresh" in done.stderr:  # as they may, once the hours are stored
            assert chandlery("maintain", environment=self.site.environment).returncode == 0
            done = chandlery("check", environment=self.site.environment)
        assert (done.returncode, done.stderr) == (0, ""), (what, done)
        for path in (*here.glob("*.html"), *here.glob("*.parquet"), here / "backup.zip"):
            path.unlink(missing_ok=True)

    def often(self, rounds: int, seed: int, names: Sequence[str]) -> str:
        """All of them in turn, in an order of the dice; what came of it, in words."""
        chance, asked = random.Random(seed), list[str]()  # noqa: S311
        for _ in range(rounds):
            asked = asked or chance.sample(names, len(names))
            self.once(asked.pop(), random.Random(chance.random()))  # noqa: S311
        ends = [f"{count} ended with {code}" for code, count in sorted(self.came_of_it.items())]
        return f"{rounds} interrupted: {', '.join(ends)}"


@pytest.mark.fault(
    "process",
    "Ctrl-C and SIGTERM at random instants of every verb, some twice in a row",
    "130 or 143 and one line, or its own exit code; files whole or not there; a sound database",
)
def test_a_verb_that_is_interrupted_says_so_in_one_line(
    a_site: Site, rounds: int, seed: int, say: Say, happened: Happened
) -> None:
    names = [verb for verb in verbs() if verb != "up"]
    told = Interrupting(a_site).often(max(rounds, FEWEST), seed, names)
    say(told)
    happened(told)


@pytest.mark.prefect
def test_an_up_that_is_interrupted_takes_all_of_it_along(
    a_site: Site, rounds: int, seed: int, say: Say
) -> None:
    say(Interrupting(a_site).often(max(rounds // 20, 2), seed, ["up"]))
