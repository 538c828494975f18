"""Every 4h and 1d bar that is made here, against the venues' own bars of the recorded market."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from bench.golden import STEPS, Recording, backfill, compared, ours_of
from chandlery import store
from chandlery.settings import Settings
from chandlery.store import Connection

SPOT = ("BTCUSDT", "DOGEUSDT", "ADAUSDT", "LINKUSDT")
FUTURES = ("BTCUSDT", "BNBUSDT")

# Binance's own intervals disagree with one another here: no rule mends them.
AT_ODDS = [
    datetime.fromisoformat(at)
    for at in ("2023-11-10T08:00Z", "2023-11-10T12:00Z", "2024-10-28T20:00Z")
]


def compare(connection: Connection, recording: Recording, timeframe: str) -> tuple[int, pl.Series]:
    """How many bars were compared, and which differ."""
    coins = [
        coin
        for coin in store.find(connection)
        for listing in store.listings(connection, [coin])
        if (listing.source, listing.symbol) == (recording.source, recording.symbol)
    ]
    hours = recording.read("1h")["open_time"]
    ours = ours_of(connection, coins, timeframe)
    both = compared(ours, recording.read(timeframe), STEPS[timeframe], hours[-1], hours[0])
    return both.height, both.filter(pl.col("differs").list.len() > 0)["open_time"]


def recorded(market: Path, source: str, symbols: tuple[str, ...]) -> list[Recording]:
    return [Recording(source, symbol, market / source / symbol) for symbol in symbols]


def test_no_spot_bar_differs_from_the_venues_own(settings: Settings, market: Path) -> None:
    recordings = recorded(market, "binance_spot", SPOT)
    backfill(settings, "binance_spot", recordings)
    with store.connect(settings) as connection:
        for recording in recordings:
            for timeframe in ("4h", "1d"):
                count, differ = compare(connection, recording, timeframe)
                assert count > 1500
                assert differ.to_list() == [], f"{recording.symbol} {timeframe}"


def test_of_futures_only_bars_differ_where_the_venue_is_at_odds_with_itself(
    settings: Settings, market: Path
) -> None:
    recordings = recorded(market, "binance_futures", FUTURES)
    backfill(settings, "binance_futures", recordings)
    with store.connect(settings) as connection:
        for recording in recordings:
            count, differ = compare(connection, recording, "4h")
            assert count == 7044
            assert set(differ) <= set(AT_ODDS)


WRONG = {
    "high": b"update candle_1h set high = high * 2 where open_time = '2024-05-06 07:00Z'",
    "volume": b"update candle_1h set volume = 1 where open_time = '2024-05-06 07:00Z'",
}


@pytest.mark.parametrize("column", WRONG)
def test_a_bar_that_is_wrong_would_be_seen(settings: Settings, market: Path, column: str) -> None:
    (recording,) = recorded(market, "binance_spot", ("ADAUSDT",))
    backfill(settings, "binance_spot", [recording])
    with store.connect(settings) as connection:
        connection.execute(WRONG[column])
        connection.execute(
            "insert into stale (starts_at, ends_at) values ('2024-05-06Z', '2024-05-07Z')"
        )
        store.refresh(connection)
        _, differ = compare(connection, recording, "4h")
    assert differ.to_list() == [datetime.fromisoformat("2024-05-06T04:00Z")]
