"""What holds of every plan and every merge, whatever is stored, known, and first to come."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, groupby, pairwise
from operator import attrgetter
from uuid import UUID

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chandlery import store
from chandlery.engine import plan
from chandlery.engine.claimed import Claim
from chandlery.engine.context import RunContext
from chandlery.engine.result import RunResult
from chandlery.engine.source_batch import SourceBatch
from chandlery.engine.spec import run_spec
from chandlery.engine.turn import Turn, differing, flushes
from chandlery.engine.turn import better as kept_from
from chandlery.model import HOUR, KINDS, Listing, Window
from chandlery.settings import Settings
from chandlery.store import Absence
from tests.engine.conftest import Open

Frame = Callable[..., pl.DataFrame]

T0 = datetime(2024, 2, 28, tzinfo=UTC)
SPAN, COINS, EXAMPLES, PAGE_HOURS = 80, 300, 40, 9
NOW = T0 + SPAN * HOUR + timedelta(minutes=5)
SOURCES = ("binance_futures", "geckoterminal", "coingecko", "okx")  # of all three kinds

few = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
hours = st.integers(0, SPAN - 1)
spans = st.tuples(hours, st.integers(1, 30)).map(lambda x: (x[0], min(x[0] + x[1], SPAN)))
stored = st.lists(spans, max_size=5).map(
    lambda parts: {hour for start, end in parts for hour in range(start, end)}
)
almost_all = st.sets(hours, max_size=3).map(lambda lost: set(range(SPAN)) - lost)
known = st.lists(st.tuples(spans, st.none() | st.integers(-60, 120)), max_size=4)
next_coin = count(1).__next__


@pytest.fixture
def context(settings: Settings, open_tools: Open) -> Iterator[RunContext]:
    with open_tools(settings) as opened:
        names = [f"coin-{n}" for n in range(1, COINS + 1)]
        ranked = {"id": names, "ticker": names, "name": names, "rank": range(1, COINS + 1)}
        store.learn_coins(opened.connection, pl.DataFrame(ranked), T0)
        yield opened


@pytest.fixture
def key(context: RunContext) -> int:
    return store.source_key(context.connection, "binance_spot")


def claim(context: RunContext, coin: int = 0, other: Window | None = None) -> Claim:
    """One that leaves these hours of a coin to another run."""
    by = store.Claimant(UUID(int=1), "another", store.Process.ours())
    others = {} if other is None else {coin: [store.Claim(coin, other, by)]}
    return Claim(context.connection, UUID(int=0), others, context.clock)


def within(windows: list[Window]) -> list[int]:
    return [(window.start - T0) // HOUR + n for window in windows for n in range(window.hours)]


@few
@given(
    there=stored | almost_all,
    entries=known,
    life=st.tuples(st.none() | st.integers(0, 40), st.none() | st.integers(30, SPAN)),
    patient=st.sampled_from([True, True, False]),
    refreshed=st.booleans(),
    sparse=st.booleans(),
    theirs=st.none() | spans,
)
@example(  # three holes of one page, of which another run is at work on the second
    there=set(range(SPAN)) - {10, 12, 14},
    entries=[],
    life=(None, None),
    patient=True,
    refreshed=True,
    sparse=True,
    theirs=(12, 13),
)
def test_a_plan_has_what_is_missing_and_due_and_nothing_that_is_there(  # noqa: PLR0913, PLR0917
    context: RunContext,
    key: int,
    frame: Frame,
    there: set[int],
    entries: list[tuple[tuple[int, int], int | None]],
    life: tuple[int | None, int | None],
    patient: bool,  # noqa: FBT001
    refreshed: bool,  # noqa: FBT001
    sparse: bool,  # noqa: FBT001
    theirs: tuple[int, int] | None,
) -> None:
    coin, connection = next_coin(), context.connection
    store.write(connection, {coin: frame(there)}, key)
    if refreshed:
        store.refresh(connection)
    quiet: set[int] = set()
    noted = []
    for (start, end), minutes in entries:
        part = Window(T0 + start * HOUR, T0 + end * HOUR)
        due = None if minutes is None else NOW + timedelta(minutes=minutes)
        for window in part.without(each.window for each in noted):
            noted.append(Absence(coin, window, "hole", None, NOW - HOUR, NOW - HOUR, 1, due))
            quiet |= set(within([window])) if due and due - NOW > plan.SLACK else set()
    store.replace_absences(connection, key, [coin], noted)
    start, end = (None if at is None else T0 + at * HOUR for at in life)
    listing = Listing(coin, "binance_spot", "XUSDT", start=start, end=end)
    asked = run_spec(
        now=NOW, known_sources=context.sources, sources=SOURCES, start="2024-02-28", patient=patient
    )
    source = replace(context.sources["binance_spot"], page_hours=PAGE_HOURS, sparse=sparse)
    other = None if theirs is None else Window(T0 + theirs[0] * HOUR, T0 + theirs[1] * HOUR)
    lives, ours = plan.lives([listing], asked.window), claim(context, coin, other)
    pages = plan.pages(context, asked, source, key, lives, ours)

    first, last = 0 if life[0] is None else life[0], SPAN if life[1] is None else life[1]
    missing = set(range(first, last)) - there - set(within([other] if other else []))
    wanted = within([page.window for page in pages])
    assert len(wanted) == len(set(wanted))
    assert set(wanted) <= missing
    assert set(wanted) >= missing - (quiet if patient else set())
    for _, group in groupby(pages, attrgetter("asked")):
        alike = [page.window for page in group]  # by one request
        hull, hours = Window(alike[0].start, alike[-1].end), within(alike)
        assert sparse or len(alike) == 1
        assert other is None or not hull.clip(other)
        assert not patient or other is not None or not {hours[0], hours[-1]} & quiet
    for page in pages:
        assert page.asked.hours <= PAGE_HOURS
        assert page.asked.clip(page.window) == page.window
        # An hour before its life: a candle there would say that it began earlier.
        assert T0 + (first - 1) * HOUR <= page.asked.start or start is None
        assert page.asked.end <= T0 + last * HOUR
    assert all(one.window.end <= next_.window.start for one, next_ in pairwise(pages))


def rows(context: RunContext, coin: int) -> list[tuple[object, ...]]:
    return context.connection.execute(
        "select open_time, close, source from candle_1h where coin = %s order by open_time", (coin,)
    ).fetchall()


def traces(context: RunContext, coin: int) -> int:
    found = context.connection.execute("select from restated where coin = %s", (coin,))
    return len(found.fetchall())


@few
@given(st.lists(st.lists(st.tuples(st.integers(0, 1), spans), max_size=4), max_size=4))
def test_pages_in_any_order_overlapping_and_flushed_anyhow_make_the_same_table(
    context: RunContext, key: int, frame: Frame, flushed: list[list[tuple[int, tuple[int, int]]]]
) -> None:
    coins = [next_coin(), next_coin()]
    asked = run_spec(now=NOW, known_sources=context.sources, sources=SOURCES, start="2024-02-28")
    source = context.sources["okx"]
    mine = SourceBatch(context, asked, source, RunResult(), lambda _: None, claim(context))
    turn = Turn.of(mine, [])
    expected: list[set[int]] = [set(), set()]
    for pages in flushed:
        answers = [
            (coins[which], frame(range(*span), close=[2 + hour / 100 for hour in range(*span)]))
            for which, span in pages
        ]
        for _, frames in flushes((turn, *answer) for answer in answers):
            store.write(context.connection, frames, key)
        for which, span in pages:
            expected[which] |= set(range(*span))
    for coin, each in zip(coins, expected, strict=True):
        assert rows(context, coin) == [
            (T0 + hour * HOUR, 2 + hour / 100, key) for hour in sorted(each)
        ]
        assert traces(context, coin) == 0


def test_a_page_is_compared_with_its_own_listing_s_file(context: RunContext, frame: Frame) -> None:
    """A renamed symbol: one coin, two listings at a source, and a page of each."""
    asked = run_spec(now=NOW, known_sources=context.sources, sources=SOURCES, start="2024-02-28")
    source, result = context.sources["okx"], RunResult()
    turn = Turn.of(SourceBatch(context, asked, source, result, lambda _: None, claim(context)), [])
    coin, old, new = next_coin(), frame(range(5)), frame(range(10, 15))
    said = {
        Listing(coin, "okx", "OLD-USDT"): (Window(T0, T0 + 5 * HOUR), old),
        Listing(coin, "okx", "NEW-USDT"): (Window(T0 + 10 * HOUR, T0 + 15 * HOUR), new),
    }
    same = [(turn, coin, old), (turn, coin, new)]
    assert [each.height for _, _, each in differing(iter(same), said)] == [0, 0]
    assert result.findings == []
    other = [(turn, coin, frame(range(5), close=[9.0, *old["close"][1:]])), (turn, coin, new)]
    assert [each.height for _, _, each in differing(iter(other), said)] == [1, 0]
    (told,) = result.findings
    assert told.startswith("OLD-USDT: archive: 1 of 5 hours from 2024-02-28 00:00Z on are not")


@few
@given(
    st.lists(st.tuples(st.sampled_from(range(len(SOURCES))), spans), max_size=4),
    st.permutations(range(8)),
)
def test_of_several_sources_the_best_stays_whoever_comes_first(
    context: RunContext,
    frame: Frame,
    told: list[tuple[int, tuple[int, int]]],
    turns: list[int],
) -> None:
    coin, connection = next_coin(), context.connection
    keys = [store.source_key(connection, name) for name in SOURCES]
    asked = run_spec(now=NOW, known_sources=context.sources, sources=SOURCES, start="2024-02-28")
    twice = [*told, *told]
    for turn in turns:
        if turn >= len(twice):
            continue
        place, span = twice[turn]
        source = context.sources[SOURCES[place]]
        mine = SourceBatch(context, asked, source, RunResult(), lambda _: None, claim(context))
        better = kept_from(mine, source)
        frames = {coin: frame(range(*span), close=2.0 + place / 10)}
        store.write(connection, frames, keys[place], better=better, now=NOW)
    best: dict[int, int] = {}
    merit = sorted(
        range(len(SOURCES)),
        key=lambda place: (KINDS.index(context.sources[SOURCES[place]].kind), place),
    )
    for place, span in sorted(told, key=lambda each: merit.index(each[0]), reverse=True):
        best |= dict.fromkeys(range(*span), place)
    assert rows(context, coin) == [
        (T0 + hour * HOUR, 2.0 + best[hour] / 10, keys[best[hour]]) for hour in sorted(best)
    ]
