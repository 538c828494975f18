"""A fault in one coin's account is that coin's failure, and takes nobody else's hours with it.

The database is made to refuse a coin by a rule of its own: that stands for whatever nobody thought
of.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.settings import Settings
from sandbox import serving
from sandbox.front import fronting
from tests.engine.replay import Place, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
NOON = Place.NOW.replace(minute=0)
DAY = timedelta(days=1)
SOURCES = ("binance_spot", "okx", "coingecko")
NAMES = ("a", "b", "c")


@pytest.fixture
def place(settings: Settings, tmp_path: Path, open_tools: Open) -> Iterator[Place]:
    """Three coins at two venues; each lacks three hours at Binance."""
    folder, coins = tmp_path / "market", []
    for rank, name in enumerate(NAMES, 1):
        hole = NOON - DAY
        parts = (hours(hole - DAY, hole, 2.0), hours(hole + timedelta(hours=3), NOON, 2.0))
        lay(folder, "binance_spot", f"{name.upper()}USDT", *parts)
        lay(folder, "okx", f"{name.upper()}-USDT", hours(hole - DAY, NOON, 2.0))
        places = (
            listed("binance_spot", f"{name.upper()}USDT"),
            listed("okx", f"{name.upper()}-USDT"),
        )
        coins.append(coin(name, name, rank, *places))
    (folder / "coins.json").write_text(json.dumps(coins))
    with serving(market=folder, now=Place.NOW, limits=False) as sandbox, fronting(sandbox) as front:
        made = Place(settings, sandbox, front, open_tools, SOURCES)
        assert made.learn().failures == {}
        yield made


RULES = {
    "its candles": "alter table candle_1h add constraint refused check (coin <> 2)",
    "its absences": "alter table absence add constraint refused check (coin <> 2)",
}


@pytest.mark.fault(
    "process",
    "the database refuses one coin's candles, or its absences",
    "that coin failed and is told, all others have their hours, the run goes on",
)
@pytest.mark.parametrize("what", RULES)
def test_what_is_refused_of_one_coin_costs_no_other(
    place: Place, what: str, happened: Callable[[str], None]
) -> None:
    with store.connect(place.settings) as connection:
        connection.execute(RULES[what].encode())
    result = place.backfill("binance_spot", start=f"{NOON - 2 * DAY:%FT%RZ}")
    assert "a fault of ours: CheckViolation" in result.failed["B"]
    assert list(result.failed) == ["B"]
    held = {name: len(place.held(name)) for name in NAMES}
    assert held == {"a": 45, "b": 0 if what == "its candles" else 45, "c": 45}
    assert place.reasons("a") == place.reasons("c") == {"outage at the venue": 3}
    happened(f"{what}: {held} hours; “{result.failed['B']}”")


def test_the_next_source_is_asked_after_a_fault(place: Place) -> None:
    with store.connect(place.settings) as connection:
        (spot,) = (store.source_key(connection, "binance_spot"),)
        rule = "alter table candle_1h add constraint refused check (source <> {})"
        connection.execute(rule.format(spot).encode())
    result = place.backfill("binance_spot", "okx", start=f"{NOON - 2 * DAY:%FT%RZ}")
    assert {name: len(place.held(name)) for name in NAMES} == dict.fromkeys(NAMES, 48)
    assert result.failed == {}
    assert list(result.used) == ["okx"]
