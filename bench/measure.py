"""What the benches share: a database of their own, rounds in turn, and ratios with their range."""

import argparse
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

from bench import builds
from bench.builds import OURS, Build, Taken
from chandlery import embedded, store
from chandlery.settings import Settings, settings

ROOT = builds.ROOT
Unfit = builds.Unfit
Work = Callable[[], object]
VALUE, PEER, BASE = "", " times peer", " times base"
COLUMNS = ("", "base build", "this build", "peer", "ratio", "goal", "")
UNITS = {"seconds": "s", "cpu": "s of CPU", "megabytes": "MB"}


@dataclass(frozen=True)
class Figure:
    """A line of the table: what this build took or reached, round by round, beside others.

    `base` are the base build's values of the same rounds, `theirs` those of `peer`. The goal is of
    the median: of the value itself, or `of` its ratio to the peer's or the base build's. Where
    these were not measured, there is no such goal. Where it `must`, a script that misses it exits
    with 1; anything else that is missed is told.
    """

    what: str
    values: Sequence[float]
    unit: str = ""
    least: float | None = None
    most: float | None = None
    must: bool = False
    form: str = ".2f"
    of: str = VALUE
    base: Sequence[float] = ()
    peer: str = ""
    theirs: Sequence[float] = ()

    @property
    def _held(self) -> Mapping[str, Sequence[float]]:
        """What a goal can be of."""
        others = {PEER: self.theirs, BASE: self.base}
        return {VALUE: self.values} | {
            of: ratios(self.values, other) for of, other in others.items() if other
        }

    @property
    def goal(self) -> str:
        """What it should be."""
        bounds = {"≥": self.least, "≤": self.most}
        told = [f"{sign} {bound:g}{self.of}" for sign, bound in bounds.items() if bound is not None]
        return ", ".join(told) if self.of in self._held else ""

    @property
    def met(self) -> bool:
        """Whether it is; what has no goal meets it."""
        if not self.goal:
            return True
        reached = median(self._held[self.of])
        return (self.least is None or reached >= self.least) and (
            self.most is None or reached <= self.most
        )

    @property
    def reached(self) -> str:
        """The median, and where there are several rounds the least and the most."""
        return self._told(self.values)

    @property
    def cells(self) -> Sequence[str]:
        """What the table has of it, in the order of COLUMNS."""
        peer = f"{self.peer}: {self._told(self.theirs)}" if self.theirs else ""
        compared = {of: each for of, each in self._held.items() if of != VALUE}
        ratio = ", ".join(f"{briefly(each, '.3g')}{of}" for of, each in compared.items())
        verdict = ("met" if self.met else "**missed**") if self.goal else ""
        base = self._told(self.base) if self.base else ""
        return self.what, base, self.reached, peer, ratio, self.goal, verdict

    def _told(self, values: Sequence[float]) -> str:
        return f"{briefly(values, self.form)} {self.unit}".rstrip()


def spent(  # noqa: PLR0913  a figure's own
    what: str,
    taken: Taken,
    kind: str,
    *,
    most: float | None = None,
    form: str = ".2f",
    of: str = VALUE,
) -> Figure:
    """The figure of one thing that processes took, by its name in `builds.Spent`."""
    values = {build: [getattr(one, kind) for one in each] for build, each in taken.items()}
    base = [value for build in values if build != OURS for value in values[build]]
    return Figure(what, values[OURS], UNITS[kind], most=most, form=form, of=of, base=base)


Main = Callable[[Sequence[str] | None], Sequence[Figure]]
DATABASE = "chandlery_bench"
_LOCK = 0x62656E6368  # "bench"


@contextmanager
def database() -> Iterator[Settings]:
    """Yield settings for an empty database: on the server at BENCH_DATABASE_URL, else embedded."""
    with _databases([OURS]) as made:
        yield made[OURS]


@contextmanager
def databases(compared: Sequence[Build]) -> Iterator[Mapping[Build, Settings]]:
    """Yield settings for a database of each build, with its own tables and nothing in them."""
    with _databases(compared) as made:
        for build, current in made.items():
            build.spend(["migrate"], build.environment(current))
        yield made


@contextmanager
def _databases(compared: Sequence[Build]) -> Iterator[Mapping[Build, Settings]]:
    server = os.environ.get("BENCH_DATABASE_URL")
    with ExitStack() as stack:
        made = {}
        if server is None:
            for build in compared:
                made[build] = stack.enter_context(_embedded(build))
        else:
            admin = stack.enter_context(_alone(server))
            for build in compared:
                made[build] = stack.enter_context(_on_server(admin, server, build))
        yield made


@contextmanager
def _embedded(build: Build) -> Iterator[Settings]:
    """Start this build's own engine; another's stops a minute after its last client has left."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder)
        current = settings().model_copy(update={"database_url": None, "home": home})
        if build == OURS:
            embedded.ensure(home, idle=None)
        else:
            build.spend(["db", "start"], build.environment(current))
        try:
            yield current
        finally:
            embedded.stop(home)


@contextmanager
def _alone(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Connect to the server; one bench at a time."""
    with psycopg.connect(url, autocommit=True) as admin:
        mine = admin.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if mine != (True,):
            raise Unfit("another bench is running on this server: wait for it")
        yield admin


@contextmanager
def _on_server(
    admin: psycopg.Connection[tuple[object, ...]], url: str, build: Build
) -> Iterator[Settings]:
    """Create a build's database anew, and drop it at the end."""
    name = DATABASE if build == OURS else f"{DATABASE}_base"
    _drop(admin, name)
    admin.execute(f"create database {name}")
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as home:
            address = urlsplit(url)._replace(path=f"/{name}").geturl()
            yield settings().model_copy(update={"database_url": address, "home": Path(home)})
    finally:
        _drop(admin, name)


def _drop(admin: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    admin.execute(f"drop database if exists {name} with (force)")


def add_base(parser: argparse.ArgumentParser) -> None:
    """Let a bench be told which commit's build to measure beside this one."""
    parser.add_argument(
        "--base", metavar="COMMIT", help="measure its build too, in the same rounds"
    )


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


def briefly(values: Sequence[float], form: str) -> str:
    """The spread, and of a single round its value."""
    return spread(values, form) if len(values) > 1 else f"{values[0]:{form}}"


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
    print(f"\n{_row(COLUMNS)}\n{'|---' * len(COLUMNS)}|")
    for each in figures:
        print(_row(each.cells), flush=True)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def run(main: Main) -> None:
    """Run a script's main, and print its figures; what it lacks is one line and exit 2."""
    try:
        figures = main(None)
    except Unfit as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
    print_table(figures)
    sys.exit(any(each.must and not each.met for each in figures))
