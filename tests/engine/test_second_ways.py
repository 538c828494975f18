"""Where the first way to a source's candles reaches back so far only, its files have the rest."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.model import HOUR, instant, whole_hour
from chandlery.settings import Settings
from sandbox import serving
from sandbox.front import fronting
from sources.gate import REACH
from tests.engine.replay import Place, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
SINCE, NOW = instant("2024-10-11T00:00Z"), instant("2026-03-10T00:30Z")
BORDER = whole_hour(NOW - REACH) + HOUR
QUOTES = """
select source.name, count(*), min(open_time), count(quote_volume), min(volume), max(volume)
from candle_1h join source on source.key = source group by 1 order by 3
"""


@pytest.fixture
def place(settings: Settings, tmp_path: Path, open_tools: Open) -> Iterator[Place]:
    """A coin that Gate alone has, for seventeen months, of which its API serves fourteen."""
    lay(tmp_path, "gate", "X_USDT", hours(SINCE, whole_hour(NOW), 3.0))
    listing = listed("gate", "X_USDT", SINCE)
    (tmp_path / "coins.json").write_text(json.dumps([coin("x", "x", 1, listing)]))
    with serving(market=tmp_path, now=NOW, limits=False) as venues, fronting(venues) as front:
        place = Place(settings, venues, front, open_tools, ["gate", "coingecko"])
        place.learn(NOW)
        front.asked.clear()
        yield place


@pytest.mark.parametrize("archive", [False, None])
def test_a_backfill_has_the_api_for_what_it_reaches_and_files_for_what_it_does_not(
    place: Place, connection: store.Connection, *, archive: bool | None
) -> None:
    result = place.backfill("gate", now=NOW, start="2024-10-01", archive=archive)
    old, new = (BORDER - SINCE) // HOUR, (whole_hour(NOW) - BORDER) // HOUR
    assert result.failed == {}
    assert result.rows == {"gate": new, "gate_archive": old}
    assert connection.execute(QUOTES.encode()).fetchall() == [
        ("gate_archive", old, SINCE, 0, 10.0, 10.0),
        ("gate", new, BORDER, new, 10.0, 10.0),
    ]
    files = [url.rpartition("/")[2] for url in place.front.asked if "csv.gz" in url]
    months = ["202410", "202411", "202412", "202501"]
    assert sorted(files) == [f"X_USDT-{each}.csv.gz" for each in months]

    place.front.asked.clear()
    assert place.backfill("gate", now=NOW, start="2024-10-01", archive=archive).records == 0
    assert place.front.asked == []


def test_an_hourly_run_asks_for_no_file(place: Place) -> None:
    result = place.backfill("gate", now=NOW, start=None, hours=3)
    assert result.rows == {"gate": 3}
    assert not [url for url in place.front.asked if "csv.gz" in url]
