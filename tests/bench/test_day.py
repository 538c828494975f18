"""A small day of hourly runs with faults: nothing is missing, and what is missing would be told."""

from bench.day import BEGIN, SEED, compare, day
from chandlery import store
from chandlery.settings import Settings
from sandbox import serving
from sandbox.made_up_market import MadeUpMarket

COINS, HOURS = 24, 3
LOST = b"delete from candle_1h where open_time = '2026-11-19T07:00Z'"


def test_after_a_day_with_faults_nothing_is_missing_that_the_venues_had(settings: Settings) -> None:
    market = MadeUpMarket(COINS, SEED, int(BEGIN.timestamp() * 1000))
    with serving(coins=COINS, seed=SEED, now=BEGIN, limits=False) as sandbox:
        asked = settings.model_copy(update={"venues_url": sandbox.url})
        done = day(asked, sandbox, HOURS, every=5)
    compare(asked, done, market, HOURS)
    assert sum(done.befallen.values()) > 10
    assert done.expected == COINS * (24 + HOURS - 1)
    assert done.missing == {}

    with store.connect(asked) as connection:
        connection.execute(LOST)
    compare(asked, done, market, HOURS)
    assert {len(times) for times in done.missing.values()} == {1}
    assert len(done.missing) == COINS
