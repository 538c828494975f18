"""What README tells to do, done: a server, `prefect deploy --all`, a worker, each deployment once.

That a deployment exists does not mean that it ever runs: with a SQLAlchemy or a whenever that
Prefect's scheduler cannot use, no scheduled run is made, and nothing says so. So the runs are
looked for on the server.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chandlery import embedded, store
from chandlery.cli.services import free_port
from chandlery.embedded.place import Place
from chandlery.model import instant
from chandlery.settings import Settings
from tests.waiting import wait

Site = Any  # conftest's
ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-01-04T10:30Z"  # 82 hours into the year
HOURS, COINS = 82, 3  # of BTC, ETH and XRP; nobody lists the fourth, USDT
SCHEDULED = {"hourly", "fill-gaps", "quality", "sync-coins", "maintain"}


KEY = "CG-planted-0123456789"


def by_password(home: Path) -> tuple[str, str]:
    """The embedded database's address over TCP, with its password in it, and the password."""
    embedded.ensure(home, tcp=free_port(0))
    running = embedded.status(home)
    assert running is not None
    password = Place.of(home).passfile.read_text("utf-8").strip().rpartition(":")[2]
    return f"postgresql://postgres:{password}@127.0.0.1:{running.tcp_port}/postgres", password


@pytest.fixture(scope="module")
def password() -> list[str]:
    """The database's, once it is known."""
    return []


@pytest.fixture(scope="module")
def site(open_site: Any, password: list[str]) -> Iterator[Site]:
    """A server with an empty database that wants a password, and a worker has a key."""
    with open_site(COINGECKO_API_KEY=KEY) as made:
        url, secret = by_password(made.home)
        made.environment["DATABASE_URL"] = url
        password.append(secret)
        with psycopg.connect(url), made.server():  # without a connection it ends in a minute
            yield made


@pytest.fixture(scope="module")
def deployed(site: Site) -> dict[str, dict[str, Any]]:
    """What is on the server after the two commands."""
    site.deploy()
    return dict(site.deployments())


@pytest.fixture(scope="module")
def scheduled(site: Site, deployed: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The runs that the scheduler made, by deployment."""

    def look() -> dict[str, list[dict[str, Any]]] | None:
        found = {name: site.runs(name) for name in deployed}
        return found if all(found[name] for name in SCHEDULED & deployed.keys()) else None

    return wait(look, lambda: f"scheduled runs\n{site.said('server')}")


@pytest.fixture(scope="module")
def worker(site: Site, scheduled: dict[str, Any]) -> Iterator[None]:
    """A worker that does only what a test asks for: the schedules are paused."""
    site.pause()
    assert scheduled
    with site.worker():
        yield


def test_everything_is_deployed_and_its_schedule_makes_runs(
    deployed: dict[str, Any], scheduled: dict[str, Any]
) -> None:
    assert deployed.keys() == SCHEDULED | {"backfill", "shard"}
    assert {name for name, runs in scheduled.items() if runs} == SCHEDULED
    minutes = {instant(run["expected_start_time"]).minute for run in scheduled["hourly"]}
    assert minutes == {5}
    for name, each in deployed.items():
        assert each["description"], name
        assert each["tags"], name
        limit = each["global_concurrency_limit"]
        assert limit is None if name == "shard" else limit["limit"] == 1, name
        assert all(one["schedule"]["timezone"] == "UTC" for one in each["schedules"]), name
        assert each["pull_steps"][0]["prefect.deployments.steps.set_working_directory"] == {
            "directory": str(ROOT)
        }
        for field in each["parameter_openapi_schema"]["properties"].values():
            assert field.get("description"), (name, field)
        assert each["parameter_openapi_schema"].get("required", []) == []


def completed(run: dict[str, Any]) -> str:
    """What a run says it did; it must have come to a good end."""
    state = run["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
    return str(state["message"])


@pytest.mark.usefixtures("worker")
def test_every_deployment_does_its_work(site: Site) -> None:
    assert completed(site.outcome(site.start("sync-coins", now=NOW, market_caps=0))).startswith(
        "12 coins, "
    )

    words = [f"start_year={NOW[:4]}", "max_coins=4", f"now={NOW}"]
    site.prefect("deployment", "run", "backfill/backfill", *(f"-p={each}" for each in words))
    run = site.outcome(site.runs("backfill")[0]["id"])
    assert run["name"] == "backfill 4 coins from 2026"
    assert completed(run) == f"4 of 4 coins, {COINS * HOURS} candles"

    asked = {
        "hourly": {"max_coins": 4, "now": NOW},
        "quality": {"max_coins": 4, "now": NOW},
        "maintain": {"now": "2026-12-01T00:00Z"},
    }
    runs = {name: site.start(name, **parameters) for name, parameters in asked.items()}
    done = {name: completed(site.outcome(run)) for name, run in runs.items()}
    assert done["hourly"] == "4 of 4 coins, nothing due is missing"
    assert done["maintain"].startswith(f"1 chunks compressed; {COINS * HOURS} candles, ")
    assert done["quality"].startswith(f"3 coins, {COINS * HOURS} candles, ")

    # Beside `hourly` it could leave the coin to that run.
    filled = site.start("fill-gaps", symbols=["BTC"], start="2026-01-01", now=NOW)
    assert completed(site.outcome(filled)) == "1 of 1 coins, 0 candles"

    with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=site.home)) as connection:
        rows = connection.execute(
            "select symbol, count(*) from market_data where timeframe = '1h' group by 1 order by 1"
        ).fetchall()
    assert rows == [("BTC", HOURS), ("ETH", HOURS), ("XRP", HOURS)]


@pytest.mark.usefixtures("worker")
def test_of_runs_that_are_late_together_one_collects(site: Site) -> None:
    runs = [site.start("hourly", max_coins=1, now=NOW) for _ in range(3)]
    states = sorted(site.outcome(run)["state"]["name"] for run in runs)
    assert states == ["Cancelled", "Cancelled", "Completed"]


@pytest.mark.usefixtures("worker")
def test_what_runs_were_told_and_said_holds_no_key_and_no_password(
    site: Site, password: list[str]
) -> None:
    """Whatever the tests before left on the server, or this run does, which each of them may do."""
    said = completed(site.outcome(site.start("quality", max_coins=4, now=NOW)))
    assert site.prefect("flow-run", "ls")  # what the worker has sent is there
    paths = [path for path in site.folder.glob("prefect/**/*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in [*paths, *site.folder.glob("*.log")])
    assert said.encode() in written, "this looks in the wrong places"
    assert b"max_coins" in written
    for secret in (KEY, *password):
        assert secret.encode() not in written
