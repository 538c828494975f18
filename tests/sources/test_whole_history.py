"""The budget of the most traded market, used up: 592 contracts since 2020 against a venue's meter.

The venue counts by its own calendar minute and would answer 429 to one weight too many.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from candles import Listing, Window
from sources import load, pages
from sources.transport import Manners

if TYPE_CHECKING:
    from conftest import Clock

FUTURES = load()["binance_futures"]
BUDGET = FUTURES.venue.metering.budgets[0]
WHOLE = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))
CONTRACTS = 592
ASKS = [
    FUTURES.request(Listing(1, FUTURES.name, "MADEUPUSDT"), page)
    for page in pages(FUTURES, WHOLE, WHOLE.end)
]
COSTS = {ask.url.query: BUDGET.cost(ask) for ask in ASKS}
TRAVEL = 0.002
"""Seconds that each request takes of the one thread that simulates all."""


class Metered:
    """A venue that meters by the calendar minute."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.minutes: dict[int, float] = {}
        self.refused = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.clock.now += TRAVEL
        minute = int(self.clock.now // 60)
        used = self.minutes.get(minute, 0.0) + COSTS[request.url.query]
        self.minutes[minute] = used
        if used > BUDGET.most:
            self.refused += 1
            return httpx.Response(429, content=b'{"code":-1003,"msg":"Too many requests."}')
        return httpx.Response(200, headers={BUDGET.header or "": str(int(used))}, content=b"[]")


def test_the_whole_history_of_all_contracts_takes_hardly_longer_than_the_budget_must(
    clock: Clock,
) -> None:
    venue = Metered(clock)
    manners = Manners(httpx.MockTransport(venue), timepiece=clock.timepiece)
    began = clock.now
    for ask in ASKS:
        ask.extensions = {"venue": FUTURES.venue}
    for _ in range(CONTRACTS):
        for ask in ASKS:
            manners.handle_request(ask)
    took = clock.now - began
    least = 60 * CONTRACTS * sum(COSTS.values()) / BUDGET.most
    assert len(ASKS) == 122
    assert venue.refused == 0
    assert max(venue.minutes.values()) <= BUDGET.most
    assert least / took >= 0.97
