"""Each planted fault is found, told in a line, and mended by the verb that the line names."""

import shutil

import pytest

from chandlery import embedded, store
from chandlery.engine.maintenance import MOST_DAYS, maintain
from chandlery.moving import check
from chandlery.settings import Settings
from tests.conftest import NOW
from tests.moving.conftest import HOURS

QUIETLY = "set session_replication_role = replica; {} ; reset session_replication_role"


@pytest.mark.usefixtures("filled")
def test_what_is_sound_has_no_fault(connection: store.Connection) -> None:
    found = check(connection)
    assert (found.faults, found.hours, found.chunks >= 4) == ([], HOURS, True)


BTC = "coin = 1 and open_time = '2024-03-05 07:00Z'"
DAY = "coin = 1 and open_time = '2024-03-05Z'"
FAULTS = {
    "an hour deleted": (
        "delete from candle_1h where {btc}",
        [
            (
                "all days wait for a refresh: hours were deleted, or bars made anew:"
                " `chandlery maintain`"
            ),
            (
                "1 hours are gone that 4h bars count, BTC, 2024-03-05 to 2024-03-05:"
                " `chandlery maintain` no longer counts them, and names what fetches them again"
            ),
        ],
    ),
    "an hour deleted behind the trigger's back": (
        QUIETLY.replace("{}", "delete from candle_1h where {btc}"),
        [
            (
                "1 hours are gone that 4h bars count, BTC, 2024-03-05 to 2024-03-05:"
                " `chandlery maintain` no longer counts them, and names what fetches them again"
            ),
        ],
    ),
    "an hour that no bar counts": (
        (
            "insert into candle_1h (coin, open_time, open, high, low, close, source)"
            " values (2, '2024-03-01Z', 1, 1, 1, 1, 0)"
        ),
        [
            (
                "1 hours are not counted by 4h bars, ETH, 2024-03-01 to 2024-03-01:"
                " `chandlery maintain`"
            ),
        ],
    ),
    "an hour's value changed": (
        "update candle_1h set close = 2.5 where {btc}",
        [
            (
                "1 4h bars are not what their hours make, BTC, 2024-03-05 to 2024-03-05:"
                " `chandlery maintain --bars`"
            ),
        ],
    ),
    "a day's value changed": (
        "update {days} set volume = 7 where {day}",
        [
            (
                "1 1d bars are not what their hours make, BTC, 2024-03-05 to 2024-03-05:"
                " `chandlery maintain --bars`"
            ),
        ],
    ),
    "a bar lost": (
        "delete from {bars} where {day}",
        [
            (
                "4 hours are not counted by 4h bars, BTC, 2024-03-05 to 2024-03-05:"
                " `chandlery maintain`"
            ),
        ],
    ),
    "days that were written and not refreshed": (
        "insert into stale (starts_at, ends_at) values ('2024-03-05Z', '2024-03-07Z')",
        ["2 days wait for a refresh: `chandlery maintain`"],
    ),
    "a copy cut short": (
        "insert into copied (born_at) values (now())",
        ["a copy into this database was cut short: the same `chandlery copy` goes on"],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_the_verb_mends_it(
    filled: Settings, connection: store.Connection, name: str
) -> None:
    statement, told = FAULTS[name]
    days, bars = kept(connection)
    connection.execute(statement.format(days=days, bars=bars, btc=BTC, day=DAY).encode())
    assert [str(each) for each in check(connection).faults] == told
    maintain(filled, NOW, MOST_DAYS, bars=True)
    left = [str(each) for each in check(connection).faults]
    assert left == (told if name == "a copy cut short" else [])


def kept(connection: store.Connection) -> list[str]:
    """Where days and 4h bars are kept, by that order."""
    rows = connection.execute(
        "select format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)"
        " from timescaledb_information.continuous_aggregates where view_name like 'candle%'"
        " order by view_name"
    )
    return [str(name) for (name,) in rows]


@pytest.mark.usefixtures("filled")
def test_broken_rules_are_told_with_what_asks_again(
    connection: store.Connection,
) -> None:
    connection.execute(
        "update candle_1h set high = 0.5 where coin = 2 and open_time in"
        " ('2024-03-05 07:00Z', '2024-03-05 09:00Z')"
    )
    found = [str(each) for each in check(connection).faults if "fill-gaps" in each.mend]
    words, mend = found[0].split(": `")
    assert len(found) == 1
    assert words == (
        "ETH from 2024-03-05 07:00Z on: 2 hours do not keep: high is highest, low is lowest;"
        " the newest at 2024-03-05 09:00Z"
    )
    assert mend == (
        "chandlery fill-gaps --symbols ETH --start '2024-03-05 07:00Z' --end '2024-03-05 10:00Z'"
        " --recheck-hours 3`"
    )


@pytest.mark.usefixtures("filled")
def test_candles_of_nobody_are_told(connection: store.Connection) -> None:
    connection.execute(QUIETLY.format("delete from source where key = 1").encode())
    (found,) = check(connection).faults
    assert found.what == "candles are of the source 1, which the table source has not"


def test_a_chunk_that_cannot_be_read_is_told_and_nothing_is_compared_with_it(
    request: pytest.FixtureRequest, filled: Settings
) -> None:
    """The file of a chunk is overwritten while the engine is down."""
    if request.config.getoption("--server") is not None:
        pytest.skip("a server's files are not the test's to spoil")
    with store.connect(filled) as connection:
        connection.execute("checkpoint")
        ((name, path),) = connection.execute(
            "select relname, pg_relation_filepath(oid) from pg_class"
            " where relname like '\\_hyper\\_%\\_chunk' and relkind = 'r'"
            " order by pg_relation_size(oid) desc, oid limit 1"
        ).fetchall()
    embedded.stop(filled.home)
    with (filled.home / "pgdata" / path).open("r+b") as file:
        file.write(b"\x55" * 8192)
    with store.connect(filled) as connection:
        (found,) = check(connection).faults
    assert found.what.startswith(f"the chunk {name} of candle_1h cannot be read (invalid page in")
    assert found.mend == "`chandlery restore` of a backup, or a backfill, into an empty database"
    embedded.stop(filled.home)
    shutil.rmtree(filled.home / "pgdata")  # nobody is to have this one next
