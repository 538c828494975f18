from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import httpx
import pytest

from chandlery.errors import Blocked, Unavailable
from chandlery.rate_limit.account import ON_THE_WAY, Accounts, Memory
from chandlery.rate_limit.gate import FAILURES, REST, Gate
from chandlery.venues import Budget, Metering, load
from tests.sources.conftest import Clock

FUTURES = load()["binance_futures"].venue.metering
REQUEST = httpx.Request("GET", "https://fapi.binance.com/fapi/v1/klines?limit=499")


def gate(clock: Clock, metering: Metering = FUTURES, accounts: Accounts | None = None) -> Gate:
    return Gate("place", metering, accounts or Memory(), clock.timepiece)


class Venue:
    """Counts as Binance does, by its own calendar minute and by any minute there is."""

    def __init__(self, clock: Clock, *, ahead: float = 0.0) -> None:
        self.clock, self.ahead = clock, ahead
        self.minutes: dict[int, float] = {}
        self.last: deque[tuple[float, float]] = deque()
        self.most = 0.0

    def ask(self, cost: float, others: float = 0.0) -> httpx.Response:
        at = self.clock.now + self.ahead
        minute = int(at // 60)
        used = self.minutes.get(minute, others) + cost
        self.minutes[minute] = used
        self.last.append((at, cost))
        while self.last[0][0] <= at - 60:
            self.last.popleft()
        self.most = max(self.most, used)
        return httpx.Response(
            200, request=REQUEST, headers={"X-MBX-USED-WEIGHT-1M": str(int(used))}
        )


@pytest.mark.parametrize("ahead", [0.0, 17.0, -31.5])
@pytest.mark.parametrize("latency", [0.002, 0.02])
def test_twelve_minutes_of_pages_stay_below_the_limit_and_come_near_it(
    clock: Clock, ahead: float, latency: float
) -> None:
    way, venue, pages = gate(clock), Venue(clock, ahead=ahead), 0
    start = clock.now
    while clock.now < start + 12 * 60:
        way.enter(REQUEST, 120.0)
        way.hear(venue.ask(2))
        pages += 1
        clock.now += latency
    assert venue.most <= 2400
    assert sum(weight for _, weight in venue.last) <= 2400
    assert pages * 2 >= 0.97 * 2400 * 12


def test_what_others_spend_at_the_same_address_is_left_to_them(clock: Clock) -> None:
    way, venue = gate(clock), Venue(clock)
    start = clock.now
    for _ in range(4000):
        way.enter(REQUEST, 120.0)
        way.hear(venue.ask(2, others=1000))
        clock.now += 0.01
    assert venue.most <= 2400
    assert clock.now - start < 4000 * 2 / 1400 * 60 * 1.25


def test_a_stranger_is_believed_at_the_first_answer(clock: Clock) -> None:
    way = gate(clock)
    way.enter(REQUEST, 120.0)
    way.hear(httpx.Response(200, request=REQUEST, headers={"X-MBX-USED-WEIGHT-1M": "2399"}))
    way.enter(REQUEST, 120.0)
    assert 0 < sum(clock.slept) <= 61.1


@pytest.mark.parametrize("told", ["", "-1", "many", "²", "1e9"])
def test_a_header_that_is_no_number_is_not_heard(clock: Clock, told: str) -> None:
    way = gate(clock)
    way.hear(
        httpx.Response(200, request=REQUEST, headers=[(b"X-MBX-USED-WEIGHT-1M", told.encode())])
    )
    way.enter(REQUEST, 120.0)
    assert clock.slept == []


def test_a_restated_budget_is_kept_from_then_on(clock: Clock) -> None:
    way = gate(clock)
    minute = b'"interval":"MINUTE","intervalNum":1'
    body = b'{"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT",%b,"limit":100}]}' % minute
    asked = httpx.Request("GET", "https://fapi.binance.com/fapi/v1/exchangeInfo")
    way.hear(httpx.Response(200, content=body, request=asked))
    for _ in range(49):
        way.enter(REQUEST, 120.0)
    assert clock.slept == []
    way.enter(REQUEST, 120.0)
    assert sum(clock.slept) == pytest.approx(60.0 + ON_THE_WAY)


def test_a_request_must_fit_into_every_budget(clock: Clock) -> None:
    tight = Metering((Budget(100, 60, lambda _: 1), Budget(4, 2, lambda _: 1)))
    way = gate(clock, tight)
    for _ in range(30):
        way.enter(REQUEST, 120.0)
    # Of 4 and 98 percent of it, 3 are used every 2 seconds.
    assert sum(clock.slept) == pytest.approx(9 * (2.0 + ON_THE_WAY))


def test_a_request_dearer_than_the_budget_goes_alone(clock: Clock) -> None:
    way = gate(clock, Metering((Budget(10, 60, lambda _: 50),)))
    way.enter(REQUEST, 120.0)
    assert clock.slept == []
    clock.now += 1
    way.enter(REQUEST, 120.0)
    assert sum(clock.slept) == pytest.approx(59.0 + ON_THE_WAY)


def test_a_free_request_costs_nothing_and_never_waits(clock: Clock) -> None:
    free = gate(clock, Metering((Budget(1, 3600, lambda _: 0),)))
    for _ in range(10):
        free.enter(REQUEST, 120.0)
    assert clock.slept == []


def test_a_budget_that_takes_longer_than_patience_is_told_and_not_waited_for(clock: Clock) -> None:
    daily = gate(clock, Metering((Budget(10, 60, lambda _: 1), Budget(2, 86400, lambda _: 1))))
    daily.enter(REQUEST, 120.0)
    with pytest.raises(Unavailable, match="its budget is spent") as caught:
        daily.enter(REQUEST, 120.0)
    assert caught.value.after == timedelta(days=1, seconds=ON_THE_WAY)
    assert clock.slept == []


def test_a_shut_way_is_waited_for_within_patience_and_takes_of_it(clock: Clock) -> None:
    way = gate(clock)
    way.shut(Unavailable("slow down"), 30.0)
    assert way.enter(REQUEST, 120.0) == pytest.approx(90.0)
    assert clock.slept == [pytest.approx(30.0)]


def test_a_way_shut_longer_than_patience_is_told_at_once(clock: Clock) -> None:
    way = gate(clock)
    way.shut(Blocked("banned"), 600.0)
    with pytest.raises(Blocked, match="banned") as caught:
        way.enter(REQUEST, 120.0)
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == pytest.approx(600.0)
    clock.now += 600
    way.enter(REQUEST, 120.0)
    assert clock.slept == []


def test_a_way_shut_for_good_stays_so(clock: Clock) -> None:
    way = gate(clock)
    way.shut(Blocked("not from here"), float("inf"))
    way.shut(Unavailable("slow down"), 5.0)
    clock.now += 10**9
    with pytest.raises(Blocked, match="not from here") as caught:
        way.enter(REQUEST, 120.0)
    assert caught.value.after is None


def test_a_host_that_fails_again_and_again_gets_a_rest(clock: Clock) -> None:
    way = gate(clock)
    for _ in range(FAILURES):
        way.enter(REQUEST, 120.0)
        way.failed()
    with pytest.raises(Unavailable, match="left alone") as caught:
        way.enter(REQUEST, 120.0)
    assert caught.value.after == timedelta(seconds=REST)
    clock.now += REST
    way.enter(REQUEST, 120.0)
    assert clock.slept == []


def test_an_answer_in_between_spares_it_the_rest(clock: Clock) -> None:
    way = gate(clock)
    for _ in range(3 * FAILURES):
        way.failed()
        way.hear(httpx.Response(200, request=REQUEST))
    way.enter(REQUEST, 120.0)


def test_threads_share_one_budget(clock: Clock) -> None:
    way, together = gate(clock), Barrier(8)
    start = clock.now

    def work() -> None:
        together.wait()
        for _ in range(300):
            way.enter(REQUEST, 120.0)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work) for _ in range(8)]:
            done.result()
    # 2,400 requests of 2 need 4,800: two minutes must have passed, however many threads there are.
    assert clock.now - start >= 120


def test_requests_that_take_turns_at_being_slow_on_their_way_stay_within_the_budget(
    clock: Clock,
) -> None:
    """A venue counts what arrives: the slow one and the quick one after it come close together."""
    way = gate(clock, Metering((Budget(20, 2, lambda _: 1),)))
    arrived: list[float] = []
    for number in range(400):
        way.enter(REQUEST, 120.0)
        arrived.append(clock.now + (0.09 if number // 19 % 2 == 0 else 0.0))
    arrived.sort()
    most = max(sum(at - 2 < each <= at for each in arrived) for at in arrived)
    assert most <= 20
