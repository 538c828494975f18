"""The command line with a database of its own and the sandbox."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chandlery import embedded
from chandlery.model import instant
from chandlery.settings import Settings
from sandbox import Serving, serving
from tests.cli.every_verb import Site
from tests.command_line import chandlery

Run = Callable[..., subprocess.CompletedProcess[str]]
NOW = "2026-11-22T10:30Z"


@pytest.fixture
def venues() -> Iterator[Serving]:
    """Venues of twelve made-up coins, without limits."""
    with serving(coins=12, seed=7, now=instant(NOW), limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def a_site(template: Path, tmp_path: Path, venues: Serving) -> Iterator[Site]:
    """A home with candles, and a folder."""
    site = Site(tmp_path, venues.url)
    site.home.mkdir(mode=0o700)
    shutil.copytree(template / "pgdata", site.home / "pgdata")
    site.fill()
    site.pass_by()
    yield site
    for home in (site.home, site.other):
        embedded.stop(home)


@pytest.fixture
def sources() -> str:
    """The sources that are asked."""
    return "binance_futures,binance_spot"


@pytest.fixture
def run(settings: Settings, venues: Serving, sources: str) -> Run:
    """Run a verb."""
    place = {
        "CHANDLERY_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "CHANDLERY_VENUES_URL": venues.url,
        "CHANDLERY_SOURCES": sources,
    }
    return lambda *words: chandlery(*words, environment=place)
