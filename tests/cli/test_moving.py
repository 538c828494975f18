"""`chandlery copy`, `backup`, `restore` and `check`: exit codes, one line for a mistake, JSON."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chandlery import embedded, store
from chandlery.settings import Settings
from tests.command_line import chandlery
from tests.conftest import Frame, Learn

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(settings: Settings) -> Run:
    """Run a verb on a database, or on another one."""

    def run(*words: str, home: Path = settings.home) -> subprocess.CompletedProcess[str]:
        ours = settings.database_url or "" if home == settings.home else ""
        return chandlery(*words, environment={"CHANDLERY_HOME": str(home), "DATABASE_URL": ours})

    return run


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Iterator[Path]:
    """An empty embedded database beside it."""
    made = tmp_path / "beside"
    shutil.copytree(template / "pgdata", made / "pgdata")
    yield made
    embedded.stop(made)


@pytest.fixture(autouse=True)
def candles(connection: store.Connection, frame: Frame, learn: Learn) -> None:
    """Fifty hours of a coin."""
    learn(("btc", "BTC"))
    store.write(connection, {1: frame(range(50))}, store.source_key(connection, "here"))
    store.refresh(connection)


def test_a_database_is_copied_into_a_folder_and_checked(run: Run, home: Path) -> None:
    done = run("copy", "--to", str(home), "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    told = json.loads(done.stdout)
    assert (told["hours"], told["coins"], told["sent_hours"]) == (50, 1, 50)
    done = run("copy", "--to", str(home))
    assert done.stdout.startswith(
        "50 hours of 1 coins and 3 rows of 19 other tables are equal on both sides, by count and"
        " checksum; sent: 0 hours and 0 rows, 0 days refreshed, "
    )
    done = run("check", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("tables read, faults: 0\n")
    done = run("copy", "--to", str(home), home=home)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "chandlery: the target is the source itself: name another one\n"


def test_a_fault_is_a_line_and_exit_code_1(run: Run, connection: store.Connection) -> None:
    connection.execute("update candle_1h set close = 2.5 where open_time = '2024-02-28 07:00Z'")
    line = (
        "1 4h bars are not what their hours make, BTC, 2024-02-28 to 2024-02-28:"
        " `chandlery maintain --bars`"
    )
    done = run("check")
    assert (done.returncode, done.stderr) == (1, f"{line}\n")
    done = run("check", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert [f"{it['what']}: {it['mend']}" for it in json.loads(done.stdout)["faults"]] == [line]
    done = run("maintain", "--bars", "--now", "2024-03-05")
    assert "1 bars recomputed" in done.stdout
    assert run("check").returncode == 0


def test_a_backup_is_private_and_comes_back(run: Run, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    done = run("backup", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"50 hours and 3 rows of 18 other tables in {file}, ")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob("*.zip*")] == ["backup.zip"]
    done = run("restore", str(file), home=home)
    assert done.stdout == "50 hours and 3 rows of 18 other tables restored\n"
    assert run("check", home=home).returncode == 0
    done = run("restore", str(file), "--json", home=home)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_what_is_typed_wrong_is_one_line(run: Run, home: Path, tmp_path: Path) -> None:
    nowhere, text = tmp_path / "nowhere" / "backup.zip", tmp_path / "text.zip"
    text.write_text("no zip")
    for words, told in {
        ("backup", str(nowhere)): f"cannot write {nowhere}: No such file or directory",
        ("restore", str(nowhere)): f"cannot read {nowhere}: No such file or directory",
        ("restore", str(text)): f"{text} is not a whole backup: take another one",
        ("copy", "--to", "postgresql://a:b@c/d@e"): None,
        ("copy", "--to", "postgresql://127.0.0.1:1/none"): None,
        ("copy",): "Missing option '--to'.",
    }.items():
        done = run(*words, home=home)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), words
        assert told is None or done.stderr == f"chandlery: {told}\n"
        assert "a:b" not in done.stderr
        assert words[0] != "copy" or words == ("copy",) or ": the target: " in done.stderr
    assert not text.with_name(".text.zip").exists()


def test_a_backup_that_fails_leaves_the_older_one(
    run: Run, connection: store.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "backup.zip"
    run("backup", str(file))
    whole = file.read_bytes()
    connection.execute("alter table candle_1h add column odd numeric")
    with pytest.raises(LookupError):
        run("backup", str(file))
    assert file.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir() if "zip" in path.name] == ["backup.zip"]
