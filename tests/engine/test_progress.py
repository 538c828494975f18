"""How far a run is: by hours, through sources that lack some, and never back."""

from collections.abc import Callable
from itertools import groupby, pairwise

from chandlery.engine.progress import CHECKING, PLANNING, REFRESHING, Course, Progress
from chandlery.engine.result import RunResult
from chandlery.model import Coin
from chandlery.settings import Settings

COINS = [Coin(key, f"C{key}", f"c{key}", f"Coin {key}", key) for key in (1, 2)]
Collect = Callable[..., RunResult]


def course(told: list[Progress], *order: str) -> Course:
    """A run for two coins that lack a hundred hours each."""
    return Course(len(COINS), {1: 100, 2: 100}, order, told.append)


def test_an_hour_that_one_source_lacks_is_behind_in_part() -> None:
    told: list[Progress] = []
    one = course(told, "first", "second", "third")
    one.begin_pass(is_last=True)
    one.begin_batch(COINS)
    shares = []
    for source, hours, rows in [("first", 200, 0), ("second", 200, 120), ("third", 80, 4)]:
        one.ask(source)
        one.plan(hours)
        one.came(hours, rows)
        shares.append(told[-1].share)
    one.end_batch(COINS)
    assert [f"{share:.3f}" for share in shares if share is not None] == ["0.333", "0.933", "1.000"]
    assert told[-1] == Progress("asking third", 1.0, coins=2, done=2, records=124)


def test_it_moves_with_each_page_and_never_back_when_more_is_planned() -> None:
    told: list[Progress] = []
    one = course(told, "only")
    one.begin_pass(is_last=True)
    one.begin_batch(COINS[:1])
    one.ask("only")
    one.plan(50)
    for _ in range(5):
        one.came(10, 5)
    one.plan(50)
    for _ in range(5):
        one.came(10, 5)
    shares = [each.share or 0.0 for each in told]
    assert all(before <= after for before, after in pairwise(shares))
    assert len(set(shares)) > 5
    one.end_batch(COINS[:1])
    assert told[-1].share == 0.5  # of the other coin all hours are open


def test_what_a_pass_leaves_open_is_for_the_next_pass() -> None:
    told: list[Progress] = []
    one = course(told, "venue", "indicative")
    one.begin_pass(is_last=False)
    for coin in COINS:
        one.begin_batch([coin])
        one.ask("venue")
        one.plan(100)
        one.came(100, 80)
        one.end_batch([coin])
    assert (told[-1].share, told[-1].done) == (0.8, 2)
    one.begin_pass(is_last=True)
    one.begin_batch(COINS)
    one.ask("indicative")
    assert (told[-1].share, told[-1].done) == (0.8, 0)
    one.end_batch(COINS)
    assert (told[-1].share, told[-1].done) == (1.0, 2)


def test_where_nothing_is_missing_coins_are_counted() -> None:
    told: list[Progress] = []
    one = Course(2, {}, ["only"], told.append)
    one.begin_pass(is_last=True)
    for coin in COINS:
        one.begin_batch([coin])
        one.end_batch([coin])
    assert [each.share for each in told] == [0.5, 1.0]


def test_a_run_names_what_it_does_and_moves_from_none_to_all(
    collect: Collect, settings: Settings
) -> None:
    told: list[Progress] = []
    collect(start="2026-09-01", end="2026-11-22", watch=told.append)
    names = [name for name, _ in groupby(told, lambda each: each.doing)]
    asked = ["asking binance_futures", "asking binance_spot"]
    assert names == [PLANNING, *asked, REFRESHING, CHECKING]
    shares = [each.share or 0.0 for each in told if each.is_asking]
    assert all(before <= after for before, after in pairwise(shares))
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert max(after - before for before, after in pairwise(shares)) < 0.3
    refreshed = [each.share or 0.0 for each in told if each.doing == REFRESHING]
    assert refreshed[0] == 0.0
    if settings.database_url is None:  # what a server refreshes beside the run is not told
        assert refreshed[-1] == 1.0
