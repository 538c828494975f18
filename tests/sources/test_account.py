"""An account that several share: what they spend together, in whatever order and however late."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chandlery.errors import Blocked, SourceError, Unavailable
from chandlery.rate_limit.account import SHARE, Grant, Meter, Shut
from chandlery.rate_limit.gate import CLOSED, Gate, Timepiece
from chandlery.venues import GRAIN, Account, Budget, Metering

T = TypeVar("T")


@dataclass
class Written:
    """Accounts kept as a database keeps them, by a clock that the keeping itself moves on."""

    clock: "Hand"
    ahead: float = 0.0
    grain: float = GRAIN
    texts: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    late: Callable[[], float] = lambda: 0.0

    def change(self, place: str, change: Callable[[Account], T]) -> T:
        text = self.texts.get(place)
        account = Account() if text is None else Account.read(text)
        result = change(account)
        self.texts[place] = account.written()
        self.asked[place] += 1
        self.clock.now += self.late()
        return result


class Hand:
    """Time by hand. Who has to sleep is sent away instead, so that others have a turn."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.timepiece = Timepiece(self.read, self.read, self.sleep)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        raise Sleep(seconds)


class Sleep(Exception):
    """Seconds that a process has to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def request(cost: float) -> httpx.Request:
    return httpx.Request("GET", "http://venue.example/", extensions={"cost": cost})


def metering(*budgets: tuple[float, float]) -> Metering:
    def cost(asked: httpx.Request) -> float:
        return float(asked.extensions["cost"])

    return Metering(tuple(Budget(most, seconds, cost) for most, seconds in budgets))


def most_within(sent: list[tuple[float, float]], seconds: float) -> float:
    """The most weight in any window of so many seconds."""
    most, weight, first = 0.0, 0.0, 0
    for at, cost in sent:
        weight += cost
        while sent[first][0] <= at - seconds:
            weight -= sent[first][1]
            first += 1
        most = max(most, weight)
    return most


COUNTED = Metering((replace(metering((2400, 60)).budgets[0], header="x-used"),))
VENUES = [metering((2400, 60)), metering((20, 2)), metering((20, 1), (300, 60)), metering((600, 5))]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(VENUES), st.integers(1, 5), st.integers(0, 2**32), st.floats(0, 0.2))
def test_no_window_has_more_than_the_budget(
    venue: Metering, processes: int, seed: int, slow: float
) -> None:
    chance = Random(seed)  # noqa: S311
    clock = Hand()
    shared = Written(clock, late=lambda: chance.choice((0.0, 0.0, chance.random() * slow)))
    ways = [Gate("p", venue, shared, clock.timepiece) for _ in range(processes)]
    awake = [clock.now] * processes
    sent: list[tuple[float, float]] = []
    for _ in range(600):
        one = min(range(processes), key=awake.__getitem__)
        clock.now = max(clock.now, awake[one])
        cost = chance.choice((1, 1, 2, 2, 5))
        try:
            ways[one].enter(request(cost), 120.0)
        except Sleep as told:
            awake[one] = clock.now + told.seconds
            continue
        sent.append((clock.now, cost))
        awake[one] = clock.now + chance.choice((0.0, 0.001, 0.05, chance.random()))
        if chance.random() < 0.02:  # it dies, with what it has, and another comes
            ways[one] = Gate("p", venue, shared, clock.timepiece)
    for budget in venue.budgets:
        assert most_within(sent, budget.seconds) <= budget.most * SHARE


@pytest.mark.parametrize("processes", [1, 2, 7])
def test_the_budget_is_used_and_the_database_seldom_asked(processes: int) -> None:
    clock, minutes, latency = Hand(), 12, 0.02
    shared = Written(clock)
    ways = [Gate("p", VENUES[0], shared, clock.timepiece) for _ in range(processes)]
    awake, sent, start = [clock.now] * processes, 0, clock.now
    while clock.now < start + minutes * 60:
        one = min(range(processes), key=awake.__getitem__)
        clock.now = max(clock.now, awake[one])
        try:
            ways[one].enter(request(2), 120.0)
            sent, awake[one] = sent + 2, clock.now + latency
        except Sleep as told:
            awake[one] = clock.now + told.seconds
    assert sent >= 0.95 * 2400 * minutes
    assert shared.asked["p"] <= 130 * minutes * processes
    assert len(shared.texts["p"]) < 2600


def entered(gate: Gate, cost: float, times: int) -> int:
    """How many of so many requests go through at once."""
    for done in range(times):
        try:
            gate.enter(request(cost), 120.0)
        except Sleep:
            return done
    return times


def gates(venue: Metering, number: int = 2) -> tuple[Hand, list[Gate]]:
    clock = Hand()
    shared = Written(clock)
    return clock, [Gate("p", venue, shared, clock.timepiece) for _ in range(number)]


def test_what_one_did_not_spend_another_may() -> None:
    clock, (one, other) = gates(metering((1000, 60)))  # of which 980 are used, 19 at a time
    assert entered(one, 1, 5) == 5
    assert entered(other, 1, 2000) == 980 - 19
    clock.now += 2  # what the one still has has run out; it gives that back, and asks anew
    assert entered(one, 1, 2000) == 14
    assert entered(other, 1, 1) == 0


def test_what_the_dead_have_taken_lapses_with_the_period() -> None:
    clock, (one, other) = gates(VENUES[0])
    assert entered(one, 1176, 2) == 2
    assert entered(other, 2, 1) == 0
    clock.now += 59.9
    assert entered(other, 2, 1) == 0
    clock.now += 0.1 + 60 * GRAIN * 1.5
    assert entered(other, 1176, 2) == 2


def test_a_ban_told_to_one_is_heard_by_the_other() -> None:
    clock, (one, other) = gates(VENUES[0])
    one.enter(request(2), 120.0)
    one.shut(Blocked("way too much"), 600.0)
    with pytest.raises(Sleep):  # it asks for more, and hears
        other.enter(request(2), 120.0)
    with pytest.raises(Blocked, match="way too much") as caught:
        other.enter(request(2), 120.0)
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == pytest.approx(600)
    clock.now += 600
    assert entered(other, 2, 1) == 1


def test_that_a_place_is_closed_is_heard_for_a_while_and_then_asked_again() -> None:
    clock, (one, other, third) = gates(VENUES[0], 3)
    one.shut(Blocked("not from here"), float("inf"))
    one.shut(Unavailable("slow down"), 5.0)
    for gate in (one, other):
        assert_closed(gate)
    clock.now += CLOSED
    assert_closed(one)  # for as long as it lives
    assert entered(third, 2, 1) == 1


def assert_closed(gate: Gate) -> None:
    with pytest.raises((Sleep, SourceError)):
        gate.enter(request(2), 120.0)
    with pytest.raises(Blocked, match="not from here") as caught:
        gate.enter(request(2), 120.0)
    assert caught.value.after is None


def test_what_strangers_spend_is_heard_by_all() -> None:
    clock, (one, other) = gates(COUNTED)
    one.enter(request(2), 120.0)
    one.hear(httpx.Response(200, headers={"x-used": "2399"}, request=request(2)))
    assert entered(one, 2, 1) == 0  # though it had more in hand
    assert entered(other, 2, 1) == 0
    clock.now += 61
    assert entered(other, 2, 1) == 1


@pytest.mark.parametrize(
    ("headers", "through"),
    [
        ({"x-left": "1"}, 0),
        ({"x-left": "600"}, 100),
        ({"x-left": "601", "x-whole": "3000"}, 0),
        ({"x-left": "soon"}, 100),
        ({"x-left": "5000"}, 100),
    ],
)
def test_what_is_left_tells_what_others_spent(headers: dict[str, str], through: int) -> None:
    tells = replace(metering((2400, 60)).budgets[0], left="x-left", whole="x-whole")
    _, (one, other) = gates(Metering((tells,)))
    one.enter(request(2), 120.0)
    one.hear(httpx.Response(200, headers=headers, request=request(2)))
    assert entered(one, 2, 100) == through
    assert entered(other, 2, 1) == min(through, 1)


def test_what_is_left_is_of_the_budget_that_the_request_is_of() -> None:
    budget = replace(metering((2400, 60)).budgets[0], left="x-left")
    answer = httpx.Response(200, headers={"x-left": "1"}, request=request(0))
    assert budget.spent(answer) is None
    assert budget.spent(httpx.Response(200, headers={"x-left": "1"}, request=request(1))) == 2399


def test_a_restated_budget_holds_for_all() -> None:
    told = replace(COUNTED.budgets[0], restated=lambda _: 100.0)
    _, (one, other) = gates(Metering((told,)))
    one.hear(httpx.Response(200, request=request(2)))
    assert entered(other, 2, 500) == 49


def test_a_booking_from_the_future_is_a_clock_that_was_set_back() -> None:
    clock, (one, other) = gates(VENUES[0])
    assert entered(one, 1176, 2) == 2
    clock.now -= 3600
    assert entered(other, 2, 1) == 1


def test_an_account_reads_as_it_was_written() -> None:
    meters = [Meter([(61.2, 47.0), (62.4, 2.0)], 49.0, 1000.0, 120.0, 1200.0), Meter()]
    account = Account(meters, Shut(600.5, "Blocked", "wörds", closed=True))
    assert Account.read(account.written()) == account
    assert Account.read(Account().written()) == Account()


def test_weight_given_back_after_it_lapsed_is_no_gift() -> None:
    account = Account([Meter()])
    account.settle(VENUES[0].budgets, Grant(1.2, [47.0], [61.2]), 70.0)
    assert account.meters[0].spent == 0.0


@pytest.mark.parametrize(("set_back", "is_shut"), [(30.0, True), (3 * 365 * 86_400.0, False)])
def test_a_ban_told_by_a_clock_that_was_ahead_is_none(set_back: float, *, is_shut: bool) -> None:
    account = Account(shut=Shut(1_700_000_600.0, "Blocked", "banned", since=1_700_000_000.0))
    account.settle([], None, 1_700_000_000.0 - set_back)
    assert (account.shut is not None) is is_shut
