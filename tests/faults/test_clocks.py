"""Clocks that are wrong, and clocks that are set while a run is under way."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from chandlery.engine.context import open_context
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR, instant, whole_hour
from chandlery.rate_limit.account import SHARE, Memory
from chandlery.rate_limit.gate import Gate, Timepiece
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import Budget, Metering, load
from sandbox import serving
from tests.fault_table import Happened
from tests.faults.site import Slept

NOW = instant("2026-11-22T10:30Z")
SOURCES = ("binance_futures", "okx", "bybit", "coingecko")
BEGIN = 1_700_000_000.0
REQUEST = httpx.Request("GET", "http://venue.example/")
MINUTE = Metering((Budget(100, 60, lambda _: 1.0),))
STEPS = {"set forward by an hour": 3600.0, "set back by an hour": -3600.0}


class Clocks:
    """A wall clock that is set now and then, and one that only goes on."""

    def __init__(self, every: int, step: float) -> None:
        self.monotonic, self.wall = 0.0, BEGIN
        self.every, self.step, self.slept = every, step, 0
        self.timepiece = Timepiece(lambda: self.monotonic, lambda: self.wall, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds
        self.slept += 1
        if self.slept % self.every == 0:
            self.wall += self.step


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(
            step,
            id=what,
            marks=pytest.mark.fault(
                "process",
                f"wall clock {what}, again and again",
                "no minute has more than the venue's budget, and nobody stalls",
            ),
        )
        for what, step in STEPS.items()
    ],
)
def test_a_clock_that_is_set(step: float, happened: Happened) -> None:
    clocks = Clocks(every=2, step=step)
    ahead = clocks.wall - clocks.monotonic
    way = Gate("place", MINUTE, Memory(ahead), clocks.timepiece)
    sent = []
    for _ in range(1000):
        way.enter(REQUEST, 120.0)
        sent.append(clocks.monotonic)
        clocks.sleep(0.01)
    most = max(sum(at - 60 < each <= at for each in sent) for at in sent)
    assert most <= 100
    assert sent[-1] < 1000 / (SHARE * 100) * 60 * 1.1
    happened(f"{most} of 100 in the fullest minute; 1,000 requests in {sent[-1]:.0f} s")


def collected(settings: Settings, at_venues: datetime, here: datetime) -> set[tuple[Any, ...]]:
    """Collect by this clock from venues that have another; all (coin, hour) that are there then."""
    with serving(coins=12, seed=7, now=at_venues, limits=False) as venues:
        asked = settings.model_copy(update={"venues_url": venues.url})
        with open_context(asked, timepiece=Slept().timepiece) as context:
            learn(context, here)
            run(context, run_spec(now=here, known_sources=load(), sources=SOURCES, hours=24))
            query = "select coin, open_time from candle_1h"
            return set(context.connection.execute(query).fetchall())


@pytest.mark.fault(
    "process",
    "local clock five hours ahead of the venues'",
    "no open candle is stored; when the clock is right again, the hours that closed since are had",
)
def test_a_clock_ahead_of_the_venues(settings: Settings, happened: Happened) -> None:
    closed, later = whole_hour(NOW), 2 * HOUR
    early = collected(settings, NOW, NOW + 5 * HOUR)
    assert max(hour for _, hour in early) == closed - HOUR
    right = collected(settings, NOW + later, NOW + later)
    assert max(hour for _, hour in right) == closed + later - HOUR
    newest = {coin for coin, hour in early if hour == closed - HOUR}
    assert {coin for coin, hour in right if hour >= closed} == newest
    assert len(right - early) >= 2 * len(newest)
    happened(f"{len(early)} candles, none of them open; then two more of {len(newest)} coins")
