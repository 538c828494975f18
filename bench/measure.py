"""What the benches share: a database of their own, rounds in turn, and ratios with their range."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import urlsplit

import psycopg

from chandlery import embedded, store
from chandlery.settings import Settings, settings

Work = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """A line of the table: what was measured, round by round, and what it should be at the median.

    Where it `must`, a script that misses it exits with 1; anything else that is missed is told.
    """

    what: str
    values: Sequence[float]
    unit: str = ""
    least: float | None = None
    most: float | None = None
    must: bool = False
    form: str = ".2f"

    @property
    def goal(self) -> str:
        """What it should be."""
        if self.least is not None:
            return f"≥ {self.least:g}"
        return "" if self.most is None else f"≤ {self.most:g}"

    @property
    def met(self) -> bool:
        """Whether it is; what has no goal meets it."""
        reached = median(self.values)
        return (self.least is None or reached >= self.least) and (
            self.most is None or reached <= self.most
        )

    @property
    def reached(self) -> str:
        """The median, and where there are several rounds the least and the most."""
        several = len(self.values) > 1
        told = spread(self.values, self.form) if several else f"{self.values[0]:{self.form}}"
        return f"{told} {self.unit}".rstrip()


Main = Callable[[Sequence[str] | None], Sequence[Figure]]

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "chandlery_bench"
_LOCK = 0x62656E6368  # "bench"


class Unfit(Exception):
    """What a bench needs is not here; the message says what."""


@contextmanager
def database() -> Iterator[Settings]:
    """Yield settings for an empty database: on the server at BENCH_DATABASE_URL, else embedded."""
    server = os.environ.get("BENCH_DATABASE_URL")
    make = _embedded() if server is None else _on_server(server)
    with make as url_and_home:
        url, home = url_and_home
        yield settings().model_copy(update={"database_url": url, "home": home})


@contextmanager
def _embedded() -> Iterator[tuple[None, Path]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder)
        embedded.ensure(home, idle=None)
        try:
            yield None, home
        finally:
            embedded.stop(home)


@contextmanager
def _on_server(url: str) -> Iterator[tuple[str, Path]]:
    """Create the benches' database anew, and drop it at the end; one bench at a time."""
    with ExitStack() as stack:
        admin = stack.enter_context(psycopg.connect(url, autocommit=True))
        mine = admin.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if mine != (True,):
            raise Unfit("another bench is running on this server: wait for it")
        _drop(admin)
        admin.execute(f"create database {DATABASE}")
        stack.callback(_drop, admin)
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        yield urlsplit(url)._replace(path=f"/{DATABASE}").geturl(), Path(home)


def _drop(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    admin.execute(f"drop database if exists {DATABASE} with (force)")


def dsn(current: Settings) -> str:
    """Where psql and SQLAlchemy find the database."""
    return current.database_url or embedded.ensure(current.home)


def about(connection: store.Connection) -> str:
    """Say what the numbers were measured on."""
    found = connection.execute(
        "select current_setting('server_version'), extversion from pg_extension"
        " where extname = 'timescaledb'",
    ).fetchone()
    postgres, timescale = found or ("?", "?")
    where = "server" if os.environ.get("BENCH_DATABASE_URL") else "embedded"
    return (
        f"TimescaleDB {timescale} on PostgreSQL {str(postgres).split(' ')[0]} ({where}),"
        f" {os.cpu_count()} cores"
    )


def seconds(work: Work) -> float:
    """How long it takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """The median and, in brackets, the least and the most."""
    return f"{median(values):{form}} [{min(values):{form}}..{max(values):{form}}]"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Round by round: what disturbed a whole round disturbed both."""
    return [mine / yours for mine, yours in zip(ours, theirs, strict=True)]


def print_rates(rates: Mapping[str, Sequence[float]], against: str, rows: int) -> None:
    """A line a way: rows a second, and the ratio to the way `against` of the same round."""
    width = max(map(len, rates))
    print(f"{'':{width}}  {f'{rows:,} rows: rows/s':>30}  {f'against {against}':>30}")
    for way, mine in rates.items():
        compared = "1" if way == against else spread(ratios(mine, rates[against]), ".2f")
        print(f"{way:{width}}  {spread(mine):>30}  {compared:>30}", flush=True)


def needed(program: str) -> str:
    """Where a program is that a bench cannot do without."""
    found = shutil.which(program)
    if found is None:
        raise Unfit(f"{program} is not on the PATH: it is what is measured against")
    return found


def print_table(figures: Sequence[Figure]) -> None:
    """A line a figure, as Markdown."""
    print("\n| | goal | reached | |\n|---|---|---|---|")
    for each in figures:
        verdict = ("met" if each.met else "**missed**") if each.goal else ""
        print(f"| {each.what} | {each.goal} | {each.reached} | {verdict} |", flush=True)


def run(main: Main) -> None:
    """Run a script's main, and print its figures; what it lacks is one line and exit 2."""
    try:
        figures = main(None)
    except Unfit as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
    print_table(figures)
    sys.exit(any(each.must and not each.met for each in figures))
