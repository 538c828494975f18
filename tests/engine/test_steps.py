"""Which hours are asked for again where prices make a step."""

from datetime import timedelta

from chandlery.engine.steps import A_DAY, MOST, QUARTER, asked_together, quarters
from chandlery.model import HOUR, Window, instant
from chandlery.store import PriceStep

NOW = instant("2026-11-21T03:00Z")
AT, SINCE = instant("2026-11-20T07:00Z"), instant("2026-01-01")


def test_a_quarter_after_the_other_to_where_the_coin_is_wanted() -> None:
    parts = list(quarters(AT, SINCE))
    assert [part.end - part.start for part in parts[:-1]] == [QUARTER] * (len(parts) - 1)
    assert (parts[0].end, parts[-1].start) == (AT, SINCE)
    assert Window(SINCE, AT).without(parts) == []


def test_coins_with_one_step_are_asked_for_together() -> None:
    steps = [PriceStep("a", AT, SINCE), PriceStep("b", AT, SINCE), PriceStep("c", AT, SINCE + HOUR)]
    assert asked_together(steps, NOW) == [
        (Window(SINCE, AT + A_DAY), ("a", "b")),
        (Window(SINCE + HOUR, AT + A_DAY), ("c",)),
    ]


def test_a_step_near_a_newer_one_is_asked_about_with_it() -> None:
    near, far = AT - timedelta(days=5), AT - timedelta(days=200)
    steps = [PriceStep("a", at, SINCE) for at in (AT, near, far)]
    assert [hours.end - A_DAY for hours, _ in asked_together(steps, NOW)] == [AT, far]


def test_a_run_asks_about_so_many_and_the_next_nights_about_the_others() -> None:
    steps = [PriceStep(f"coin-{n}", AT - n * HOUR, SINCE) for n in range(3 * MOST + 7)]
    nights = [asked_together(steps, NOW + night * A_DAY) for night in range(7)]
    assert [len(asked) for asked in nights] == [MOST] * 7
    assert {ids for asked in nights for _, ids in asked} == {(step.coin_id,) for step in steps}
