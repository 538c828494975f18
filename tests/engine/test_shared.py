"""One venue's budget and several processes: real ones, by way of the database."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from chandlery import store, venues
from chandlery.engine.context import open_client, open_context
from chandlery.engine.shared_limits import Shared
from chandlery.errors import Blocked
from chandlery.model import Listing, Window
from chandlery.rate_limit.account import SHARE
from chandlery.rate_limit.gate import REAL, Gate
from chandlery.settings import Settings
from chandlery.venues import GRAIN, Budget, Metering, Timepiece
from sandbox import serving
from tests.waiting import PATIENCE

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
WEEK = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC))
OKX = venues.load()["okx"]
BTC = Listing(0, "okx", "BTC-USDT")
PAGES, PROCESSES = 30, 2

SPAWN = multiprocessing.get_context("spawn")


def ask(settings: Settings, said: Any, start: Any) -> None:
    """A process that asks OKX for pages, and says when each came."""
    with open_context(settings) as context:
        said.put("ready")
        start.wait(PATIENCE)
        for _ in range(PAGES):
            frame = venues.fetch(context.client, OKX, BTC, WEEK, NOW).frame
            said.put((time.time(), frame.height))


def take_all_and_hang(settings: Settings, said: Any, _: Any) -> None:
    with store.Database(settings) as database:
        gate(Shared(database)).enter(DEAR, 0.0)
        said.put(time.time())
        time.sleep(PATIENCE)


DEAR = httpx.Request("GET", "http://venue.example/", extensions={"cost": 98})
CHEAP = httpx.Request("GET", "http://venue.example/", extensions={"cost": 1})


METERING = Metering((Budget(100, 60, lambda asked: float(asked.extensions["cost"])),))


def gate(shared: Shared, ahead: float = 0.0) -> Gate:
    clock = Timepiece(monotonic=lambda: REAL.monotonic() + ahead, sleep=slept)
    return Gate("place", METERING, shared, clock)


class Slept(Exception):
    """Somebody has to wait."""


def slept(seconds: float) -> None:
    raise Slept(str(seconds))


def begin(
    work: Callable[..., None], settings: Settings, number: int = 1
) -> tuple[list[Any], Any, Any]:
    said, start = SPAWN.SimpleQueue(), SPAWN.Event()
    running = [
        SPAWN.Process(target=work, args=(settings, said, start), daemon=True) for _ in range(number)
    ]
    for process in running:
        process.start()
    return running, said, start


def test_two_processes_keep_one_budget_between_them(settings: Settings) -> None:
    with serving(coins=12, seed=7, now=NOW) as sandbox:  # with limits: 20 such requests in 2 s
        asked = settings.model_copy(update={"venues_url": sandbox.url})
        with open_client(asked) as client:  # the sandbox takes its time over the first page
            assert venues.fetch(client, OKX, BTC, WEEK, NOW).frame.height == WEEK.hours
        running, said, start = begin(ask, asked, PROCESSES)
        assert [said.get() for _ in running] == ["ready"] * PROCESSES
        sandbox.forget()
        start.set()
        came = [said.get() for _ in range(PROCESSES * PAGES)]
        for process in running:
            process.join(PATIENCE)
        told = sandbox.requests()["requests"]
    assert {one["status"] for one in told} == {200}
    assert len(told) == PROCESSES * PAGES
    assert {rows for _, rows in came} == {WEEK.hours}
    moments = sorted(at for at, _ in came)
    # The first 19 at once, then 19 every two seconds and a little.
    bound = (PROCESSES * PAGES - 19) / (SHARE * 20 / 2)
    assert moments[-1] - moments[0] >= bound * 0.9


def test_what_a_killed_process_has_taken_lapses(settings: Settings) -> None:
    (process,), said, _ = begin(take_all_and_hang, settings)
    taken = said.get()
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE)
    with store.Database(settings) as database:
        shared = Shared(database)
        with pytest.raises(Slept):
            gate(shared).enter(CHEAP, 0.0)
        with pytest.raises(Slept):
            gate(shared, taken + 59.0 - time.time()).enter(CHEAP, 0.0)
        gate(shared, taken + 60.0 * (1 + 2 * GRAIN) + 1 - time.time()).enter(CHEAP, 0.0)


def test_a_ban_told_to_one_stops_the_other(settings: Settings) -> None:
    with serving(coins=12, seed=7, now=NOW, limits=False) as sandbox:
        asked = settings.model_copy(update={"venues_url": sandbox.url})
        sandbox.fault("418", source="binance_futures", seconds=600)
        with (
            store.Database(asked) as mine,
            store.Database(asked) as theirs,
            open_client(asked, accounts=Shared(mine)) as one,
            open_client(asked, accounts=Shared(theirs)) as other,
        ):
            began = time.time()
            for client in (one, other):
                with pytest.raises(Blocked) as caught:
                    page(client, "binance_futures")
                assert caught.value.after is not None
                gone_by = time.time() - began
                assert 599 - gone_by < caught.value.after.total_seconds() <= 600
        assert sandbox.requests()["total"] == 1


def test_what_is_closed_to_one_the_other_asks_the_mirror_for(settings: Settings) -> None:
    with serving(coins=12, seed=7, now=NOW, limits=False) as sandbox:
        asked = settings.model_copy(update={"venues_url": sandbox.url})
        sandbox.fault("451", source="binance_spot")
        with (
            store.Database(asked) as database,
            open_client(asked, accounts=Shared(database)) as one,
            open_client(asked, accounts=Shared(database)) as other,
        ):
            for client in (one, other):
                assert page(client, "binance_spot") == WEEK.hours
        paths = list(sandbox.requests()["counts"].items())
    assert paths == [("/binance_spot/api/v3/klines", 1), ("/binance_spot-mirror/api/v3/klines", 2)]


def test_a_step_of_the_wall_clock_gives_nothing_back(settings: Settings) -> None:
    """Nor to those who come after it: the database tells the time."""
    wall = [time.time()]
    with store.Database(settings) as database:
        moved = Timepiece(wall=lambda: wall[0], sleep=slept)
        way = Gate("place", METERING, Shared(database, moved), moved)
        way.enter(DEAR, 0.0)
        for step in (3600.0, -7200.0, 86400.0):
            wall[0] += step
            for each in (way, Gate("place", METERING, Shared(database, moved), moved)):
                with pytest.raises(Slept) as caught:
                    each.enter(CHEAP, 0.0)
                assert 55 < float(str(caught.value)) < 65


def page(client: httpx.Client, source: str) -> int:
    listing = Listing(0, source, "BTCUSDT")
    return venues.fetch(client, venues.load()[source], listing, WEEK, NOW).frame.height
