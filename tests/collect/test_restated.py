"""What a run replaces is kept, as replaced at the moment that the run was told."""

from collections.abc import Callable
from datetime import UTC, datetime

import store
from candles.settings import Settings
from collect import Tally

Collect = Callable[..., Tally]
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def test_an_indicative_candle_is_kept_when_a_traded_one_takes_its_place(
    collect: Collect, at_sandbox: Settings
) -> None:
    hour = datetime(2026, 11, 22, 7, tzinfo=UTC)
    collect(symbols=["BTC"], sources=("coingecko",), hours=24)
    with store.connect(at_sandbox) as connection:
        (coin,) = store.find(connection, ["BTC"])
        indicative = store.history(connection, coin, hour).current
        assert indicative is not None

        tally = collect(symbols=["BTC"], sources=("coingecko", "binance_futures"), hours=24)
        past = store.history(connection, coin, hour)
        traces = connection.execute("select distinct replaced_at from restated").fetchall()
    assert tally.rows["binance_futures"] == 24
    assert past.before == [indicative._replace(until=NOW)]
    assert past.current is not None
    assert (past.current.source, past.current.since) == ("binance_futures", NOW)
    assert traces == [(NOW,)]
