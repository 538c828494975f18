"""Which hours are missing, off the bits of the days; why; and what the ledger refuses."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import groupby

import polars as pl
import psycopg
import pytest

import store
from candles import HOUR, Window
from store import Absence

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
SPAN = 24 * 9
NOW = T0 + (SPAN - 5) * HOUR  # in the middle of a day
UTC_TIME = pl.Datetime("us", "UTC")
EMPTY = ("hole", "edge")


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
        self.start = chance.choice([None, 0, chance.randrange(SPAN // 2)])
        self.end = chance.choice([None, None, chance.randrange(SPAN // 2, SPAN)])
        density = chance.choice([0.02, 0.5, 0.9, 0.99, 1.0])
        first, last = sorted(chance.sample(range(SPAN - 5), 2))
        self.held = {hour for hour in range(first, last + 1) if chance.random() < density}
        days = chance.sample(range(9), chance.randrange(3))
        self.held -= {day * 24 + hour for day in days for hour in range(24)}
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

    def gaps(self) -> list[tuple[Window, str]]:
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
        return [(window(run[0], run[-1] + 1), self.reason(run)) for run in runs]

    def reason(self, run: list[int]) -> str:
        if self.kind(run[0]) != "tried":
            return self.kind(run[0])
        said = {"failed": "fetch failed", "hole": "no trades", "edge": "no source has it"}
        hours = Counter(said[self.told[hour]] for hour in run)
        return max(said.values(), key=lambda reason: hours[reason])


def test_gaps_are_what_a_look_at_every_hour_would_tell(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    chance = random.Random(11)  # noqa: S311
    made = [Made(key, chance) for key in range(1, 61)]
    learn(*((f"coin{each.key}", f"C{each.key}") for each in made))
    key = store.source_key(connection, "spot")
    list_coins(connection, made)
    held = {each.key: frame(each.held) for each in made if each.held}
    store.write(connection, held, key)
    keys = [each.key for each in made]
    store.replace_absences(connection, key, keys, [one for each in made for one in each.absences])
    store.refresh(connection)
    all_gaps = store.gaps(connection, keys, None, NOW)
    found = {coin: list(gaps) for coin, gaps in groupby(all_gaps, lambda gap: gap.coin_id)}
    for each in made:
        told = [
            (gap.window, gap.reason)
            for gap in found.get(f"coin{each.key}", [])
            if gap.window.start < T0 + each.life().stop * HOUR  # not what follows its life
        ]
        assert told == each.gaps(), each.__dict__
    reasons = {reason for each in made for _, reason in each.gaps()}
    assert reasons == {
        "not listed yet",
        "delisted",
        "not tried",
        "fetch failed",
        "no trades",
        "no source has it",
    }


def test_an_outage_is_told_where_nobody_has_the_hours_and_gone_once_somebody_does(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("a", "A"), ("b", "B"), ("c", "C"))
    key, other = store.source_key(connection, "spot"), store.source_key(connection, "other")
    hole = range(30, 34)
    there = set(range(72))
    store.write(connection, {coin: frame(there - set(hole)) for coin in (1, 2)}, key)
    store.write(connection, {3: frame(there - {31})}, other)
    lacking = [absent(coin, window(30, 34), "hole") for coin in (1, 2)]
    store.replace_absences(connection, key, [1, 2], lacking)
    store.refresh(connection)
    whole = window(0, 72)
    assert store.find_outages(connection, whole) == 1
    (outage,) = store.outages(connection)
    assert (outage.source, outage.window, outage.coins) == ("spot", window(30, 34), 2)

    # A coin that has an hour of them from this very source: the venue was open then.
    store.write(connection, {3: frame([31])}, key)
    store.refresh(connection)
    assert store.find_outages(connection, whole) == 0
    assert store.outages(connection) == []


def test_alone_nobody_tells_an_outage(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("a", "A"))
    key = store.source_key(connection, "spot")
    store.write(connection, {1: frame(set(range(72)) - {30})}, key)
    store.replace_absences(connection, key, [1], [absent(1, window(30, 31), "hole")])
    store.refresh(connection)
    assert store.find_outages(connection, window(0, 72)) == 0


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
    assert (gap.window, gap.reason) == (window(48, 50), "no trades")
