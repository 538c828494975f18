"""The worked example in `chandlery.engine.batch`, played."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from chandlery.engine.context import RunContext
from chandlery.model import HOUR, instant
from chandlery.settings import Settings
from sandbox import serving
from sandbox.front import fronting
from tests.engine.replay import Place, coin, hours, lay, listed

MIDNIGHT = instant("2026-02-27T00:00Z")
SOURCES = ("binance_spot", "okx", "bybit")


def test_each_source_is_asked_for_what_those_before_it_left(
    settings: Settings,
    tmp_path: Path,
    open_tools: Callable[..., AbstractContextManager[RunContext]],
) -> None:
    folder = tmp_path / "market"
    before, after = (MIDNIGHT - 24 * HOUR, MIDNIGHT + 24 * HOUR)
    holes = {"binance_spot": (0, 3), "okx": (3, 3), "bybit": (2, 3)}
    symbols = {"binance_spot": "AUSDT", "okx": "A-USDT", "bybit": "AUSDT"}
    for source, (first, end) in holes.items():
        parts = (
            hours(before, MIDNIGHT + first * HOUR, 2.0),
            hours(MIDNIGHT + end * HOUR, after, 2.0),
        )
        lay(folder, source, symbols[source], *parts)
    listings = [listed(source, symbol) for source, symbol in symbols.items()]
    (folder / "coins.json").write_text(json.dumps([coin("a", "a", 1, *listings)]))
    window: dict[str, Any] = {"start": f"{MIDNIGHT:%FT%RZ}", "end": f"{MIDNIGHT + 6 * HOUR:%FT%RZ}"}
    with serving(market=folder, now=Place.NOW, limits=False) as venues, fronting(venues) as front:
        place = Place(settings, venues, front, open_tools, SOURCES)
        assert place.learn().failures == {}
        venues.fault("500", source="okx")
        result = place.backfill(*SOURCES, **window)
        assert result.rows == {"binance_spot": 3, "bybit": 2}
        assert "okx" in result.failed["A"]
        assert place.held("a") == [MIDNIGHT + hour * HOUR for hour in (0, 1, 3, 4, 5)]

        venues.clear()
        venues.forget()
        again = place.backfill(*SOURCES, **window)
        assert again.rows == {"okx": 1}
        assert {each["source"] for each in venues.requests()["requests"]} == {"okx"}
