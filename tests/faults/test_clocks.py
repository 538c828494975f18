"""Clocks that are wrong, and clocks that are set while a run is under way."""

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from chandlery import store
from chandlery.engine.context import open_context
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR, Window, instant, whole_hour
from chandlery.rate_limit.account import SHARE, Memory
from chandlery.rate_limit.gate import Gate, Timepiece
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import Budget, Metering, load
from sandbox import serving
from sandbox.front import whole
from tests.command_line import chandlery
from tests.fault_table import Happened
from tests.faults.conftest import NOW as RIGHT
from tests.faults.conftest import Place
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


TODAY = Window(instant("2026-11-22"), whole_hour(RIGHT))
"""What has closed of the day."""
TOLD_BY = ("okx", "bybit", "binance_spot")


def dated(place: Place, sources: tuple[str, ...], off: timedelta) -> None:
    """Have these venues' answers with candles bear a time that is so far off."""
    place.clock.ahead = 0.0  # what others waited would count as this run's
    at = format_datetime(RIGHT + off, usegmt=True)
    place.front.spoil = lambda name, answer: [
        whole(answer, date=at) if name in sources else whole(answer)
    ]


def known(place: Place) -> tuple[int, int]:
    """How many absences and outages are noted."""
    with store.connect(place.settings) as connection:
        row = connection.execute(
            "select (select count(*) from absence), (select count(*) from outage)"
        ).fetchone()
    assert row is not None
    return row


def hours(place: Place) -> int:
    return len(place.stored(window=TODAY))


@pytest.mark.fault(
    "venue",
    "its clock is a day behind, for days",
    "told; all but its two newest hours stored, and these are no gap's evidence; others fill in",
)
def test_a_venues_clock_behind(place: Place, happened: Happened) -> None:
    dated(place, ("okx",), timedelta(days=-1))
    newest = {"start": None, "end": None, "hours": 24}
    for later in range(3):
        result = place.collect("okx", **newest | {"now": RIGHT + later * HOUR})
        assert result.failed == {}
    assert hours(place) == TODAY.hours - 2
    assert known(place) == (0, 0)
    assert place.reasons(window=TODAY) == {"not tried": 2}
    (words,) = result.findings
    assert words.startswith("okx says that it is 2026-11-21 10:30Z, and the clock here")
    assert "one of the two is wrong" in words
    beside = place.collect("okx", "bybit", **newest)
    assert (hours(place), beside.rows) == (TODAY.hours, {"bybit": 2})
    assert "as bybit" in beside.findings[0]
    place.mend()
    assert place.collect("okx", **newest).findings == []
    happened(f"“{words}”; all but two hours stored, 0 absences, 0 outages; bybit had these")


@pytest.mark.fault("venue", "its clock is a day ahead", "told; ours decides, all stored")
def test_a_venues_clock_ahead(place: Place, happened: Happened) -> None:
    dated(place, ("okx",), timedelta(days=1))
    result = place.collect("okx", start=None, end=None, hours=24)
    assert (hours(place), known(place)) == (TODAY.hours, (0, 0))
    (words,) = result.findings
    assert words.startswith("okx says that it is 2026-11-23 10:30Z, and the clock here")
    happened(f"“{words}”")


@pytest.mark.parametrize(
    "ahead",
    [
        pytest.param(
            timedelta(**ahead),
            id=what,
            marks=pytest.mark.fault(
                "process",
                f"the local clock is {what} ahead of every venue's",
                "told whose clock is wrong; no open candle, absence or outage; "
                "the right clock has all",
            ),
        )
        for what, ahead in (
            ("five hours", {"hours": 5}),
            ("a week", {"days": 7}),
            ("three years", {"days": 1100}),
        )
    ],
)
def test_our_clock_ahead(place: Place, happened: Happened, ahead: timedelta) -> None:
    wrong = {"start": None, "end": None, "hours": 48, "now": RIGHT + ahead}
    for _ in range(2):
        result = place.collect(*TOLD_BY, **wrong)
    assert known(place) == (0, 0)
    assert all(hour < TODAY.end for hour in place.stored(window=Window(TODAY.start, wrong["now"])))
    (words,) = result.findings
    assert words.startswith("binance_spot, bybit and okx say that it is 2026-11-22 10:30Z")
    assert "ahead: set it right" in words
    place.collect(*TOLD_BY, start=None, end=None, hours=24)
    assert (hours(place), known(place)) == (TODAY.hours, (0, 0))
    happened(f"“{words}”; 0 absences, 0 outages; then all {TODAY.hours} hours")


@pytest.mark.fault(
    "process",
    "the local clock is five hours ahead, and the venue's a day behind",
    "no open candle is stored: a candle has closed when two others follow",
)
def test_both_clocks_wrong(place: Place, happened: Happened) -> None:
    dated(place, ("okx",), timedelta(days=-1))
    place.collect("okx", start=None, end=None, hours=24, now=RIGHT + 5 * HOUR)
    newest = max(place.stored(window=Window(TODAY.start, RIGHT + 5 * HOUR)))
    assert TODAY.end - 3 * HOUR <= newest < TODAY.end
    assert known(place) == (0, 0)
    happened(f"the newest stored is of {newest:%H:%M}, at {RIGHT:%H:%M}")


@pytest.mark.fault(
    "process",
    "runs by a clock of 2099, and then by the right one",
    "what they left in the future is told once and not believed",
)
def test_a_clock_once_ahead(place: Place, happened: Happened) -> None:
    environment = {
        "CHANDLERY_HOME": str(place.settings.home),
        "CHANDLERY_VENUES_URL": place.front.url,
        "CHANDLERY_SOURCES": "okx",
        "DATABASE_URL": "",
    }

    def said(*words: str) -> list[str]:
        done = chandlery(*words, environment=environment)
        assert done.returncode == 0, done
        return [line for line in done.stderr.splitlines() if "clock was ahead" in line]

    ahead, right = "2099-11-22T10:30Z", f"{RIGHT:%FT%RZ}"
    for verb in ("hourly", "quality"):
        said(verb, "--now", ahead)
    (told,) = said("hourly", "--now", right)
    assert "of a time up to 2099-11-22 10:30Z is not believed" in told
    assert said("hourly", "--now", right) == []
    with store.connect(place.settings) as connection:
        (run,) = store.last_runs(connection)
        assert run.ended_at < RIGHT + HOUR
        # What other tests noted since is of the past, whenever this runs.
        assert store.forget_future(connection, instant("2098-01-01")).rows == {}
    happened(f"“{told}”; the next run says nothing")
