"""Sandbox venues, and a run against them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest

from chandlery import store
from chandlery.engine.context import WORKERS, RunContext
from chandlery.engine.progress import Watch, ignore
from chandlery.engine.result import RunResult
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import load
from sandbox import Serving, serving

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
Collect = Callable[..., RunResult]


Open = Callable[..., AbstractContextManager[RunContext]]


@pytest.fixture
def venues() -> Iterator[Serving]:
    """Venues of twelve made-up coins, without limits."""
    with serving(coins=12, seed=7, now=NOW, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def at_sandbox(settings: Settings, venues: Serving, open_tools: Open) -> Settings:
    """Settings that know the sandbox's coins."""
    asked = settings.model_copy(update={"venues_url": venues.url})
    with open_tools(asked) as context:
        learn(context, NOW)
    venues.forget()
    return asked


@pytest.fixture
def collect(at_sandbox: Settings, open_tools: Open) -> Collect:
    """Run the engine as the command line does."""

    def once(
        *,
        workers: int = WORKERS,
        clock: Callable[[], float] = monotonic,
        watch: Watch = ignore,
        **given: Any,
    ) -> RunResult:
        given = {"sources": ("binance_futures", "binance_spot"), "now": NOW} | given
        with open_tools(at_sandbox, workers=workers, clock=clock) as context:
            return run(context, run_spec(known_sources=load(), **given), watch)

    return once


@pytest.fixture
def rows(at_sandbox: Settings) -> Callable[[str], list[tuple[Any, ...]]]:
    """Everything in a table, in order."""

    def of(table: str) -> list[tuple[Any, ...]]:
        with store.connect(at_sandbox) as connection:
            query = f"select * from {table} order by coin, open_time"  # noqa: S608
            return connection.execute(query.encode()).fetchall()

    return of
