"""SECURITY.md's table of roles, tried from outside: by a login that is a member of a role.

With `--server` the logins are made and connect; embedded, whose one user is a superuser, they are
taken on by a connection's option.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from chandlery import store
from chandlery.settings import Settings

As = Callable[[str], Settings]
Frame = Callable[..., pl.DataFrame]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
LATER = T0 + timedelta(days=400)
ROLES = ("writer", "reader", "stranger")  # who is a member of neither

KEPT = (
    "coin", "coin_rank", "listing", "source", "learnt", "spent", "health", "last_run", "wanted",
)  # fmt: skip
TAKEN_BACK = (
    "coin_alias", "unconfirmed", "finding", "adjustment", "quality", "absence", "outage",
)  # fmt: skip
# Select, insert, update, delete: who may do what to which table, and nobody anything else.
MAY = {
    "candle_1h": {"writer": "siu", "reader": "s"},
    "restated": {"writer": "si", "reader": "s"},
    "imported": {"writer": "si", "reader": "s"},
    "migration": {"writer": "s", "reader": "s"},
    "copied": {"writer": "s", "reader": "s"},
    "account": {"writer": "siu"},
    "claim": {"writer": "siud"},
    "stale": {"writer": "sid", "reader": "s"},
    **{name: {"writer": "siu", "reader": "s"} for name in KEPT},
    **{name: {"writer": "siud", "reader": "s"} for name in TAKEN_BACK},
}
STATEMENTS = {
    "s": "select from {0} limit 1",
    "i": "insert into {0} default values",
    "u": "update {0} set {1} = {1} where false",
    "d": "delete from {0} where false",
    "truncate": "truncate {0} cascade",
    "drop": "drop table {0} cascade",
    "alter": "alter table {0} add mine int",
    "trigger": "create trigger mine after insert on {0} execute function mark_all_stale()",
    "owner": "alter table {0} owner to current_user",
    "grant": "grant select on {0} to public",
    "rule": "create rule mine as on insert to {0} do instead nothing",
    "comment": "comment on table {0} is 'mine'",
}
NOT_GRANTED = "01007"
# What a row lacks or breaks is found out only where it might have been written.
WRITTEN = (psycopg.IntegrityError, psycopg.errors.GeneratedAlways)
NOT_EVEN_THE_WRITER = (
    # candles away, whole or by the chunk, by their keys, or by what guards them
    "update candle_1h set coin = 99",
    "update candle_1h set open_time = open_time + interval '1 year'",
    "update {chunk} set coin = 99",
    "delete from {chunk}",
    "truncate {chunk}",
    "drop table {chunk}",
    "alter table {chunk} no inherit candle_1h",
    "update {packed} set coin = coin",
    "insert into {packed} select * from {packed}",
    "delete from {packed}",
    "truncate {packed}",
    "drop table {packed}",
    "select drop_chunks('candle_1h', older_than => now())",
    "select compress_chunk('{chunk}')",
    "select decompress_chunk('{packed_chunk}')",
    "select add_retention_policy('candle_1h', interval '1 day')",
    "select add_compression_policy('candle_1h', interval '1 day')",
    "select set_chunk_time_interval('candle_1h', interval '1 day')",
    "alter table candle_1h set (timescaledb.compress = false)",
    "alter table candle_1h disable trigger all",
    "drop trigger moved on candle_1h",
    "create or replace function refuse_to_move() returns trigger language sql as 'select null'",
    "set session_replication_role = replica",
    "delete from _timescaledb_catalog.chunk",
    "update _timescaledb_catalog.hypertable set table_name = 'mine'",
    # the trace of what was replaced
    "update restated set close = 1",
    "delete from restated",
    "truncate restated",
    "drop table restated",
    # tables, and what others run
    "create table mine ()",
    "create view mine as select 1",
    "create function mine() returns int language sql return 1",
    "create schema mine",
    "create type mine as enum ('one')",
    "create extension if not exists pgcrypto",
    "create or replace function as_of() returns timestamptz language sql return now()",
    "alter function compress_candles reset all",
    "grant execute on function compress_candles to public",
    "drop view market_data",
    "create or replace view market_data as select 1",
    "insert into migration (name, checksum) values ('mine', '')",
    "alter schema public owner to current_user",
    "alter database {database} owner to current_user",
    "alter role {database}_owner password 'mine'",
    "grant {database}_owner to current_user",
    "set role {database}_owner",
    "create role mine",
    "copy coin to program 'true'",
    "copy coin to 'mine'",
    "select pg_read_file('/etc/passwd')",
)
NOT_THE_READER = (
    "select compress_candles(c) from show_chunks('candle_1h') c",
    "select thin_restated('{{1}}', now())",
    "drop materialized view candle_4h cascade",
    "lock table candle_1h in row exclusive mode",
    "select from candle_1h for update",
    "select from {chunk} for update",
    "insert into {chunk} select * from {chunk}",
    "select setval(pg_get_serial_sequence('coin', 'key'), 1)",
    "set role {database}_writer",
    "update candle_4h set close = 1",
    "insert into market_data default values",
)


def test_every_table_has_its_line(connection: store.Connection) -> None:
    rows = connection.execute("select tablename from pg_tables where schemaname = 'public'")
    assert {str(name) for (name,) in rows} == MAY.keys()


@pytest.fixture
def member(shared: As, request: pytest.FixtureRequest, frame: Frame) -> Iterator[As]:
    """Settings of a login that is a member of a role; there is a compressed chunk and another."""
    with store.connect(shared("writer")) as connection:
        coins = pl.DataFrame({"id": ["bitcoin"], "ticker": ["BTC"], "name": ["B"], "rank": [1]})
        store.learn_coins(connection, coins, T0)
        store.write(connection, {1: frame((*range(48), *range(9000, 9048)))}, 0)
        store.refresh(connection)
        assert store.compress(connection, T0 + timedelta(days=200)).chunks == 1
        name = connection.info.dbname
    if request.config.getoption("--server") is None:
        with store.connect(shared("owner")) as connection:
            connection.execute("reset role")
            connection.execute(f"create role {name}_stranger".encode())
        yield shared
        return
    server = request.config.getoption("--server")
    with psycopg.connect(server, autocommit=True, dbname=name) as admin:
        for role in ROLES:
            member_of = "" if role == "stranger" else f"in role {name}_{role}"
            admin.execute(f"create role {name}_l_{role} login {member_of}".encode())
        yield lambda role: Settings(
            DATABASE_URL=make_conninfo(server, dbname=name, user=f"{name}_l_{role}"),
            CHANDLERY_HOME=shared("owner").home,
        )
        for role in ROLES:
            admin.execute(f"drop owned by {name}_l_{role}".encode())
            admin.execute(f"drop role {name}_l_{role}".encode())


def allowed(connection: store.Connection, statement: str) -> bool:
    """Whether it may be done; it is not. Of a grant that gives nothing there is but a warning."""
    told: list[str | None] = []
    connection.add_notice_handler(lambda notice: told.append(notice.sqlstate))
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
    except WRITTEN:
        return True
    except REFUSALS:
        return False
    return NOT_GRANTED not in told


REFUSALS = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedObject,  # no right of that name is its to give
    psycopg.errors.ObjectNotInPrerequisiteState,  # a view or a chunk that takes no rows
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.WrongObjectType,
)


COLUMN = b"""
select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and attidentity = ''
"""


def test_each_table_takes_from_each_what_is_promised_and_no_more(member: As) -> None:
    for role in ROLES:
        with store.connect(member(role)) as connection:
            for table, rights in MAY.items():
                (column,) = connection.execute(COLUMN, (table,)).fetchone() or ("",)
                may = {
                    kind
                    for kind, statement in STATEMENTS.items()
                    if allowed(connection, statement.format(table, column))
                }
                assert may == set(rights.get(role, "")), (role, table)


def places(connection: store.Connection) -> dict[str, str]:
    """A chunk, a compressed one, and where that keeps what it holds."""
    row = connection.execute(
        "select min(format('%I.%I', chunk_schema, chunk_name)) filter (where not is_compressed),"
        " min(format('%I.%I', chunk_schema, chunk_name)) filter (where is_compressed),"
        " current_database()"
        " from timescaledb_information.chunks where hypertable_name = 'candle_1h'"
    ).fetchone()
    packed = connection.execute(
        "select format('%I.%I', packed.schema_name, packed.table_name)"
        " from _timescaledb_catalog.chunk"
        " join _timescaledb_catalog.chunk packed on packed.id = chunk.compressed_chunk_id"
    ).fetchone()
    assert row is not None
    assert packed is not None
    return dict(zip(("chunk", "packed_chunk", "database"), row, strict=True)) | {
        "packed": packed[0]
    }


def test_nobody_but_the_owner_takes_away_or_makes_anything(
    member: As, shared: As, request: pytest.FixtureRequest
) -> None:
    # Embedded, everybody is the one superuser, who takes a role on.
    may_set_role = request.config.getoption("--server") is None
    with store.connect(shared("owner")) as connection:
        at = places(connection)
    for role in ROLES:
        tried = NOT_EVEN_THE_WRITER + (() if role == "writer" else NOT_THE_READER)
        with store.connect(member(role)) as connection:
            done = [each for each in tried if allowed(connection, each.format(**at))]
        done = [each for each in done if not (may_set_role and each.startswith("set role"))]
        assert done == [], role


VIEWS = b"""
select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'v'
"""


def test_a_reader_reads_all_views_and_a_stranger_none(member: As) -> None:
    with store.connect(member("reader")) as connection:
        views = [name for (name,) in connection.execute(VIEWS).fetchall()]
        assert len(views) > 10
        for view in views:
            connection.execute(sql.SQL("select * from {} limit 1").format(sql.Identifier(view)))
            for statement in ("insert into {0} default values", "delete from {0}"):
                assert not allowed(connection, statement.format(view)), view
    with store.connect(member("stranger")) as connection:
        assert [view for view in views if allowed(connection, f"select from {view}")] == []


OURS = b"""
select proname, prosecdef, proconfig is not null or prosqlbody is not null as own_path,
    has_function_privilege('public', oid, 'execute') as public
from pg_proc
where pronamespace = 'public'::regnamespace
    and oid not in (
        select objid from pg_depend where deptype = 'e' and classid = 'pg_proc'::regclass
    )
"""


def test_what_runs_as_its_owner_has_a_path_of_its_own_and_is_not_for_everybody(
    connection: store.Connection,
) -> None:
    rows = connection.execute(OURS).fetchall()
    definers = {name: (path, public) for name, definer, path, public in rows if definer}
    assert definers == dict.fromkeys(("compress_candles", "thin_restated"), (True, False))


def test_what_everybody_may_call_gives_nobody_a_right(member: As) -> None:
    """What notes, describes and refuses does so with the rights of who calls it."""
    with store.connect(member("reader")) as reader:
        assert reader.execute("select describe()").fetchone() == ("",)
        assert not allowed(
            reader, "insert into stale (starts_at, ends_at) values ('-infinity', now())"
        )
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="as triggers"):
            reader.execute("select mark_all_stale()")
