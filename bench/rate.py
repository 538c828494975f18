"""How near a whole backfill comes to what the venue's budget allows, and that it is never refused.

All contracts of the most traded market since 2020, through the transport with its manners, against
a venue that counts by its own calendar minute and answers 429 to one weight too many. Time is
simulated: it is taken by the requests' travel, and by the sleeps that the transport asks for.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from bench import measure
from chandlery.model import Listing, Window
from chandlery.venues import Timepiece, load, pages
from chandlery.venues.transport import Manners

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


@dataclass
class Metered:
    """A venue that meters by the calendar minute, and the clock that all go by."""

    now: float = 1_700_000_000.0
    refused: int = 0
    minutes: dict[int, float] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer, or say that it was too much."""
        self.now += TRAVEL
        minute = int(self.now // 60)
        used = self.minutes.get(minute, 0.0) + COSTS[request.url.query]
        self.minutes[minute] = used
        if used > BUDGET.most:
            self.refused += 1
            return httpx.Response(429, content=b'{"code":-1003,"msg":"Too many requests."}')
        return httpx.Response(200, headers={BUDGET.header or "": str(int(used))}, content=b"[]")

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def backfill(contracts: int) -> tuple[float, Metered]:
    """Ask for all pages of so many contracts; the share of the bound that was reached (0..1)."""
    venue = Metered()
    timepiece = Timepiece(lambda: venue.now, lambda: venue.now, venue.sleep)
    manners = Manners(httpx.MockTransport(venue), timepiece=timepiece)
    began = venue.now
    for ask in ASKS:
        ask.extensions = {"venue": FUTURES.venue}
    for _ in range(contracts):
        for ask in ASKS:
            manners.handle_request(ask)
    least = 60 * contracts * sum(COSTS.values()) / BUDGET.most
    return least / (venue.now - began), venue


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--contracts", type=int, default=CONTRACTS)
    contracts = parser.parse_args(arguments).contracts
    share, venue = backfill(contracts)
    requests = f"{contracts * len(ASKS):,} requests"
    print(f"{requests}, {len(venue.minutes)} minutes, {venue.refused} refused")
    return [
        measure.Figure(f"of the rate bound, {requests}", [share], least=0.97, form=".4f"),
        measure.Figure(f"429, {requests}", [venue.refused], most=0.0, form=".0f"),
    ]


if __name__ == "__main__":
    measure.run(main)
