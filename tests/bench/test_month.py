"""A short day at odd venues and a clean one: all is there and right; what is not is told."""

import random
from datetime import timedelta

from bench.month import BEGIN, DAY, SOURCES, Month, Operation, look, month
from chandlery import store
from chandlery.model import Window
from chandlery.settings import Settings
from sandbox import serving

COINS, DAYS, BEFORE = 26, 2, timedelta(days=3)
SPOIL = """
delete from candle_1h where open_time = '2026-11-01T07:00Z';
update candle_1h set volume = volume * 2 where open_time = '2026-11-01T09:00Z';
"""


def test_after_odd_days_and_a_clean_one_all_is_stored_and_right(settings: Settings) -> None:
    odd = {"rate": 0.05, "seed": 3, "start": BEGIN, "end": BEGIN + DAY}
    with serving(coins=COINS, seed=3, now=BEGIN, limits=False, odd=odd) as sandbox:
        asked = settings.model_copy(update={"venues_url": sandbox.url, "priority": SOURCES})
        operation = Operation(asked, sandbox, random.Random(3))  # noqa: S311
        done = month(operation, DAYS, BEFORE, every=3)
        found = (done.missing, done.wrong, done.others, done.untrue, done.tracebacks)
        assert found == ([], [], [], [], [])
        assert sum(done.touched.values()) > 100
        assert len(done.injected) > 20
        assert done.hours > COINS * 24 * (DAYS - 1)

        with store.connect(asked) as connection:
            connection.execute(SPOIL)
        operation.month = Month()
        look(operation, Window(BEGIN, BEGIN + DAY), BEGIN + DAY)
        assert {each.split(" ", 1)[1] for each in operation.month.missing} == {"2026-11-01 07:00"}
        assert {each.split()[2] for each in operation.month.wrong} == {"09:00"}
