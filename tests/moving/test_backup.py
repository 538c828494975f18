"""A database into a file, and a file into a database."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import polars as pl
import pytest

from chandlery import store
from chandlery.errors import Misuse
from chandlery.moving import backup, copy_database, restore
from chandlery.moving.restore import NotAsWritten
from chandlery.settings import Settings
from chandlery.store.migrate import MIGRATIONS
from tests.conftest import T0
from tests.moving.conftest import HOURS, contents

Spoil = Callable[[dict[str, bytes]], None]


@pytest.fixture
def file(filled: Settings, tmp_path: Path) -> Path:
    """A backup."""
    made = tmp_path / "backup.zip"
    backup(filled, made, T0, made_by="0.2.0")
    return made


def test_everything_comes_back_but_the_account(
    filled: Settings, other: Settings, tmp_path: Path
) -> None:
    file, before = tmp_path / "backup.zip", contents(filled)
    moved: list[tuple[int, int]] = []
    made = backup(filled, file, T0, made_by="0.2.0", move=lambda *told: moved.append(told))
    assert (made.hours, moved[-1]) == (HOURS, (HOURS, HOURS))
    assert restore(other, file) == made
    assert contents(other) == before | {"account": []}
    with store.connect(other) as connection:
        assert store.source_key(connection, "third") == 2


def test_what_is_no_number_is_not_null(filled: Settings, other: Settings, tmp_path: Path) -> None:
    """A foreign writer's candles come back as they are, broken rules and all."""
    with store.connect(filled) as connection:
        connection.execute(
            "update candle_1h set volume = 'NaN', quote_volume = 'infinity', trades = -1,"
            " taker_buy_volume = null where coin = 2 and open_time = '2024-03-05Z'"
        )
        connection.execute("update candle_1h set trades = 0 where coin = 2 and source = 1")
    backup(filled, tmp_path / "backup.zip", T0, made_by="0.2.0")
    restore(other, tmp_path / "backup.zip")
    assert contents(other)["candle_1h"] == contents(filled)["candle_1h"]


def test_others_can_open_it(file: Path, tmp_path: Path) -> None:
    """It has what the docs say, and no digest of a key."""
    with ZipFile(file) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    assert names[-1] == "manifest.json"
    assert [name for name in names if name.endswith("parquet")] == [
        "candles/2024.parquet",
        "candles/2025.parquet",
    ]
    assert "tables/coin_rank.csv" in names
    assert "tables/account.csv" not in names
    candles = pl.read_parquet(tmp_path / "out/candles/*.parquet")
    assert candles.height == HOURS
    year = pl.read_parquet(tmp_path / "out/candles/2024.parquet")
    assert year.sort("coin", "open_time").equals(year)
    assert candles["volume"].null_count() == 0
    assert candles["quote_volume"].null_count() == HOURS - 200
    ranks = pl.read_csv(tmp_path / "out/tables/coin_rank.csv")
    assert ranks["market_cap"].to_list() == [1e12, 0.1 + 0.2]
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["years"]["2024"]["rows"] == HOURS - 108
    assert manifest["migrations"] == sorted(path.name for path in MIGRATIONS.glob("*.sql"))


def test_what_no_venue_gives_again_is_there_without_candles(
    filled: Settings, other: Settings, tmp_path: Path
) -> None:
    file, before = tmp_path / "backup.zip", contents(filled)
    backup(filled, file, T0, made_by="0.2.0", with_candles=False)
    restore(other, file)
    gone: dict[str, list[str]] = {
        name: [] for name in ("account", "candle_1h", "candle_4h", "candle_1d")
    }
    assert contents(other) == before | gone


def test_a_database_with_data_is_left_as_it_is(filled: Settings, file: Path) -> None:
    before = contents(filled)
    with pytest.raises(Misuse) as refused:
        restore(filled, file)
    assert str(refused.value) == (
        "the database has data (in candle_1h): restore into an empty one, by another DATABASE_URL"
        " or CHANDLERY_HOME"
    )
    assert contents(filled) == before


def test_a_copy_goes_on_from_what_was_restored(
    filled: Settings, other: Settings, file: Path
) -> None:
    restore(other, file)
    done = copy_database(filled, other)
    assert (done.sent_hours, done.sent_rows) == (0, 1)  # the account
    assert contents(other) == contents(filled)


def rewritten(file: Path, spoil: Spoil) -> Path:
    """The file with other members."""
    with ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    spoil(members)
    made = file.with_name("spoilt.zip")
    with ZipFile(made, "w") as archive:
        for name, content in members.items():
            kind = ZIP_STORED if name.endswith("parquet") else ZIP_DEFLATED
            archive.writestr(name, content, kind)
    return made


def told(change: Callable[[dict[str, object]], None]) -> Spoil:
    """Change the manifest."""

    def spoil(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        change(manifest)
        members["manifest.json"] = json.dumps(manifest).encode()

    return spoil


def another_coin(members: dict[str, bytes]) -> None:
    members["tables/coin.csv"] = members["tables/coin.csv"].replace(b"BTC", b"BTX")


SPOILT: Mapping[str, tuple[Spoil, str]] = {
    "a member altered": (
        another_coin,
        "{} is damaged: tables/coin.csv is not as it was written; take another one",
    ),
    "a member gone": (
        lambda members: members.pop("candles/2025.parquet") and None,
        "{} is not a whole backup: take another one",
    ),
    "no manifest": (
        lambda members: members.pop("manifest.json") and None,
        "{} is not a whole backup: take another one",
    ),
    "another zip": (
        lambda members: members.update({"manifest.json": b"[]"}),
        "{} is no backup of Chandlery's, or a newer one's: update this one",
    ),
    "a later form": (
        told(lambda manifest: manifest.update(version=2)),
        "{} is of a form that a newer Chandlery writes: update this one",
    ),
    "a later migration": (
        told(lambda manifest: manifest.update(migrations=[*_migrations(manifest), "999_x.sql"])),
        "the backup has 999_x.sql: a newer Chandlery made it; update this one",
    ),
}


def _migrations(manifest: dict[str, object]) -> list[str]:
    found = manifest["migrations"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("what", SPOILT)
def test_a_file_that_is_no_whole_backup_changes_nothing(
    other: Settings, file: Path, what: str
) -> None:
    spoil, words = SPOILT[what]
    spoilt = rewritten(file, spoil)
    with pytest.raises(Misuse) as refused:
        restore(other, spoilt)
    assert str(refused.value) == words.format(spoilt)
    assert not any(contents(other).values())


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_file_that_was_cut_off_changes_nothing(other: Settings, file: Path, keep: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(keep if keep >= 1 else keep * len(whole))])
    with pytest.raises(Misuse, match="is not a whole backup: take another one"):
        restore(other, file)
    assert not any(contents(other).values())


def test_rows_that_do_not_add_up_are_not_kept(other: Settings, file: Path) -> None:
    """As where this program itself reads a file otherwise than it wrote it."""

    def change(manifest: dict[str, object]) -> None:
        tables = manifest["tables"]
        assert isinstance(tables, dict)
        tables["coin"]["checksum"] += 1

    with pytest.raises(NotAsWritten) as refused:
        restore(other, rewritten(file, told(change)))
    assert str(refused.value) == (
        "the table coin came back otherwise than it was written: nothing is restored"
    )
    assert not any(contents(other).values())


def test_tables_of_an_older_version_are_brought_up_to_date(
    bare: Settings, other: Settings, file: Path, tmp_path: Path
) -> None:
    """A later migration finds the rows there, as where the database had been migrated."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in MIGRATIONS.glob("*.sql"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "999_later.sql").write_text(
        "create table later as select key from coin; alter table later add primary key (key)"
    )
    restore(bare, file, folder=folder)
    with store.connect(bare) as connection:
        assert connection.execute("select key from later order by 1").fetchall() == [(1,), (2,)]
        assert connection.execute("select count(*) from market_data").fetchone() != (0,)
    with store.connect(other) as connection:
        store.migrate(connection, folder)
    with pytest.raises(Misuse) as refused:
        restore(other, file, folder=folder)
    assert str(refused.value) == (
        "the database's tables are newer than the backup's (999_later.sql): restore into a"
        " database without tables, which are then made and brought up to date"
    )


KILLED = """
import os, signal, sys
from pathlib import Path
from chandlery.moving import restore
from chandlery.settings import Settings
def say(what):
    if what == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)
made = Settings(DATABASE_URL=sys.argv[1] or None, CHANDLERY_HOME=Path(sys.argv[2]))
restore(made, Path(sys.argv[3]), say)
"""


def test_a_restore_that_is_killed_leaves_nothing_or_all(
    other: Settings, file: Path, filled: Settings
) -> None:
    place = (other.database_url or "", str(other.home), str(file))
    for at, kept in (("comparing", False), ("refreshing", True)):
        done = subprocess.run([sys.executable, "-c", KILLED, *place, at], check=False)
        assert done.returncode < 0
        assert any(contents(other).values()) == kept
    with store.connect(other) as connection:
        store.refresh(connection)
    assert contents(other) == contents(filled) | {"account": []}
