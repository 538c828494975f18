"""Files that are whole or not there, on the disk; what a killed process left, the next removes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chandlery.files.whole import whole
from tests.command_line import ROOT
from tests.waiting import PATIENCE

WRITER = """
import sys
from pathlib import Path
from chandlery.files.whole import whole
with whole(Path(sys.argv[1]), private=True) as part:
    part.write_text("half")
    print(part, flush=True)
    sys.stdin.read()
    part.write_text("whole")
"""


def writer(to: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that has written half of it, and writes the rest once its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(to)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_goes_with_the_next_that_writes_the_file(tmp_path: Path) -> None:
    to = tmp_path / "a[b].zip"
    process, left = writer(to)
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert [*tmp_path.iterdir()] == [left]
    other = tmp_path / ".a[b].zip.3f9a"  # somebody else's
    other.write_text("other")
    with whole(to) as part:
        part.write_text("whole")
    assert {*tmp_path.iterdir()} == {to, other}


def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    to = tmp_path / "candles.parquet"
    process, under_way = writer(to)
    with whole(to) as part:
        part.write_text("mine")
    assert (to.read_text(), under_way.read_text()) == ("mine", "half")
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert [*tmp_path.iterdir()] == [to]
    assert to.read_text() == "whole"


def test_what_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    to = tmp_path / "candles.csv"
    process, _ = writer(to)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert [*tmp_path.iterdir()] == []


def test_it_is_synced_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, synced = tmp_path / "candles.csv", []
    sync = os.fsync

    def noted(file: int) -> None:
        sync(file)
        synced.append((os.fstat(file).st_size, to.exists()))

    monkeypatch.setattr(os, "fsync", noted)
    with whole(to) as part:
        part.write_bytes(b"symbol,close\n")
    assert synced == [(13, False)]
    assert to.read_bytes() == b"symbol,close\n"
