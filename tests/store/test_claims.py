"""Claims: whose an hour is while several runs are at work."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from chandlery import store
from chandlery.model import Window, instant
from chandlery.settings import Settings

DAY = Window(instant("2026-11-21"), instant("2026-11-22"))
MORNING = Window(DAY.start, instant("2026-11-21T12:00Z"))
OURS = store.Process.ours()
needs_proc = pytest.mark.skipif(not OURS.machine, reason="needs /proc to tell who lives")


def claimant(process: store.Process = OURS) -> store.Claimant:
    return store.Claimant(uuid4(), "a run", process)


def test_what_one_has_claimed_another_is_told_of_and_not_given(
    connection: store.Connection,
) -> None:
    first, second = claimant(), claimant()
    assert store.claim(connection, first, [1, 2], MORNING) == []
    assert store.claim(connection, second, [2, 3], DAY) == [store.Claim(2, MORNING, first)]
    afternoon = Window(MORNING.end, DAY.end)
    assert store.claim(connection, claimant(), [1, 2, 3], DAY) == [
        store.Claim(1, MORNING, first),
        store.Claim(2, MORNING, first),
        store.Claim(2, afternoon, second),
        store.Claim(3, DAY, second),
    ]


def test_what_is_given_back_is_free(connection: store.Connection) -> None:
    first, second = claimant(), claimant()
    store.claim(connection, first, [1], DAY)
    store.claim(connection, second, [2], DAY)
    store.release_claims(connection, first.run)
    assert store.claim(connection, claimant(), [1, 2], DAY) == [store.Claim(2, DAY, second)]


def test_a_lease_that_is_over_is_free_and_one_renewed_is_not(connection: store.Connection) -> None:
    renewed, over = claimant(), claimant()
    store.claim(connection, renewed, [2], DAY, lease=timedelta(0))
    store.renew_claims(connection, renewed.run)
    store.claim(connection, over, [1], DAY, lease=timedelta(0))
    assert store.claim(connection, claimant(), [1, 2], DAY) == [store.Claim(2, DAY, renewed)]
    left = connection.execute("select from claim where run = %s", (over.run,))
    assert left.rowcount == 0


@needs_proc
def test_what_a_dead_process_had_is_free_at_once(connection: store.Connection) -> None:
    child = [
        sys.executable,
        "-c",
        "from chandlery import store; print(*store.Process.ours(), sep='|'); input()",
    ]
    with subprocess.Popen(child, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        machine, pid, born = other.stdout.readline().split("|")
        process = store.Process(machine, int(pid), int(born))
        assert process.machine == OURS.machine
        theirs = store.Claim(1, DAY, claimant(process))
        store.claim(connection, theirs.by, [1], DAY)
        assert store.claim(connection, claimant(), [1], MORNING) == [theirs]
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and nobody took note
        assert store.claim(connection, claimant(), [1], DAY) == []
    assert process.is_gone


@needs_proc
def test_a_process_id_that_is_used_again_is_another_process() -> None:
    assert not OURS.is_gone
    assert OURS._replace(born=OURS.born - 1).is_gone


def test_of_another_machine_only_the_lease_tells(connection: store.Connection) -> None:
    away = claimant(store.Process("another machine", 2**22 + 1, 1))
    store.claim(connection, away, [1], DAY)
    assert store.claim(connection, claimant(), [1], DAY) == [store.Claim(1, DAY, away)]


def test_of_many_at_the_same_instant_each_hour_is_one_s(
    connection: store.Connection, settings: Settings
) -> None:
    def take(number: int) -> int:
        coins = list(range(1, 31))
        with store.connect(settings) as own:
            others = store.claim(own, claimant(), coins[number:] + coins[:number], DAY)
        return len(coins) - len(others)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(8)))
    assert sorted(taken) == [0] * 7 + [30]
    rows = connection.execute("select coin, count(*) from claim group by coin").fetchall()
    assert sorted(rows) == [(coin, 1) for coin in range(1, 31)]
