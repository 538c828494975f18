"""A symbol of so many coins that no rule of names knows: CoinGecko's price tells."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.quality.check import assess
from chandlery.settings import Settings
from sandbox import serving
from sandbox.front import fronting
from tests.engine.replay import Place, between, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
DAY = timedelta(days=1)
SOURCES = ("binance_spot", "okx", "coingecko")
BEGAN = Place.NOW.replace(minute=0) - 100 * DAY
PRICES = {"many": 3e7, "other": 3.0 * 2.7, "same": 3.0}  # at Binance; 3.0 at OKX and CoinGecko


@pytest.fixture
def place(settings: Settings, tmp_path: Path, open_tools: Open) -> Iterator[Place]:
    folder, coins = tmp_path / "market", []
    for rank, (name, price) in enumerate(PRICES.items(), 1):
        ticker = name.upper()
        lay(folder, "okx", f"{ticker}-USDT", hours(BEGAN, Place.NOW + DAY, 3.0))
        lay(folder, "binance_spot", f"{ticker}USDT", hours(BEGAN, Place.NOW + DAY, price))
        places = (listed("okx", f"{ticker}-USDT"), listed("binance_spot", f"{ticker}USDT"))
        coins.append(coin(name, ticker.lower(), rank, *places))
    (folder / "coins.json").write_text(json.dumps(coins))
    with serving(market=folder, now=Place.NOW, limits=False) as sandbox, fronting(sandbox) as front:
        made = Place(settings, sandbox, front, open_tools, SOURCES)
        assert made.learn().failures == {}
        yield made


@pytest.mark.fault(
    "venue",
    "a symbol of ten million coins that no rule of names knows",
    "refused by CoinGecko's price of the coin and told, others fill in",
)
@pytest.mark.parametrize("hours_back", [24, None], ids=["hourly", "backfill"])
def test_a_price_off_by_a_power_of_ten_is_refused_and_told(
    place: Place, hours_back: int | None, happened: Callable[[str], None]
) -> None:
    given = {"hours": hours_back, "start": None} if hours_back else {}
    result = place.backfill("binance_spot", "okx", **given)
    (finding,) = (each for each in result.findings if "10^7" in each)
    assert "30000000 there and 3 at CoinGecko, some 10^7 times as much" in finding
    assert result.failed == {}
    assert {name: len(of) for name, of in result.used.items()} == {"binance_spot": 2, "okx": 1}
    end = Place.NOW.replace(minute=0)
    assert place.held("many") == between(end - DAY if hours_back else BEGAN, end)
    with store.connect(place.settings) as connection:
        highest = connection.execute("select max(high), max(coin) from candle_1h").fetchone()
    assert highest is not None
    assert highest[0] < 10
    happened(finding)


def test_where_nobody_else_has_the_coin_it_failed_and_is_looked_at_again(place: Place) -> None:
    for _ in range(2):
        result = place.backfill("binance_spot", symbols=["MANY"])
        assert "some 10^7 times as much" in result.failed["MANY"]
        assert place.held("many") == []
        assert result.pages <= 3  # of REST, on their way when the first came; of files none


@pytest.mark.parametrize("given", [{"archive": True}, {"end": "2025-12-20"}], ids=str)
def test_where_no_page_tells_the_price_the_venue_is_asked_for_it(
    place: Place, given: dict[str, Any]
) -> None:
    result = place.backfill("binance_spot", symbols=["MANY", "SAME"], **given)
    assert "some 10^7 times as much" in result.failed["MANY"]
    assert (place.held("many"), len(place.held("same")) > 24) == ([], True)


def test_a_price_that_is_right_is_not_compared_again(place: Place) -> None:
    place.backfill("binance_spot", symbols=["SAME"])
    with store.connect(place.settings) as connection:
        known = store.listings(connection, store.find(connection, ["SAME"]))
    checked = {each.source: each.price_checked_at for each in known}
    assert checked == {"binance_spot": Place.NOW, "okx": None, "coingecko": None}


def test_another_large_factor_is_a_finding(place: Place) -> None:
    place.backfill("binance_spot", symbols=["SAME", "OTHER"])
    with store.connect(place.settings) as connection:
        found = assess(connection, Place.NOW).open.filter(kind="price")
    (row,) = found.iter_rows(named=True)
    assert row["symbol"] == "OTHER"
    assert row["detail"] == "closed at 8.1, and CoinGecko said 3 within the hour"
