"""A database that tests share one after the other: empty and as it was made before each.

Making one takes a second and a half of CPU, emptying it some hundredths. A test that changed more
than rows (a trigger, a role, a setting) leaves a database that is thrown away.
"""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import psycopg

from chandlery import embedded, store
from chandlery.errors import ChandleryError
from chandlery.settings import Settings

# To truncate every table takes ten times as long as to look which of them has a row.
FILLED = """
select format('select %L where exists (select from %I)', emptying || relname, relname)
from pg_class
cross join lateral (
    select case
        when exists (
            select from timescaledb_information.hypertables
            where hypertable_schema = 'public' and hypertable_name = relname
        ) or (
            pg_relation_size(pg_class.oid) > 8192 -- what is deleted takes room
            and not exists (select from pg_constraint where confrelid = pg_class.oid)
        ) then 'truncate ' else 'delete from '
    end as emptying
) how
where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'migration'
union all
select format('select %L where exists (select from made_%s)', 'truncate candle_' || bars, bars)
from (values ('4h'), ('1d')) as made (bars)
"""
# No trigger is to note what goes, no key to look whether it is used.
# And TimescaleDB is to know of no bar that was made.
EMPTY = """
set local session_replication_role = replica;
{statements}
select setval(seqrelid::regclass, seqstart, false)
from pg_sequence join pg_class on oid = seqrelid
where relnamespace = 'public'::regnamespace;
update _timescaledb_catalog.continuous_aggs_invalidation_threshold
set watermark = -210866803200000000;
update _timescaledb_catalog.continuous_aggs_watermark set watermark = -210866803200000000;
delete from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log;
delete from _timescaledb_catalog.continuous_aggs_materialization_invalidation_log;
insert into _timescaledb_catalog.continuous_aggs_materialization_invalidation_log
select mat_hypertable_id, -9223372036854775808, 9223372036854775807
from _timescaledb_catalog.continuous_agg;
"""
# Everything that is no row of ours, by when its own row was written where that is told.
# Chunks are told by their names, and go with their rows.
SHAPE = b"""
select md5(string_agg(what, ' ' order by what)) from (
    select format('%s %s %s %s %s %s', oid, relname, relkind, relowner, relacl, relnatts)
    from pg_class
    where relnamespace in ('public'::regnamespace) or relname like '\\_materialized%'
    union all
    select format('%s %s', oid, xmin) from pg_proc where pronamespace = 'public'::regnamespace
    union all
    select format('%s %s', oid, xmin) from pg_trigger
    where tgrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
    union all
    select format('%s %s', oid, xmin) from pg_constraint
    where connamespace = 'public'::regnamespace
    union all
    select format('%s %s', oid, xmin) from pg_rewrite
    where ev_class in (select oid from pg_class where relnamespace = 'public'::regnamespace)
    union all
    select format('%s %s', rolname, rolsuper) from pg_roles
    union all
    select format('%s %s %s', setdatabase, setrole, setconfig) from pg_db_role_setting
    union all
    select format('%s %s', id, config) from _timescaledb_config.bgw_job
    union all
    select format('%s', packed) from timescaledb_information.hypertable_compression_settings packed
    union all
    select string_agg(it::text, '') from migration it
) as thing (what)
"""


@dataclass
class Shared:
    """A home with an engine that outlives a test."""

    template: Path
    place: Path
    made: int = 0
    home: Path | None = None
    shape: str = ""

    def give(self) -> Settings:
        """Settings with an up-to-date, empty database."""
        if self.home is not None:
            current = Settings(DATABASE_URL=None, CHANDLERY_HOME=self.home)
            with contextlib.suppress(psycopg.Error, ChandleryError, embedded.EngineError):
                if self._emptied(current):
                    return current
            self.throw_away()
        self.made += 1
        self.home = self.place / f"{self.made}"
        shutil.copytree(self.template / "pgdata", self.home / "pgdata")
        current = Settings(DATABASE_URL=None, CHANDLERY_HOME=self.home)
        with store.connect(current) as connection:
            store.migrate(connection)
            self.shape = _shape(connection)
        return current

    def _emptied(self, current: Settings) -> bool:
        """Empty it, where nothing but rows was changed."""
        with store.connect(current) as connection:
            if _shape(connection) != self.shape:
                return False
            empty(connection)
            return True

    def tidy(self) -> None:
        """Take away what a test left beside the database."""
        for path in self.home.iterdir() if self.home is not None else ():
            if path.name not in {"pgdata", "run"} and not path.name.startswith("engine."):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def throw_away(self) -> None:
        """End the engine, and let go of its home."""
        if self.home is not None:
            embedded.stop(self.home)
            shutil.rmtree(self.home, ignore_errors=True)
            self.home = None


def empty(connection: store.Connection) -> None:
    """Take all rows, and what is known of them."""
    looks = [look for (look,) in connection.execute(FILLED.encode()).fetchall()]
    filled = connection.execute(" union all ".join(looks).encode()).fetchall()
    statements = "".join(f"{statement};\n" for (statement,) in filled)
    connection.execute(EMPTY.format(statements=statements).encode())


def _shape(connection: store.Connection) -> str:
    ((shape,),) = connection.execute(SHAPE).fetchall()
    return str(shape)
