"""A backfill in shards: a real Prefect server, two workers, one venue with its limits on."""

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chandlery import embedded, store
from chandlery.engine.context import open_context
from chandlery.model import instant
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import Timepiece
from sandbox import serving

pytestmark = pytest.mark.prefect
NOW = "2026-01-04T10:30Z"
SHARDS = 4
SLOW = 15.0  # an answer, so that shards are still at work when both are
TABLES = ("candle_1h", "candle_4h", "candle_1d")
Site = Any  # of conftest


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """A home whose database knows the coins: CoinGecko lets nobody hurry."""
    home = tmp_path_factory.mktemp("learnt")
    shutil.copytree(template / "pgdata", home / "pgdata")
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    simulated_clock = Timepiece(monotonic=lambda: time.monotonic() + slept[0], sleep=sleep)
    with serving(coins=12, seed=7, now=instant(NOW), limits=False) as venues:
        asked = Settings(DATABASE_URL=None, CHANDLERY_HOME=home, CHANDLERY_VENUES_URL=venues.url)
        with open_context(asked, timepiece=simulated_clock) as context:
            learn(context, instant(NOW))
    embedded.stop(home)
    return home


@pytest.fixture(scope="module")
def site(open_site: Callable[..., AbstractContextManager[Site]], learnt: Path) -> Iterator[Site]:
    """A server, two workers, a venue with its limits on."""
    given = {
        "CHANDLERY_SOURCES": "okx",
        "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "2",
    }
    with open_site(learnt, limits=True, **given) as made, made.server():
        made.deploy()
        made.pause()
        with made.worker(), made.worker():
            yield made


def shards_of(site: Site, run: str) -> list[dict[str, Any]]:
    """The runs that this run has started."""
    tasks = site.ask("POST", "/task_runs/filter", flow_runs={"id": {"any_": [run]}})
    wanted = {"parent_task_run_id": {"any_": [task["id"] for task in tasks]}}
    return list(site.ask("POST", "/flow_runs/filter", flow_runs=wanted)) if tasks else []


def tables(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=home)) as connection:
        queries = {name: f"select * from {name} order by coin, open_time" for name in TABLES}  # noqa: S608
        return {
            name: connection.execute(query.encode()).fetchall() for name, query in queries.items()
        }


ASKED = {"start": "2025-10-01", "now": NOW}


def test_four_shards_on_two_workers_collect_what_one_run_does(
    site: Site, learnt: Path, tmp_path: Path
) -> None:
    run = site.outcome(site.start("backfill", shards=SHARDS, **ASKED))
    shards = shards_of(site, run["id"])
    state = run["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
    assert {each["parameters"]["shard"] for each in shards} == {"1/4", "2/4", "3/4", "4/4"}
    assert {each["state"]["name"] for each in shards} == {"Completed"}
    asked = site.venues.requests()["requests"]
    assert {each["status"] for each in asked} == {200}
    pages = Counter((each["path"], str(each["query"])) for each in asked)
    assert max(pages.values()) == 1  # nothing was asked for by two
    found = tables(site.folder / "home")
    candles = f"{len(found['candle_1h']):,} candles"
    assert state["message"] == f"12 of 12 coins, {candles}, in 4 shards"

    home = tmp_path / "undisturbed"
    shutil.copytree(learnt / "pgdata", home / "pgdata")
    alone = replace(site, environment=site.environment | {"CHANDLERY_HOME": str(home)})
    alone.chandlery("backfill", "--start", ASKED["start"], "--now", NOW)
    assert found == tables(home)
    embedded.stop(home)


def at_work(site: Site, run: str, shards: int) -> list[dict[str, Any]]:
    """A run's shards once all are running."""

    def look() -> list[dict[str, Any]] | None:
        found = shards_of(site, run)
        running = [each["state"]["type"] for each in found] == ["RUNNING"] * shards
        return found if running else None

    return list(site.until(look, f"shards of {run} at work"))


def test_a_shard_that_crashed_is_named(site: Site) -> None:
    site.venues.fault("slow", source="okx", seconds=SLOW)
    run = site.start("backfill", shards=2, start="2025-04-01", end="2025-07-01", now=NOW)
    one, _ = sorted(at_work(site, run, 2), key=lambda each: str(each["parameters"]["shard"]))
    process = site.process(one["id"])
    assert process is not None
    os.kill(process, signal.SIGKILL)
    site.venues.clear()
    state = site.outcome(run)["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Partial"), state
    assert "in 2 shards; shard 1/2 crashed: " in state["message"]
    assert "shard 2/2" not in state["message"]


def test_who_cancels_a_backfill_cancels_its_shards(site: Site) -> None:
    site.venues.fault("slow", source="okx", seconds=SLOW)
    run = site.start("backfill", shards=2, start="2025-01-01", end="2025-04-01", now=NOW)
    shards = at_work(site, run, 2)
    site.prefect("flow-run", "cancel", run)
    states = [site.outcome(each["id"])["state"]["type"] for each in (*shards, {"id": run})]
    site.venues.clear()
    assert states == ["CANCELLED"] * 3


def told(number: int, **failures: str) -> dict[str, object]:
    return {
        "total_symbols": 3,
        "failed": len(failures),
        "total_records": 1000 * number,
        "sources_used": {"okx": 2, f"only_{number}": 1},
        "unlisted": [f"U{number}"],
        "failures": failures,
        "seconds": 1.5,
    }


def test_statistics_of_shards_add_up() -> None:
    from prefect.states import Completed  # noqa: PLC0415

    from flows.shards import added_up  # noqa: PLC0415

    done = {"1/2": Completed(), "2/2": Completed()}
    state = added_up(done, {"1/2": told(1), "2/2": told(2)})
    assert (state.name, state.message) == (
        "Completed",
        "6 of 6 coins, 3,000 candles, in 2 shards",
    )
    assert state.data == {
        "total_symbols": 6,
        "failed": 0,
        "total_records": 3000,
        "sources_used": {"okx": 4, "only_1": 1, "only_2": 1},
        "unlisted": ["U1", "U2"],
        "failures": {},
        "seconds": 3.0,
        "shards": {"1/2": "Completed", "2/2": "Completed"},
    }


def test_what_went_wrong_in_a_shard_is_named() -> None:
    from prefect.states import Completed, Crashed  # noqa: PLC0415

    from flows.shards import added_up  # noqa: PLC0415

    partial = {"1/2": Completed(name="Partial"), "2/2": Crashed(message="exit code -9")}
    state = added_up(partial, {"1/2": told(1, XMR="its host is closed"), "2/2": {}})
    assert (state.type.value, state.name) == ("COMPLETED", "Partial")
    assert state.message == (
        "2 of 3 coins, 1,000 candles, in 2 shards; shard 2/2 crashed: exit code -9; failed: XMR"
    )


def test_a_backfill_without_a_shard_that_ended_well_has_failed() -> None:
    from prefect.states import Cancelled, Failed  # noqa: PLC0415

    from flows.shards import added_up  # noqa: PLC0415

    none = {"1/2": Failed(message="no coin"), "2/2": Cancelled(message="by hand")}
    state = added_up(none, {"1/2": {}, "2/2": {}})
    assert state.type.value == "FAILED"
    assert state.message == (
        "0 of 0 coins, 0 candles, in 2 shards; shard 1/2 failed: no coin;"
        " shard 2/2 cancelled: by hand"
    )
