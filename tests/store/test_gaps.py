"""Which hours are missing, off the bits of the days; why; and what table absence refuses."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import groupby

import polars as pl
import psycopg
import pytest

from chandlery import store
from chandlery.model import HOUR, Window
from chandlery.store import Absence

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
SPAN = 24 * 9
NOW = T0 + (SPAN - 5) * HOUR  # in the middle of a day
UTC_TIME = pl.Datetime("us", "UTC")
EMPTY = ("hole", "between", "edge", "refused")
CROWD = 40  # coins of one venue; the others are of venues of three
DOWN = range(100, 104)  # hours of which nobody has a candle
ALL, WHOLE = range(72), Window(T0, T0 + 72 * HOUR)
REASONS = ("fetch failed", "outage at the venue", "no trades", "no source has it")
"""Of hours that somebody was asked for, in the order in which equals are told."""


def window(start: int, end: int) -> Window:
    return Window(T0 + start * HOUR, T0 + end * HOUR)


def absent(coin: int, hours: Window, outcome: str, at: datetime = NOW - HOUR) -> Absence:
    retry = at + HOUR if outcome in EMPTY else None
    return Absence(coin, hours, outcome, None, at, at, 1, retry)


def list_coins(connection: store.Connection, made: Iterable["Made"]) -> None:
    rows = [
        (f"coin{each.key}", f"C{each.key}USDT", 1, *map(at, (each.start, each.end)))
        for each in made
    ]
    schema = {"id": pl.String, "symbol": pl.String, "multiple": pl.Int64}
    times = {"start": UTC_TIME, "end": UTC_TIME}
    seen = pl.DataFrame(rows, schema=schema | times, orient="row")
    markets = seen.with_columns(trading=pl.col("end").is_null())
    store.learn_listings(connection, "spot", seen, NOW, markets)


def at(hour: int | None) -> datetime | None:
    return None if hour is None else T0 + hour * HOUR


class Made:
    """A coin made up at random, and what is to be told of it."""

    def __init__(self, key: int, chance: random.Random) -> None:
        self.key = key
        self.venue = "spot" if key <= CROWD else f"venue {key // 3}"  # of three coins, or fewer
        self.start = chance.choice([None, 0, chance.randrange(SPAN // 2)])
        self.end = chance.choice([None, None, chance.randrange(SPAN // 2, SPAN)])
        density = chance.choice([0.02, 0.5, 0.9, 0.99, 1.0])
        first, last = sorted(chance.sample(range(SPAN - 5), 2))
        self.held = {hour for hour in range(first, last + 1) if chance.random() < density}
        days = chance.sample(range(9), chance.randrange(3))
        self.held -= {day * 24 + hour for day in days for hour in range(24)}
        self.held -= set(DOWN)
        self.absences: list[Absence] = []
        self.told: dict[int, str] = {}
        hour = 0
        while hour < SPAN - 5:
            hour += chance.randrange(1, 60)
            end = min(hour + chance.randrange(1, 30), SPAN - 5)
            if hour < end:
                outcome = chance.choice(["hole", "edge", "failed"])
                self.absences.append(absent(key, window(hour, end), outcome))
                self.told.update(dict.fromkeys(range(hour, end), outcome))
            hour = end

    def life(self) -> range:
        if not self.held and not self.absences:
            return range(0)
        asked = [(each.window.start - T0) // HOUR for each in self.absences]
        starts = [hour for hour in (self.start, min(self.held, default=None)) if hour is not None]
        now = SPAN - 5
        end = now if self.end is None else min(self.end, now)
        start = min(starts) if starts else min(asked)
        return range(start, max(end, max(self.held, default=-1) + 1))

    def kind(self, hour: int) -> str:
        if hour < (self.start or 0) and self.start is not None:
            return "not listed yet"
        over = self.end is not None
        gone = max(self.held) + 1 if self.held else SPAN
        nothing = self.told.get(hour) in EMPTY
        if over and (hour >= (self.end or 0) or (nothing and hour >= gone)):
            return "delisted"
        return "tried" if hour in self.told else "not tried"

    def gaps(self, venue: "Venue") -> list[tuple[Window, str]]:
        """Hour by hour: the reference."""
        life = self.life()
        runs: list[list[int]] = []
        for hour in life:
            if hour in self.held:
                continue
            if runs and runs[-1][-1] == hour - 1 and self.kind(hour - 1) == self.kind(hour):
                runs[-1].append(hour)
            else:
                runs.append([hour])
        return [(window(run[0], run[-1] + 1), self.reason(run, venue)) for run in runs]

    def reason(self, run: list[int], venue: "Venue") -> str:
        if self.kind(run[0]) != "tried":
            return self.kind(run[0])
        hours = Counter(venue.reason(self.told[hour], hour) for hour in run)
        return max(REASONS, key=lambda reason: hours[reason])


class Venue:
    """What a venue's coins tell together, hour by hour."""

    def __init__(self, made: Iterable[Made]) -> None:
        self.held: set[int] = set()
        self.holes: dict[int, set[int]] = defaultdict(set)
        for each in made:
            self.held |= each.held
            for hour, outcome in each.told.items():
                if outcome == "hole":
                    self.holes[hour].add(each.key)

    def is_out(self, hour: int) -> bool:
        return hour not in self.held and len(self.holes[hour]) >= 2

    def reason(self, outcome: str, hour: int) -> str:
        if outcome == "failed":
            return "fetch failed"
        if self.is_out(hour):
            return "outage at the venue"
        return "no trades" if outcome == "hole" and hour in self.held else "no source has it"

    def outages(self) -> list[tuple[Window, int]]:
        """Each with the number of coins that have a hole in it."""
        found: list[list[int]] = []
        for hour in filter(self.is_out, range(SPAN)):
            if found and found[-1][-1] == hour - 1:
                found[-1].append(hour)
            else:
                found.append([hour])
        return [
            (window(run[0], run[-1] + 1), len(set().union(*(self.holes[hour] for hour in run))))
            for run in found
        ]


def test_gaps_are_what_a_look_at_every_hour_would_tell(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    chance = random.Random(11)  # noqa: S311
    made = [Made(key, chance) for key in range(1, 61)]
    learn(*((f"coin{each.key}", f"C{each.key}") for each in made))
    list_coins(connection, made)
    venues = {name: [each for each in made if each.venue == name] for name in venue_names(made)}
    for name, its in venues.items():
        key = store.source_key(connection, name)
        store.write(connection, {each.key: frame(each.held) for each in its if each.held}, key)
        absences = [one for each in its for one in each.absences]
        store.replace_absences(connection, key, [each.key for each in its], absences)
    store.refresh(connection)
    store.find_outages(connection, window(0, SPAN))
    all_gaps = store.gaps(connection, [each.key for each in made], None, NOW)
    found = {coin: list(gaps) for coin, gaps in groupby(all_gaps, lambda gap: gap.coin_id)}
    known = {name: Venue(its) for name, its in venues.items()}
    for each in made:
        told = [
            (gap.window, gap.reason)
            for gap in found.get(f"coin{each.key}", [])
            if gap.window.start < T0 + each.life().stop * HOUR  # not what follows its life
        ]
        assert told == each.gaps(known[each.venue]), each.__dict__
    outages = store.outages(connection)
    for name, venue in known.items():
        told_of = [(each.window, each.coins) for each in outages if each.source == name]
        assert told_of == venue.outages()
    reasons = {reason for each in made for _, reason in each.gaps(known[each.venue])}
    assert reasons == {"not listed yet", "delisted", "not tried", *REASONS}


def venue_names(made: Iterable[Made]) -> list[str]:
    return list(dict.fromkeys(each.venue for each in made))


class Holes:
    """Coins of one source, 72 hours each, and the hours that were asked for and did not come."""

    def __init__(self, connection: store.Connection, frame: Frame, learn: Learn) -> None:
        self.connection, self.frame, self.learn = connection, frame, learn
        self.key = store.source_key(connection, "spot")

    def put(self, *coins: tuple[range, dict[range, str]]) -> None:
        """Each coin's hours held, and what came of asking for others."""
        self.learn(*((f"coin{key}", f"C{key}") for key in range(1, len(coins) + 1)))
        held = {
            key: self.frame(set(hours) - {hour for each in lacks for hour in each})
            for key, (hours, lacks) in enumerate(coins, start=1)
        }
        store.write(self.connection, held, self.key)
        absences = [
            absent(key, window(each.start, each.stop), outcome)
            for key, (_, lacks) in enumerate(coins, start=1)
            for each, outcome in lacks.items()
        ]
        store.replace_absences(self.connection, self.key, list(held), absences)
        store.refresh(self.connection)

    def outages(self) -> list[tuple[Window, int]]:
        count = store.find_outages(self.connection, WHOLE)
        found = [(each.window, each.coins) for each in store.outages(self.connection)]
        assert len(found) == count
        return found

    def reasons(self, coin: int) -> list[tuple[Window, str]]:
        found = store.gaps(self.connection, [coin], WHOLE, T0 + 72 * HOUR)
        return [(gap.window, gap.reason) for gap in found]

    def others(self, coin: int) -> list[tuple[Window, str | None]]:
        known = store.absences(self.connection, self.key, [coin])
        return [(each.window, each.others) for each in known]


@pytest.fixture
def holes(connection: store.Connection, frame: Frame, learn: Learn) -> Holes:
    return Holes(connection, frame, learn)


def test_an_outage_is_told_where_nobody_has_the_hours_and_gone_once_somebody_does(
    holes: Holes, connection: store.Connection, frame: Frame
) -> None:
    other = store.source_key(connection, "other")
    hole = {range(30, 34): "hole"}
    holes.put((ALL, hole), (ALL, hole), (range(0), {}))
    store.write(connection, {3: frame(set(ALL) - {31})}, other)
    store.refresh(connection)
    assert holes.outages() == [(window(30, 34), 2)]

    # A coin that has an hour of them from this very source: the venue was open then.
    store.write(connection, {3: frame([31])}, holes.key)
    store.refresh(connection)
    assert holes.outages() == [(window(30, 31), 2), (window(32, 34), 2)]
    expected = [(window(30, 31), "lack"), (window(31, 32), "have"), (window(32, 34), "lack")]
    assert holes.others(1) == expected
    store.write(connection, {3: frame(range(30, 34))}, holes.key)
    store.refresh(connection)
    assert holes.outages() == []
    assert holes.reasons(1) == [(window(30, 34), "no trades")]


def test_coins_whose_candles_end_make_no_outage_of_years(holes: Holes) -> None:
    """BTT, TORN and COCOS: what follows their last candle was told as 5,171 hours of outage."""
    holes.put(
        (range(40), {range(40, 72): "edge"}),
        (range(50), {range(50, 72): "edge"}),
        (range(60, 72), {range(60): "edge"}),
    )
    assert holes.outages() == []
    assert holes.reasons(1) == [(window(40, 72), "no source has it")]


@pytest.mark.parametrize(("first", "edge"), [(32, range(32)), (34, range(31, 34))])
def test_an_edge_is_in_an_outage_that_holes_make_and_draws_it_out_no_further(
    holes: Holes, first: int, edge: range
) -> None:
    hole = {range(30, 33): "hole"}
    holes.put((ALL, hole), (ALL, {range(30, 33): "between"}), (range(first, 72), {edge: "edge"}))
    hours = window(30, min(first, 33))  # of the hour in which the third coin has a candle, none
    assert holes.outages() == [(hours, 2)]


@pytest.mark.parametrize("outcome", ["refused", "edge"])
def test_one_hole_beside_what_is_refused_or_ends_is_no_outage(holes: Holes, outcome: str) -> None:
    holes.put((ALL, {range(30, 34): "hole"}), (range(20), {range(20, 72): outcome}))
    assert holes.outages() == []
    assert holes.others(1) == [(window(30, 34), "alone")]
    assert holes.reasons(1) == [(window(30, 34), "no source has it")]


def test_what_is_refused_in_an_outage_is_not_told_as_one(holes: Holes) -> None:
    hole = {range(30, 34): "hole"}
    holes.put((ALL, hole), (ALL, hole), (ALL, {range(30, 34): "refused"}))
    assert holes.outages() == [(window(30, 34), 2)]
    assert holes.reasons(3) == [(window(30, 34), "no source has it")]


def test_two_halts_at_once_are_no_outage_but_in_the_hour_in_which_the_venue_was_down(
    holes: Holes,
) -> None:
    """The third coin's hour failed: nobody asked in vain, yet nobody has it."""
    halt = {range(20, 40): "hole"}
    holes.put((ALL, halt), (ALL, halt), (ALL, {range(30, 31): "failed"}))
    assert holes.outages() == [(window(30, 31), 2)]
    assert holes.reasons(1) == [(window(20, 40), "no trades")]  # most of it


def test_an_index_has_no_outage_and_says_nothing_of_trades(
    holes: Holes, connection: store.Connection
) -> None:
    store.note_kinds(connection, ["spot"])
    hole = {range(30, 34): "hole"}
    holes.put((ALL, hole), (ALL, hole), (ALL, {range(40, 44): "hole"}))
    assert holes.outages() == []
    assert {holes.reasons(coin)[0][1] for coin in (1, 2, 3)} == {"no source has it"}


def test_alone_nobody_tells_an_outage_nor_that_there_were_no_trades(holes: Holes) -> None:
    holes.put((ALL, {range(30, 31): "hole"}))
    assert holes.reasons(1) == [(window(30, 31), "no source has it")]  # nobody has looked yet
    assert holes.outages() == []
    assert holes.others(1) == [(window(30, 31), "alone")]
    assert holes.reasons(1) == [(window(30, 31), "no source has it")]


def test_holes_of_a_run_that_was_killed_are_compared_by_the_next_whatever_its_window(
    holes: Holes, connection: store.Connection
) -> None:
    hole = {range(30, 34): "hole"}
    holes.put((ALL, hole), (ALL, hole))
    later = Window(T0 + timedelta(days=300), T0 + timedelta(days=301))
    assert store.find_outages(connection, later) == 1
    assert [each.window for each in store.outages(connection)] == [window(30, 34)]


def test_what_a_coin_asked_only_to_compare_has_is_told_of_each_hour(
    holes: Holes, connection: store.Connection
) -> None:
    holes.put((ALL, {range(30, 36): "hole"}), (range(0), {}))
    assert holes.outages() == []
    (hole,) = store.uncompared_holes(connection, ["spot"], ["coin2"], NOW - HOUR)
    assert hole == store.Hole("spot", holes.key, 1, window(30, 36), 2)
    store.note_compared(connection, [hole], [window(29, 31), window(34, 37)], [window(31, 33)])
    expected = [
        (window(30, 31), "have"),
        (window(31, 33), "lack"),
        (window(33, 34), "alone"),  # the answer ended there
        (window(34, 36), "have"),
    ]
    assert holes.outages() == [(window(31, 33), 2)]
    assert holes.others(1) == expected
    known = store.absences(connection, holes.key, [1])
    assert [each.other for each in known] == [2, 2, None, 2]

    # Another coin with the same hole is told by that, and nobody is asked again for what is known.
    more = absent(2, window(30, 36), "hole")
    store.replace_absences(connection, holes.key, [2], [more])
    store.refresh(connection)
    assert holes.outages() == [(window(31, 34), 2)]
    assert holes.others(2) == [
        (window(30, 31), "have"),
        (window(31, 34), "lack"),
        (window(34, 36), "have"),
    ]


def test_a_hole_is_compared_with_the_most_traded_coin_that_is_another(
    holes: Holes, connection: store.Connection
) -> None:
    holes.put(
        (ALL, {range(10, 11): "hole"}),
        (ALL, {range(20, 21): "hole", range(30, 31): "hole"}),
        (ALL, {range(30, 31): "hole", range(40, 42): "edge", range(50, 51): "hole"}),
    )
    connection.execute("delete from candle_1h")
    connection.execute("insert into stale (starts_at, ends_at) values ('-infinity', 'infinity')")
    store.refresh(connection)
    holes.outages()
    best = ["coin2", "coin1"]
    found = store.uncompared_holes(connection, ["spot"], best, NOW - HOUR)
    # The third coin's hole at 30 is one of the second too, which is the one to compare with.
    assert [(each.coin, each.window, each.other) for each in found] == [
        (2, window(20, 21), 1),
        (2, window(30, 31), 1),
        (1, window(10, 11), 2),
        (3, window(50, 51), 2),
    ]
    assert store.uncompared_holes(connection, ["other"], best, NOW - HOUR) == []
    assert store.uncompared_holes(connection, ["spot"], best, NOW) == []  # of another run


def test_a_refresh_that_is_due_is_not_needed_to_be_right_about_now(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("a", "A"))
    key = store.source_key(connection, "spot")
    store.write(connection, {1: frame(range(24))}, key)
    store.refresh(connection)
    assert store.gaps(connection, [1], None, T0 + 24 * HOUR) == []
    (gap,) = store.gaps(connection, [1], None, T0 + 26 * HOUR + timedelta(minutes=59))
    assert (gap.window, gap.reason) == (window(24, 26), "not tried")


NONSENSE = {
    "ends_after_it_starts": "ends_at = starts_at",
    "hours_are_whole": "starts_at = starts_at + interval '7 minutes'",
    "outcome_is_known": "outcome = 'nonsense'",
    "first_is_not_after_last": "first_at = '1000-01-01'",
    "attempts_are_one_to_a_million": "attempts = -5",
    "asked_again_within_eight_days": "retry_at = 'infinity'",
    "settled_is_a_hole_that_others_have": "settled = true",
}


@pytest.mark.parametrize(("rule", "edit"), NONSENSE.items())
def test_nonsense_edited_by_hand_is_refused_by_a_rule_with_a_name(
    connection: store.Connection, learn: Learn, rule: str, edit: str
) -> None:
    learn(("a", "A"))
    key = store.source_key(connection, "spot")
    known = absent(1, window(30, 34), "hole")
    store.replace_absences(connection, key, [1], [known])
    with pytest.raises(psycopg.errors.CheckViolation, match=rule):
        connection.execute(f"update absence set {edit}".encode())  # noqa: S608
    assert store.absences(connection, key, [1]) == [known]


def test_hours_that_are_held_are_no_gap_whatever_a_row_edited_by_hand_says(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("a", "A"))
    key = store.source_key(connection, "spot")
    store.write(connection, {1: frame(range(48))}, key)
    store.replace_absences(connection, key, [1], [absent(1, window(-500, 500), "hole")])
    store.refresh(connection)
    (gap,) = store.gaps(connection, [1], None, T0 + 50 * HOUR)
    assert (gap.window, gap.reason) == (window(48, 50), "no source has it")
