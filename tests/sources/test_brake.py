"""How many requests are under way at a place that meters nobody."""

from threading import Event, Thread

import httpx
import pytest

from chandlery.rate_limit.account import Memory
from chandlery.rate_limit.brake import FIRST, LEAST, Brake
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.rate_limit.gate import Gate, Timepiece

QUICK, SLOW = 0.1, 1.2


def answered(brake: Brake, *seconds: float, good: bool = True) -> int:
    """What the limit is once these answers came, one after the other."""
    for each in seconds:
        brake.enter()
        brake.leave(each, good=good)
    return int(brake.limit)


def test_the_worked_example() -> None:
    brake = Brake(32)
    assert answered(brake, *[QUICK] * FIRST) == FIRST
    assert answered(brake, QUICK) == FIRST + 1
    assert answered(brake, SLOW) == (FIRST + 1) // 2
    assert answered(brake, *[QUICK] * 5) == (FIRST + 1) // 2 + 1


def test_it_grows_no_further_than_it_may_and_never_stops() -> None:
    assert answered(Brake(10), *[QUICK] * 1000) == 10
    assert answered(Brake(3), QUICK) == 3
    assert answered(Brake(32), *[QUICK] * 100, good=False) == LEAST


def test_what_was_under_way_when_it_was_halved_halves_it_no_more() -> None:
    brake = Brake(32)
    for _ in range(8):
        brake.enter()
    for _ in range(8):
        brake.leave(QUICK, good=False)
    assert int(brake.limit) == 4
    assert answered(brake, QUICK, good=False) == 2


def test_what_is_usual_is_not_slow() -> None:
    """A far place: two seconds each; only what takes four times as long is too slow."""
    brake = Brake(32)
    assert answered(brake, *[2.0] * FIRST, 2.0) > FIRST
    assert answered(brake, 9.0) < FIRST


def test_one_too_many_waits_for_another_to_end() -> None:
    brake, entered = Brake(1), Event()
    brake.enter()
    other = Thread(target=lambda: (brake.enter(), entered.set()))
    other.start()
    assert not entered.is_set()
    brake.leave(QUICK, good=True)
    other.join()
    assert entered.is_set()


@pytest.fixture
def gate() -> Gate:
    """The way to a place that meters nobody."""
    pace = Timepiece(lambda: 0.0, lambda: 0.0, lambda _: None, lambda: 0.0)
    return Gate("files", Metering((Budget(1000, 60),), under_way=32), Memory(0.0), pace)


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_a_place_that_refuses_is_asked_less_at_once(gate: Gate, status: int) -> None:
    assert gate.sent(lambda: httpx.Response(status)).status_code == status
    assert gate.brake is not None
    assert gate.brake.limit < FIRST


def test_a_file_that_is_not_there_is_a_good_answer(gate: Gate) -> None:
    gate.sent(lambda: httpx.Response(404))
    assert gate.brake is not None
    assert gate.brake.limit > FIRST


def test_an_answer_that_does_not_come_is_a_bad_one(gate: Gate) -> None:
    def fail() -> httpx.Response:
        raise httpx.ReadTimeout("no end")

    with pytest.raises(httpx.ReadTimeout):
        gate.sent(fail)
    assert gate.brake is not None
    assert gate.brake.limit < FIRST
