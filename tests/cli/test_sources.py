"""The verb `sources`: who is asked, in which order, for what, and how it went."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from chandlery.venues import load
from sandbox import Serving

Run = Callable[..., subprocess.CompletedProcess[str]]
NOW = "2026-11-22T10:30Z"


@pytest.fixture
def sources() -> str:
    """An indicative source is named first, and asked last."""
    return "coingecko,binance_futures,binance_spot"


def shown(run: Run) -> dict[str, dict[str, Any]]:
    done = run("sources", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["sources"]
    return {row["source"]: row for row in rows}


def test_every_source_is_listed_in_the_order_in_which_it_is_asked(
    run: Run, venues: Serving
) -> None:
    found = shown(run)
    assert found.keys() == load().keys()
    asked = [name for name, row in found.items() if row["asked"]]
    assert asked == [
        "binance_futures",
        "binance_futures_archive",
        "binance_spot",
        "binance_spot_archive",
        "coingecko",
    ]
    assert [found[name]["asked"] for name in asked] == [1, 2, 3, 4, 5]
    assert found["okx"]["why_not"] == "asked only if CHANDLERY_SOURCES or --sources names it"
    assert found["cryptocompare"]["why_not"] == "CRYPTOCOMPARE_API_KEY is not set"
    kinds = {name: (found[name]["kind"], found[name]["market"]) for name in asked}
    assert kinds == {
        "binance_futures": ("traded", "futures"),
        "binance_futures_archive": ("traded", "futures"),
        "binance_spot": ("traded", "spot"),
        "binance_spot_archive": ("traded", "spot"),
        "coingecko": ("indicative", None),
    }
    assert found["binance_spot_archive"]["listings_of"] == "binance_spot"
    assert found["binance_futures"]["limits"] == ["2,400 weight a minute"]
    assert found["cryptocompare"]["limits"] == ["20 requests a second", "300 requests a minute"]
    assert found["okx"]["limits"] == ["20 requests in 2 s"]
    assert found["gate"]["limits"] == [
        "200 requests in 10 s for each of candlesticks, currency_pairs"
    ]
    assert found["bitget"]["limits"] == [
        "20 requests a second for each of candles, history-candles, symbols",
        "3 requests a second for coins",
        "6,000 requests a minute",
    ]
    assert venues.requests()["total"] == 0


def test_what_it_lists_alone_and_how_it_fared(run: Run, venues: Serving) -> None:
    before = shown(run)["binance_spot"]
    assert (before["coins"], before["answered_at"], before["failed_at"]) == (0, None, None)
    run("hourly", "--symbols", "BTC", "--now", NOW)
    found = shown(run)
    counts = {name: (row["coins"], row["only_here"]) for name, row in found.items() if row["coins"]}
    assert counts == {"binance_futures": (8, 1), "binance_spot": (9, 2), "coingecko": (12, 2)}
    assert found["binance_futures"]["answered_at"] == "2026-11-22T10:30:00+00:00"
    venues.fault("403", source="binance_futures")
    later = "2026-11-22T11:30Z"
    run("hourly", "--symbols", "BTC", "--now", later)
    venues.clear()
    row = shown(run)["binance_futures"]
    assert row["answered_at"] == "2026-11-22T10:30:00+00:00"
    assert row["failed_at"] == "2026-11-22T11:30:00+00:00"
    assert row["words"].startswith("binance_futures: ")
    lines = run("sources").stdout.splitlines()
    assert lines[0].split()[:3] == ["asked", "source", "kind"]
    (line,) = (line for line in lines if line.split()[1:2] == ["binance_futures"])
    assert line.split()[:8] == ["1", "binance_futures", "traded", "futures", "8", "1", "0", "2,400"]
    assert "2026-11-22 10:30Z" in line
    assert "2026-11-22 11:30Z binance_futures: " in line
    assert "okx: asked only if CHANDLERY_SOURCES or --sources names it" in lines
