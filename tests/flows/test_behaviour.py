"""Runs that behave, on a real server and worker: late, killed, cancelled, cut off from power.

What is driven by the state of the data needs no repair: whatever became of a run, the next one asks
for what is not there. Answers are held by the venue, so that a run is where a test wants it.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chandlery import store
from chandlery.engine.context import open_context
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR, Window, instant
from chandlery.settings import Settings
from chandlery.symbology.learn import learn_if_due
from chandlery.venues import load
from tests.fault_table import Happened
from tests.waiting import wait

pytestmark = pytest.mark.prefect
Site = Any  # conftest's
Say = Callable[[str], None]
NOW = "2026-01-04T10:30Z"
GOES_ON = "nothing half-written; the next run asks only for what is not there"
TABLES = ("candle_1h", "candle_4h", "candle_1d")


@pytest.fixture(scope="module")
def site(open_site: Any) -> Iterator[Site]:
    """A server with the deployments, of which none is run unasked."""
    quick = {
        "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "2",  # looks who is online
        "PREFECT_WORKER_HEARTBEAT_SECONDS": "2",  # who was not heard of three times is not
    }
    with open_site(**quick) as made:
        with made.server():
            made.deploy()
            made.pause()
        yield made


@pytest.fixture
def server(site: Site) -> Iterator[Any]:
    with site.server() as process:
        yield process


@pytest.fixture
def worker(site: Site, server: Any) -> Iterator[Any]:
    assert server
    with site.worker() as process:
        yield process
    site.venues.clear()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Print what was measured."""

    def out(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}")  # noqa: T201

    return out


def asked(site: Site) -> list[dict[str, Any]]:
    """What candles were asked for."""
    return [each for each in site.venues.requests()["requests"] if "klines" in each["path"]]


def hold(site: Site, **which: str | int) -> None:
    site.venues.forget()
    site.venues.fault("held", path="klines", **which)


def until_held(site: Site) -> None:
    wait(lambda: any(each["fault"] == "held" for each in asked(site)) or None, "a request")


def database(site: Site) -> store.Connection:
    return store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=site.home))


def tables(connection: store.Connection, window: Window) -> dict[str, list[tuple[Any, ...]]]:
    query = "select * from {} where open_time >= %s and open_time < %s order by coin, open_time"
    return {
        table: connection.execute(
            query.format(table).encode(), (window.start, window.end)
        ).fetchall()
        for table in TABLES
    }


def undisturbed(settings: Settings, site: Site, window: Window, **given: Any) -> dict[str, Any]:
    """The same window of a database in which nobody disturbs the one run."""
    alone = settings.model_copy(
        update={"venues_url": site.venues.url, "priority": ("binance_futures", "binance_spot")}
    )
    with open_context(alone) as context:
        wanted = run_spec(
            now=instant(NOW),
            known_sources=load(),
            sources=alone.priority,
            start=window.start.isoformat(),
            end=window.end.isoformat(),
            **given,
        )
        learn_if_due(context, wanted)
        run(context, wanted)
        return tables(context.connection, window)


def state(site: Site, flow_run: str) -> dict[str, Any]:
    return dict(site.ask("GET", f"/flow_runs/{flow_run}")["state"])


def hours(connection: store.Connection, window: Window) -> set[tuple[str, str, datetime]]:
    """What is there, by its source and the venue's symbol."""
    query = "select source, symbol || 'USDT', timestamp from market_data where timeframe = '1h'"
    bounds = " and timestamp >= %s and timestamp < %s"
    return set(connection.execute((query + bounds).encode(), (window.start, window.end)))


def asked_again(site: Site, written: set[tuple[str, str, datetime]]) -> list[dict[str, Any]]:
    """The requests for hours that were there."""
    found = []
    for each in asked(site):
        if "endTime" not in each["query"]:
            continue  # asks where a listing begins
        start, end = (int(each["query"][name]) // 1000 for name in ("startTime", "endTime"))
        moments = (datetime.fromtimestamp(at, UTC) for at in range(start, end, 3600))
        symbol = each["query"]["symbol"]
        if any((each["source"], symbol, moment) in written for moment in moments):
            found.append(each)
    return found


@pytest.mark.fault(
    "process",
    "SIGKILL of a flow run",
    f"shown as Crashed; {GOES_ON}",
)
@pytest.mark.usefixtures("worker")
def test_a_run_killed_in_the_middle_is_crashed_and_the_next_goes_on(
    site: Site, settings: Settings, happened: Happened
) -> None:
    span, symbols = Window(instant("2023-01-01"), instant("2026-01-01")), ["BTC", "ETH", "XRP"]
    given = {"start": "2023-01-01", "end": "2026-01-01", "now": NOW, "symbols": symbols}
    hold(site, after=120)  # pages of 499 hours; the first 50,000 rows are written by then
    flow_run = site.start("backfill", **given)
    until_held(site)
    with database(site) as connection:
        wait(lambda: hours(connection, span) or None, "the first rows")
        os.kill(wait(lambda: site.process(flow_run), "its process"), signal.SIGKILL)
        assert site.outcome(flow_run)["state"]["name"] == "Crashed"
        written = hours(connection, span)
        assert 50_000 <= len(written) < 3 * span.hours
        site.venues.clear()
        site.venues.forget()
        message = site.outcome(site.start("backfill", **given))["state"]["message"]
        rest = len(hours(connection, span)) - len(written)
        assert message == f"3 of 3 coins, {rest:,} candles"
        assert asked_again(site, written) == []
        found = tables(connection, span)
    assert found == undisturbed(settings, site, span, symbols=symbols)
    happened(f"Crashed; {len(written):,} candles kept, then {rest:,}; tables as undisturbed")


@pytest.mark.fault(
    "process",
    "SIGTERM of a flow run: cancelled in the UI",
    f"gone within seconds, shown as Cancelled; {GOES_ON}",
)
@pytest.mark.usefixtures("worker")
def test_a_run_that_is_cancelled_stops_within_seconds_and_keeps_what_it_wrote(
    site: Site, say: Say, happened: Happened
) -> None:
    """It is in its second source, where eight answers are held; what the first gave is written."""
    week = Window(instant("2022-11-01"), instant("2022-11-08"))
    given = {"start": "2022-11-01", "end": "2022-11-08", "now": NOW}
    hold(site, source="binance_spot")
    flow_run = site.start("backfill", **given)
    until_held(site)
    with database(site) as connection:
        written = hours(connection, week)
        assert written
        began = time.monotonic()
        cancelling = {"type": "CANCELLING", "name": "Cancelling"}  # what the UI says
        site.ask("POST", f"/flow_runs/{flow_run}/set_state", state=cancelling)
        wait(lambda: None if site.process(flow_run) else True, "the end of its process")
        gone = time.monotonic() - began
        assert site.outcome(flow_run)["state"]["name"] == "Cancelled"
        told = time.monotonic() - began
        # Who does not heed the signal is killed half a minute after, and says nothing.
        assert f"Execution of flow run '{flow_run}' was terminated" in site.said("worker")
        pages = site.ask(
            "POST", "/artifacts/filter", artifacts={"flow_run_id": {"any_": [flow_run]}}
        )
        page, far = (
            next(each for each in pages if each["key"] == key)
            for key in ("backfill", "backfill-progress")
        )
        assert (
            page["description"]
            == f"cancelled after {len(written):,} candles; what was written stays"
        )
        assert page["data"].startswith(f"# {len(written):,} candles\n")
        assert far["description"] == page["description"]
        assert 0 < far["data"] < 100
        say(f"cancelled: its process was gone after {gone:.1f} s, shown as cancelled {told:.1f} s")
        assert hours(connection, week) == written
        site.venues.clear()
        site.venues.forget()
        assert site.outcome(site.start("backfill", **given))["state"]["name"] == "Completed"
        assert asked_again(site, written) == []
        assert hours(connection, week) > written
    assert told < 20
    happened(
        f"gone after {gone:.1f} s, Cancelled after {told:.1f} s, {len(written):,} candles kept"
    )


@pytest.mark.usefixtures("server")
def test_of_five_hourly_runs_that_were_missed_one_collects(site: Site, say: Say) -> None:
    """As the scheduler leaves them while no worker runs."""
    site.venues.forget()
    runs = [site.start("hourly", late=timedelta(hours=n), now=NOW) for n in range(5, 0, -1)]
    with site.worker():
        ended = [site.outcome(run) for run in runs]
        requests = [made_requests(site, each) for each in ended]
    table = [
        f"{each['expected_start_time'][:16]}  {each['state']['name']:9}  {each['state']['message']}"
        f"  ({number} requests)"
        for each, number in zip(ended, requests, strict=True)
    ]
    say("\n".join(table))
    messages = sorted(each["state"]["message"] for each in ended)
    (collected,) = [each for each in messages if each.endswith(" candles")]
    assert collected == f"12 of 12 coins, {len(new_hours(site)):,} candles"
    called_off = "Deployment concurrency limit reached."
    assert set(messages) <= {collected, called_off, "12 of 12 coins, nothing due is missing"}
    assert len(asked(site)) == sum(requests) == max(requests)


def made_requests(site: Site, flow_run: dict[str, Any]) -> int:
    """How many it says in its log that it made; one that was called off made none."""
    if flow_run["state"]["type"] == "CANCELLED":
        return 0

    def told() -> int | None:
        wanted = {"flow_run_id": {"any_": [flow_run["id"]]}}
        lines = [each["message"] for each in site.ask("POST", "/logs/filter", logs=wanted)]
        found = re.findall(r"'pages': ([0-9]+)", " ".join(lines))
        return int(found[0]) if found else None

    return int(wait(told, "its log"))


def new_hours(site: Site) -> set[tuple[str, str, datetime]]:
    with database(site) as connection:
        end = instant(NOW).replace(minute=0)
        return hours(connection, Window(end - 24 * HOUR, end))


def cut_off(site: Site, flow_run: str, *others: Any) -> None:
    """End a run with -9, and these with all that they started."""
    process = wait(lambda: site.process(flow_run), "its process")
    for each in others:
        os.killpg(each.pid, signal.SIGKILL)
        each.wait()
    os.kill(process, signal.SIGKILL)


def buried(site: Site) -> None:
    """Have `chandlery bury` find the one run that died, once its worker is shown as offline."""
    wait(lambda: "1 run called crashed\n" in site.chandlery("bury") or None, "a burial")


@pytest.mark.fault(
    "process",
    "SIGKILL of a worker and its run",
    f"`chandlery bury` calls it crashed; {GOES_ON}",
)
@pytest.mark.usefixtures("server")
def test_a_run_that_died_with_its_worker_is_crashed_and_the_next_goes_on(
    site: Site, happened: Happened
) -> None:
    week = Window(instant("2022-10-01"), instant("2022-10-08"))
    given = {"start": "2022-10-01", "end": "2022-10-08", "now": NOW}
    hold(site, source="binance_spot")
    with site.worker() as worker, database(site) as connection:
        flow_run = site.start("backfill", **given)
        until_held(site)
        assert site.chandlery("bury") == "0 runs called crashed\n"  # it is alive
        cut_off(site, flow_run, worker)
        written = hours(connection, week)
        assert written
        assert state(site, flow_run)["type"] == "RUNNING"  # nobody is left who would say otherwise
        buried(site)
        assert state(site, flow_run)["type"] == "CRASHED"
        site.venues.clear()
        site.venues.forget()
        with site.worker():
            assert site.outcome(site.start("backfill", **given))["state"]["name"] == "Completed"
        assert asked_again(site, written) == []
        assert hours(connection, week) > written
    happened(f"buried; {len(written):,} candles kept, none of them asked for again")


@pytest.mark.fault(
    "process",
    "SIGKILL of server, worker and run: a power loss",
    "buried, and the next hourly run collects",
)
def test_after_a_power_loss_the_next_hourly_run_collects(
    site: Site, say: Say, happened: Happened
) -> None:
    """Once the dead run is buried: by hand, or by `chandlery up`.

    Without that its deployment's slot is free 283 to 314 s after, as was seen by hand: a run renews
    its lease for 300 s, whatever the settings say.
    """
    given = {"now": "2026-01-03T10:30Z", "hours": 24}
    day = Window(instant("2026-01-02T10:00Z"), instant("2026-01-03T10:00Z"))
    hold(site)
    with site.server() as server, site.worker() as worker:
        flow_run = site.start("hourly", **given)
        until_held(site)
        cut_off(site, flow_run, server, worker)
    began = time.monotonic()
    site.venues.clear()
    with site.server(), site.worker():
        assert site.outcome(site.start("hourly", **given))["state"]["name"] == "Cancelled"
        buried(site)
        assert state(site, flow_run)["type"] == "CRASHED"
        done = site.outcome(site.start("hourly", **given))["state"]
        say(f"power loss: {done['message']}, {time.monotonic() - began:.0f} s after")
        assert (done["name"], done["message"]) == ("Completed", "12 of 12 coins, 240 candles")
        happened(f"buried; then {done['message']}")
        with database(site) as connection:
            assert len(hours(connection, day)) == 240
