"""What older rows lack and their source sends: asked for again, filled in, and nothing else."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.errors import Misuse
from chandlery.model import instant
from chandlery.settings import Settings
from sandbox import serving
from sandbox.front import fronting
from tests.engine.replay import Place, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
OKX, SPOT, END = (instant(f"2026-{day}T00:00Z") for day in ("01-01", "01-10", "02-10"))
SINCE = SPOT.timestamp() * 1000
PLAIN = "select open_time, open, high, low, close, volume, trades, source from candle_1h order by 1"
FORGET = """
update candle_1h set taker_buy_volume = null, taker_buy_quote_volume = null;
delete from candle_1h where open_time >= '2026-01-20Z' and open_time < '2026-01-20 05:00Z';
"""
BOUGHT = """
select source.name, taker_buy_volume, taker_buy_quote_volume, min(open_time), count(*)
from candle_1h join source on source.key = source group by 1, 2, 3 order by 4
"""


@pytest.fixture
def place(settings: Settings, tmp_path: Path, open_tools: Open) -> Iterator[Place]:
    """A coin of OKX's, later of Binance's, stored when nobody kept what takers bought."""
    lay(tmp_path, "okx", "X-USDT", hours(OKX, END, 3.0))
    lay(tmp_path, "binance_spot", "XUSDT", hours(SPOT, END, 3.0))
    listings = listed("binance_spot", "XUSDT", SPOT), listed("okx", "X-USDT", OKX)
    (tmp_path / "coins.json").write_text(json.dumps([coin("x", "x", 1, *listings)]))
    with serving(market=tmp_path, now=END, limits=False) as venues, fronting(venues) as front:
        place = Place(settings, venues, front, open_tools, ["binance_spot", "okx", "coingecko"])
        place.learn(END)
        place.backfill("binance_spot", "okx", now=END, start="2026-01-05")
        with store.connect(settings) as connection:
            connection.execute(FORGET.encode())
            store.refresh(connection)
        front.asked.clear()
        yield place


def starts(place: Place) -> list[str]:
    """From when on Binance was asked for hours that it has, since the last look."""
    asked = [parse_qs(urlsplit(url).query) for url in place.front.asked if "klines" in url]
    place.front.asked.clear()
    times = sorted(int(each["startTime"][0]) for each in asked)
    return [f"{datetime.fromtimestamp(at / 1000, UTC):%d %H}" for at in times if at >= SINCE]


def test_rows_that_lack_what_takers_bought_get_it_and_nothing_else_is_touched(
    place: Place, connection: store.Connection
) -> None:
    def rows(statement: str) -> list[tuple[object, ...]]:
        return connection.execute(statement.encode()).fetchall()

    held, wanted = rows(PLAIN), rows("select * from wanted")
    part = place.backfill("binance_spot", "okx", now=END, end="2026-02-01", refetch="taker")
    assert (part.records, part.failed) == (22 * 24 - 5, {})
    assert starts(place) == ["10 00", "20 05"]
    rest = place.backfill("binance_spot", "okx", now=END, refetch="taker")
    assert rest.records == 9 * 24
    assert starts(place) == ["01 00"]
    assert place.backfill("binance_spot", "okx", now=END, refetch="taker").pages == 0
    assert not any("okx" in url for url in place.front.asked)

    assert rows(PLAIN) == held
    assert rows(BOUGHT) == [
        ("okx", None, None, instant("2026-01-05T00:00Z"), 5 * 24),
        ("binance_spot", 5.0, 15.0, SPOT, 31 * 24 - 5),
    ]
    assert rows("select * from restated") == []
    assert rows("select * from wanted") == wanted
    days = rows("select taker_buy_volume from candle_1d order by open_time")
    assert [day for (day,) in days] == [*[None] * 5, *[120.0] * 10, 95.0, *[120.0] * 20]


def test_what_cannot_be_fetched_anew_is_a_line(place: Place) -> None:
    with pytest.raises(Misuse, match=r"^refetch 'volume' is none: write taker$"):
        place.backfill("binance_spot", now=END, refetch="volume")
