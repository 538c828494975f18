"""The threads that ask: results and errors in order, and nobody waits for them at the end."""

import subprocess
import sys
from threading import Event

import pytest

from chandlery.engine.workers import Workers
from tests.waiting import PATIENCE


def test_what_comes_of_a_call_is_told_where_it_is_asked_for() -> None:
    workers = Workers(2)
    halves = [workers.submit(divmod, 7, number) for number in (2, 0, 7)]
    assert halves[0].result() == (3, 1)
    with pytest.raises(ZeroDivisionError):
        halves[1].result()
    assert halves[2].result() == (1, 0)
    assert workers.end()


def test_what_was_not_begun_is_not_done_and_what_was_is_not_waited_for() -> None:
    workers, begun, answer = Workers(1), Event(), Event()
    waiting = workers.submit(lambda: begun.set() or answer.wait())
    later = workers.submit(answer.set)
    begun.wait()
    assert not workers.end()
    answer.set()
    assert waiting.result()
    while not later.done():
        pass
    assert later.cancelled()
    assert workers.end()


def test_a_process_ends_though_an_answer_is_waited_for() -> None:
    code = (
        "from chandlery.engine.workers import Workers; import time;"
        " Workers(1).submit(time.sleep, 86_400)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], timeout=PATIENCE, check=True).returncode == 0
    )
