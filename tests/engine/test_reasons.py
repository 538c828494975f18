"""What is injected at the venues is what the absences say, and what can be had again comes back."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chandlery import embedded, store
from chandlery.cli.gaps import evidence
from chandlery.engine.context import RunContext
from chandlery.engine.result import RunResult
from chandlery.engine.run import fill_gaps, run
from chandlery.engine.spec import run_spec
from chandlery.model import Window, instant
from chandlery.quality.check import assess
from chandlery.settings import Settings
from chandlery.store import Gap
from chandlery.symbology.learn import learn
from chandlery.venues import load
from sandbox import Serving, serving

Open = Callable[..., AbstractContextManager[RunContext]]
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
START = "2026-10-08"
SPOT = ("binance_spot",)


Rows = list[tuple[Any, ...]]


class Site:
    """A database, venues, and runs between them at any moment."""

    def __init__(self, settings: Settings, venues: Serving, open_tools: Open) -> None:
        alone = {"venues_url": venues.url, "priority": SPOT}
        self.settings = settings.model_copy(update=alone)
        self.venues, self.open_tools = venues, open_tools

    def learn(self, now: datetime = NOW) -> None:
        with self.open_tools(self.settings) as context:
            learn(context, now)

    def backfill(self, now: datetime = NOW, **given: Any) -> RunResult:
        return self._run(run, now, {"start": START} | given)

    def fill(self, now: datetime, **given: Any) -> RunResult:
        return self._run(fill_gaps, now, {"start": START, "recheck_hours": 24} | given)

    def _run(
        self, what: Callable[..., RunResult], now: datetime, given: dict[str, Any]
    ) -> RunResult:
        asked = {"sources": SPOT, "symbols": ["BTC", "ETH", "XRP"], "now": now} | given
        with self.open_tools(self.settings) as context:
            return what(context, run_spec(known_sources=load(), **asked))

    def gaps(self, now: datetime = NOW, window: Window | None = None) -> list[Gap]:
        with store.connect(self.settings) as connection:
            return store.gaps(connection, None, window, now)

    def rows(self) -> Rows:
        with store.connect(self.settings) as connection:
            query = "select * from candle_1h order by coin, open_time"
            return connection.execute(query).fetchall()

    def asked(self) -> list[dict[str, Any]]:
        return [each for each in self.venues.requests()["requests"] if "klines" in each["path"]]


@pytest.fixture
def site(settings: Settings, open_tools: Open) -> Iterator[Site]:
    with serving(coins=12, seed=7, now=NOW, limits=False) as venues:
        yield Site(settings, venues, open_tools)


class Injected(NamedTuple):
    """A fault, the coins it hits, the hours that lack for it, and the reason to be told."""

    fault: str
    options: dict[str, Any]
    coins: tuple[str, ...]
    hours: tuple[str, str]
    reason: str
    comes_back: bool = True


SPAN = {"start": "2026-11-10T03:00Z", "end": "2026-11-10T09:00Z"}
HOURS = (SPAN["start"], SPAN["end"])
FIRST_PAGE = ("2026-10-08T00:00Z", "2026-11-18T16:00Z")
FROM_START = ("2026-10-08T00:00Z", "2026-11-03T05:00Z")
TO_NOW = ("2026-11-18T07:00Z", "2026-11-22T10:00Z")
ALL = ("BTC", "ETH", "XRP")
ONE = {"symbol": "ETHUSDT"}
XRP = {"symbol": "XRPUSDT"}  # no other market of it is listed
INJECTED = (
    Injected("outage", {"source": "binance_spot"} | SPAN, ALL, HOURS, "outage at the venue"),
    Injected("halt", ONE | SPAN, ("ETH",), HOURS, "no trades"),
    Injected("lost", ONE | SPAN, ("ETH",), FIRST_PAGE, "fetch failed"),
    Injected("500", ONE, ("ETH",), ("2026-10-08T00:00Z", TO_NOW[1]), "fetch failed"),
    Injected(
        "listed",
        ONE | {"start": FROM_START[1]},
        ("ETH",),
        FROM_START,
        "not listed yet",
        comes_back=False,
    ),
    Injected("delisted", XRP | {"end": TO_NOW[0]}, ("XRP",), TO_NOW, "delisted"),
)


def _print_row(fault: str, symbol: str, when: str, told: str) -> None:
    """A row of the table: what was injected, and what is told of it."""
    sys.stdout.write(f"\n  {fault:9} {symbol:4} {when:38} {told}")


@pytest.fixture(scope="module")
def undisturbed(
    template: Path, tmp_path_factory: pytest.TempPathFactory, open_tools: Open
) -> Iterator[Rows]:
    """What a run keeps where nothing is injected."""
    home = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(template / "pgdata", home / "pgdata")
    settings = Settings(DATABASE_URL=None, CHANDLERY_HOME=home)
    with serving(coins=12, seed=7, now=NOW, limits=False) as venues:
        site = Site(settings, venues, open_tools)
        site.learn()
        site.backfill()
        yield site.rows()
    embedded.stop(home)


@pytest.mark.parametrize("injected", INJECTED, ids=lambda each: each.fault)
def test_the_reason_of_an_absence_is_what_was_injected_and_what_can_be_had_comes_back(
    site: Site, injected: Injected, undisturbed: Rows
) -> None:
    site.learn(NOW - WEEK)
    site.venues.fault(injected.fault, **injected.options)
    site.learn()
    site.backfill()
    asked = Window(instant(START), instant(TO_NOW[1]))
    found = site.gaps(window=asked)
    told = {gap.symbol: (gap.window, gap.reason) for gap in found}
    hours = Window(*map(instant, injected.hours))
    assert told == dict.fromkeys(injected.coins, (hours, injected.reason))

    site.venues.clear()
    later = NOW + 2 * HOUR
    site.learn(later)
    site.fill(later, end="2026-11-22T10:00Z")
    assert bool(site.gaps(later, asked)) != injected.comes_back
    stored = site.rows()
    kept = set(undisturbed if injected.comes_back else stored)
    assert stored == [row for row in undisturbed if row in kept]


ETH_ALONE = {"symbols": ["ETH"]}


@pytest.mark.parametrize(
    ("fault", "options", "reason", "others"),
    [
        ("halt", ONE, "no trades", ("have", "BTC")),
        ("outage", {"source": "binance_spot"}, "outage at the venue", ("lack", "BTC")),
    ],
)
def test_alone_a_coins_hole_is_compared_with_the_most_traded(
    site: Site, fault: str, options: dict[str, Any], reason: str, others: tuple[str, str]
) -> None:
    site.learn()
    site.venues.fault(fault, **options, **SPAN)
    site.backfill(**ETH_ALONE)
    whole = Window(instant(START), instant(TO_NOW[1]))
    (gap,) = site.gaps(window=whole)
    (known,) = gap.evidence
    assert (gap.window, gap.reason) == (Window(*map(instant, HOURS)), reason)
    assert (known["others"], known["other"]) == others
    (asked,) = [each["query"] for each in site.asked() if each["query"]["symbol"] == "BTCUSDT"]
    start, end = (int(instant(SPAN[name]).timestamp() * 1000) for name in ("start", "end"))
    assert int(asked["startTime"]) == start - HOUR // MILLISECOND
    assert int(asked["endTime"]) == end + HOUR // MILLISECOND - 1

    # With the hole itself: until then nobody is asked; what bitcoin has is final.
    site.venues.forget()
    site.fill(NOW + 59 * MINUTE, end="2026-11-22T10:00Z", recheck_hours=0, **ETH_ALONE)
    assert site.asked() == []
    later = NOW + HOUR
    site.fill(later, end="2026-11-22T10:00Z", recheck_hours=0, **ETH_ALONE)
    again = [each["query"]["symbol"] for each in site.asked()]
    assert again == ["ETHUSDT"] + ["BTCUSDT"] * (others[0] == "lack")
    (gap,) = site.gaps(later, whole)
    assert (gap.reason, gap.attempts) == (reason, 2)


def test_bitcoins_own_hole_is_compared_with_ethereum(site: Site) -> None:
    site.learn()
    site.venues.fault("halt", symbol="BTCUSDT", **SPAN)
    site.backfill(symbols=["BTC"])
    (gap,) = site.gaps(window=Window(instant(START), instant(TO_NOW[1])))
    (known,) = gap.evidence
    assert (gap.reason, known["others"], known["other"]) == ("no trades", "have", "ETH")


def test_where_nobody_can_be_asked_to_compare_nothing_is_claimed(site: Site) -> None:
    site.learn()
    site.venues.fault("outage", source="binance_spot", **SPAN)
    site.venues.fault("500", symbol="BTCUSDT")
    assert site.backfill(**ETH_ALONE).failed == {}
    whole = Window(instant(START), instant(TO_NOW[1]))
    (gap,) = site.gaps(window=whole)
    assert gap.reason == "no source has it"
    assert evidence(gap) == [
        "binance_spot has none between candles that it has, only this coin was asked (asked once)"
    ]
    site.venues.clear()
    site.venues.fault("outage", source="binance_spot", **SPAN)
    later = NOW + HOUR
    site.fill(later, end="2026-11-22T10:00Z", recheck_hours=0, **ETH_ALONE)
    (gap,) = site.gaps(later, whole)
    assert gap.reason == "outage at the venue"


def test_an_outage_that_goes_on_is_told_once_newer_candles_frame_it(site: Site) -> None:
    """Until then nothing tells an outage from candles that are late."""
    site.learn()
    hours = Window(instant("2026-11-22T09:00Z"), instant("2026-11-22T14:00Z"))
    span = {"start": f"{hours.start:%FT%TZ}", "end": f"{hours.end:%FT%TZ}"}
    site.venues.fault("outage", source="binance_spot", **span)
    site.backfill()
    so_far = site.gaps(NOW, Window(hours.start, instant(TO_NOW[1])))
    assert {(gap.symbol, gap.reason) for gap in so_far} == {
        (symbol, "no source has it") for symbol in ALL
    }

    after = NOW + 6 * HOUR
    site.venues.at(after)
    site.fill(after)
    told = site.gaps(after, Window(hours.start, hours.end + HOUR))
    assert {(gap.symbol, gap.window, gap.reason) for gap in told} == {
        (symbol, hours, "outage at the venue") for symbol in ALL
    }


def test_a_gap_proven_empty_is_not_asked_for_before_its_time(site: Site) -> None:
    hole = Window(*map(instant, HOURS))
    site.learn()
    site.venues.fault("halt", symbol="ETHUSDT", **SPAN)
    site.backfill()

    def requests(now: datetime, **given: Any) -> int:
        site.venues.forget()
        site.fill(now, end="2026-11-22T10:00Z", recheck_hours=0, **given)
        return len(site.asked())

    assert requests(NOW + 59 * MINUTE) == 0
    sure = NOW + HOUR - 20 * SECOND  # an hourly run that started some seconds sooner
    assert requests(sure) == 1
    assert [requests(sure + after) for after in (HOUR, DAY, WEEK - MINUTE)] == [0, 0, 0]
    assert requests(sure + DAY, patient=False) == 1
    sure += DAY
    (gap,) = site.gaps(sure, hole)
    assert (gap.window, gap.attempts, gap.next_attempt) == (hole, 3, sure + WEEK)
    assert requests(sure + WEEK - MINUTE) == 0
    assert requests(sure + WEEK) == 1


def test_asked_again_a_gap_is_framed_by_its_neighbours(site: Site) -> None:
    hole = Window(*map(instant, HOURS))
    site.learn()
    site.venues.fault("halt", symbol="ETHUSDT", **SPAN)
    site.backfill()
    site.venues.forget()
    site.fill(NOW + 2 * HOUR, end="2026-11-22T10:00Z", recheck_hours=0)
    (request,) = site.asked()
    milliseconds = [int(at.timestamp() * 1000) for at in (hole.start - HOUR, hole.end + HOUR)]
    assert request["query"]["startTime"] == str(milliseconds[0])
    assert request["query"]["endTime"] == str(milliseconds[1] - 1)


def test_rows_that_arrive_in_the_middle_trim_a_gap(site: Site) -> None:
    hole = Window(*map(instant, HOURS))
    site.learn()
    site.venues.fault("halt", symbol="ETHUSDT", **SPAN)
    site.backfill()
    site.venues.clear()
    site.venues.fault("halt", symbol="ETHUSDT", start=SPAN["start"], end="2026-11-10T05:00Z")
    site.fill(NOW + 2 * HOUR, end="2026-11-22T10:00Z")
    (gap,) = site.gaps(NOW + 2 * HOUR, Window(instant(START), instant(TO_NOW[1])))
    assert gap.window == Window(hole.start, hole.start + 2 * HOUR)
    assert (gap.reason, gap.attempts) == ("no trades", 2)


def test_a_gap_at_one_venue_is_filled_by_the_next_and_the_first_is_not_asked_again(
    site: Site,
) -> None:
    sources = ("binance_spot", "okx")
    site.settings = site.settings.model_copy(update={"priority": sources})
    site.learn()
    site.venues.fault("outage", source="binance_spot", **SPAN)
    site.backfill(sources=sources)
    assert site.gaps(window=Window(instant(START), NOW - HOUR)) == []
    site.venues.forget()
    site.fill(NOW + 2 * HOUR, end="2026-11-22T10:00Z", recheck_hours=0, sources=sources)
    assert site.venues.requests()["total"] == 0


def test_the_newest_hours_are_seen_again_and_only_they(site: Site) -> None:
    site.learn()
    site.backfill()
    site.venues.forget()
    result = site.fill(NOW, recheck_hours=6)
    spans = {(each["query"]["symbol"], each["query"]["limit"]) for each in site.asked()}
    assert spans == {("BTCUSDT", "6"), ("ETHUSDT", "6"), ("XRPUSDT", "6")}
    assert result.records == 0


def test_a_candle_restated_lately_is_replaced_and_leaves_a_trace(site: Site) -> None:
    site.learn()
    hour = "2026-11-22T07:00Z"
    site.venues.fault("wrong", symbol="ETHUSDT", start=hour, by=10)
    site.backfill()
    wrong = site.rows()
    site.venues.clear()
    site.fill(NOW + HOUR, end="2026-11-22T10:00Z")
    assert [row[0] for row in set(wrong) - set(site.rows())] == [instant(hour)]
    with store.connect(site.settings) as connection:
        traced = connection.execute("select open_time, replaced_at from restated").fetchall()
    assert traced == [(instant(hour), NOW + HOUR)]


def test_a_wrong_candle_of_long_ago_is_found_asked_again_and_closed(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.learn()
    hour = "2026-11-12T07:00Z"
    site.venues.fault("wrong", symbol="ETHUSDT", start=hour, by=10)
    site.backfill()
    with store.connect(site.settings) as connection:
        report = assess(connection, NOW)
    assert report.open.select("symbol", "kind").unique().rows() == [("ETH", "jump")]
    site.venues.clear()
    site.fill(NOW + HOUR, end="2026-11-22T10:00Z", recheck_hours=0)
    with store.connect(site.settings) as connection:
        report = assess(connection, NOW + HOUR)
    assert report.open.select("symbol", "kind").rows() == [("ETH", "restated")]
    with capsys.disabled():
        _print_row("wrong", "ETH", hour, "jump, then restated")


def test_zombies_after_a_delisting_are_not_taken_for_candles(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    end = "2026-11-18T07:00Z"
    site.settings = site.settings.model_copy(update={"priority": ("binance_futures",)})
    site.learn(NOW - WEEK)
    site.venues.fault("delisted", symbol="XRPUSDT", end=end, zombie=1)
    before = instant("2026-11-20T10:30Z")
    site.backfill(before, sources=("binance_futures",))  # who does not know yet keeps them
    with store.connect(site.settings) as connection:
        report = assess(connection, before)
    zombies = report.open.filter(kind="zombie").select("symbol", "open_time").rows()
    assert zombies == [("XRP", instant(end))]
    site.learn()
    site.backfill(sources=("binance_futures",))
    assert max(row[0] for row in site.rows() if row[5] == 0) < before
    (gap,) = site.gaps(window=Window(instant(START), instant(TO_NOW[1])))
    assert (gap.symbol, gap.reason) == ("XRP", "delisted")
    with capsys.disabled():
        _print_row("zombie", "XRP", str(gap.window), "zombie, then delisted")


def test_what_a_venue_refuses_is_evidence_and_not_asked_for_before_its_time(site: Site) -> None:
    site.learn()
    with store.connect(site.settings) as connection:
        connection.execute("update listing set symbol = 'NOSUCHUSDT' where symbol = 'ETHUSDT'")
    days = {"symbols": ["ETH"], "start": "2026-11-18", "end": "2026-11-22T10:00Z"}
    assert list(site.backfill(**days).failed) == ["ETH"]
    (gap,) = site.gaps(window=Window(instant(days["start"]), instant(days["end"])))
    said = {each["source"]: each["words"] for each in gap.evidence if each["outcome"] == "refused"}
    assert gap.reason == "no source has it"
    assert "Invalid symbol" in said["binance_spot"]
    site.venues.forget()
    assert site.fill(NOW + 30 * MINUTE, **days).failed == {}
    assert site.asked() == []
    assert list(site.fill(NOW + HOUR, **days).failed) == ["ETH"]
