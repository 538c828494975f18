"""A disk without room, and a home that cannot be written: real ones, where we may mount."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from chandlery import embedded
from chandlery.engine.context import open_context
from chandlery.errors import Gone
from chandlery.model import Window, instant
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from sandbox import serving
from tests import command_line
from tests.fault_table import Happened
from tests.faults.site import NOW, Slept, collect, tables

Run = Callable[..., subprocess.CompletedProcess[str]]
MONTHS = Window(instant("2026-01-01"), instant("2026-11-01"))
SIZE, LEFT = 96, 6  # MB: what there is, and what is left of it when it is called full
ONE_LINE = "one line that says so; nothing half-written; with room it works again"


@contextmanager
def mounted(at: Path, *options: str) -> Iterator[None]:
    at.mkdir()
    done = subprocess.run(["mount", *options, str(at)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"may not mount here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    at = tmp_path / "disk"
    with mounted(at, "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs"):
        yield at


@contextmanager
def full(disk: Path, left: int = 0) -> Iterator[None]:
    """Without room, but for so many MB."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - (left << 20)))
    yield
    ballast.unlink()


@pytest.fixture
def home(disk: Path, template: Path) -> Iterator[Path]:
    shutil.copytree(template / "pgdata", disk / "home" / "pgdata")
    yield disk / "home"
    embedded.stop(disk / "home")


def chandlery(
    home: Path, *words: str, database: str | None = None
) -> subprocess.CompletedProcess[str]:
    place = {"CHANDLERY_HOME": str(home), "DATABASE_URL": database or ""}
    return command_line.chandlery(*words, environment=place)


def told(home: Path, *words: str, database: str | None = None) -> str:
    """The one line of a verb that cannot."""
    done = chandlery(home, *words, database=database)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.fault("process", "disk full while candles are written (embedded)", ONE_LINE)
def test_no_room_for_candles(home: Path, template: Path, happened: Happened) -> None:
    alone = home.parent.parent / "alone"
    shutil.copytree(template / "pgdata", alone / "pgdata")
    with serving(coins=12, seed=7, now=NOW, limits=False) as venues:
        ours, undisturbed = (
            Settings(DATABASE_URL=None, CHANDLERY_HOME=each, CHANDLERY_VENUES_URL=venues.url)
            for each in (home, alone)
        )
        for each in (ours, undisturbed):
            with open_context(each, timepiece=Slept().timepiece) as context:
                learn(context, NOW)
        with full(home.parent, LEFT), pytest.raises(Gone, match="disk is full") as caught:
            collect(ours, MONTHS)
        for each in (ours, undisturbed):
            collect(each, MONTHS)
    assert tables(ours, MONTHS) == tables(undisturbed, MONTHS)
    embedded.stop(alone)
    happened(str(caught.value))


@pytest.mark.fault("process", "disk full when the embedded engine starts", ONE_LINE)
def test_no_room_for_the_engine(home: Path, happened: Happened) -> None:
    with full(home.parent):
        said = told(home, "status")
    assert "is on is full: make room" in said
    assert chandlery(home, "status").returncode == 0
    happened(said)


@pytest.mark.fault(
    "process", "disk full when the embedded engine stops", "it stops; nothing is lost"
)
def test_no_room_for_the_engine_s_last_words(home: Path, happened: Happened) -> None:
    assert chandlery(home, "migrate").returncode == 0
    with full(home.parent):
        assert embedded.stop(home)
    assert chandlery(home, "status").returncode == 0
    happened("stopped, and started again when there was room")


@pytest.mark.fault("process", "disk full in `export`", ONE_LINE)
def test_no_room_for_an_export(settings: Settings, disk: Path, happened: Happened) -> None:
    with serving(coins=12, seed=7, now=NOW, limits=False) as venues:
        asked = settings.model_copy(update={"venues_url": venues.url})
        with open_context(asked, timepiece=Slept().timepiece) as context:
            learn(context, NOW)
        collect(asked, Window(instant("2026-10-01"), instant("2026-11-01")))
    for name in ("candles.csv", "candles.parquet"):
        file = disk / name
        file.write_text("the last one")
        words = ("export", "--to", str(file), f"--now={NOW:%FT%TZ}")
        with full(disk):
            said = told(settings.home, *words, database=settings.database_url)
            assert sorted(each.name for each in disk.iterdir()) == ["ballast", name]
            assert file.read_text() == "the last one"
        assert chandlery(settings.home, *words, database=settings.database_url).returncode == 0
        file.unlink()
    for layout in ("parquet", "freqtrade", "nautilus"):
        folder = disk / layout
        words = ("export", "--to", str(folder), "--layout", layout, "--newer")
        ask = partial(chandlery, settings.home, *words, database=settings.database_url)
        assert ask("--end=2026-10-02").returncode == 0
        before = contents(folder)
        with full(disk):
            said = told(settings.home, *words, database=settings.database_url)
            assert contents(folder) == before
        assert ask().returncode == 0
        assert contents(folder) != before
        shutil.rmtree(folder)
    happened(said)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, by its name."""
    found = (each for each in folder.rglob("*") if each.is_file())
    return {str(each.relative_to(folder)): each.read_bytes() for each in found}


@pytest.mark.fault("process", "disk full when `chandlery up` writes down what runs", ONE_LINE)
def test_no_room_for_a_pid_file(home: Path, happened: Happened) -> None:
    with full(home.parent):
        said = told(home, "up", "--port=0")
        assert not (home / "up.json").exists()
        assert list(home.glob("up.*.part")) == []
    assert "No space left" in said
    happened(said)


@pytest.mark.fault("process", "a home that cannot be written", "one line that says what to set")
@pytest.mark.parametrize("verb", ["status", "up", "down", "db start", "maintain"])
def test_a_read_only_home(tmp_path: Path, verb: str, happened: Happened) -> None:
    home = tmp_path / "home"
    (tmp_path / "real").mkdir()
    for name in ("up.lock", "engine.lock", "engine.starting"):
        (tmp_path / "real" / name).touch()
    with mounted(home, "--bind", str(tmp_path / "real")):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(home)], check=True)
        said = told(home, *verb.split())
    assert "Read-only file system): set CHANDLERY_HOME to a folder you may write to" in said
    happened(said)
