"""Views, verbs, pages and the board say the same of one database, to the hour."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
import polars as pl
import pytest
from click.testing import CliRunner

from chandlery import store
from chandlery.cli.main import cli
from chandlery.engine.context import RunContext
from chandlery.model import HOUR, instant
from chandlery.quality.check import assess
from chandlery.reports.quality_page import of_quality
from chandlery.settings import Settings
from sandbox import Serving, serving
from sandbox.front import fronting
from tests.engine.replay import Place, between, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
NOW = instant("2026-03-01T00:30Z")
END = instant("2026-03-01T00:00Z")
WANTED, LATER = instant("2026-01-15T00:00Z"), instant("2026-01-17T00:00Z")
OLD = instant("2025-12-01T05:00Z")
BOARD = json.loads(
    (Path(__file__).resolve().parents[2] / "compose/grafana/boards/candles.json").read_text("utf-8")
)


class Life(NamedTuple):
    """A coin, where it is listed and has candles, from when it is wanted, and what is missing."""

    symbol: str
    listings: list[tuple[str, datetime, datetime | None]]
    candles: list[tuple[str, datetime, datetime]]
    wanted: datetime
    missing: int

    @property
    def expected(self) -> list[datetime]:
        """Hour by hour: listed, wanted, and over."""
        spans = [(max(start, self.wanted), end or END) for _, start, end in self.listings]
        return [hour for start, end in spans for hour in between(start, end)]

    @property
    def held(self) -> list[datetime]:
        """Hour by hour: wanted, and with a candle."""
        spans = [(max(start, self.wanted), min(end, END)) for _, start, end in self.candles]
        return [hour for start, end in spans for hour in between(start, end)]


def at(text: str) -> datetime:
    return instant(f"2026-{text}Z")


LIVES = (
    Life("STEADY", [("AUSDT", OLD, None)], [("AUSDT", OLD, END)], WANTED, 0),
    Life(
        "GONE",  # at 09:00, and its last hours were never traded
        [("BUSDT", OLD, at("02-10T09:00"))],
        [("BUSDT", OLD, at("02-10T04:00"))],
        WANTED,
        0,
    ),
    Life("LATE", [("CUSDT", at("02-01T07:00"), None)], [("CUSDT", at("02-01T07:00"), END)], OLD, 0),
    Life("PARTLY", [("DUSDT", OLD, None)], [("DUSDT", OLD, END)], LATER, 0),
    Life(
        "HALTED",
        [("EUSDT", OLD, None)],
        [("EUSDT", OLD, at("02-14T21:00")), ("EUSDT", at("02-16T03:00"), END)],
        WANTED,
        30,
    ),
    Life(
        "BACK",  # under another symbol, three days later
        [("FUSDT", OLD, at("02-03T10:00")), ("GUSDT", at("02-06T11:00"), None)],
        [("FUSDT", OLD, at("02-03T10:00")), ("GUSDT", at("02-06T11:00"), END)],
        WANTED,
        0,
    ),
)


@pytest.fixture
def venues(tmp_path: Path) -> Iterator[Serving]:
    folder = tmp_path / "market"
    parts: dict[str, list[Any]] = {}
    for life in LIVES:
        for symbol, start, end in life.candles:
            parts.setdefault(symbol, []).append(hours(start, end, 3.0))
    for symbol, frames in parts.items():
        lay(folder, "binance_spot", symbol, *frames)
    coins = [
        coin(
            life.symbol.lower(),
            life.symbol.lower(),
            rank,
            *(
                listed("binance_spot", symbol, start, *([end] if end else []))
                for symbol, start, end in life.listings
            ),
        )
        for rank, life in enumerate(LIVES, 1)
    ]
    (folder / "coins.json").write_text(json.dumps(coins))
    with serving(market=folder, now=NOW, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def place(settings: Settings, venues: Serving, open_tools: Open) -> Iterator[Place]:
    with fronting(venues) as front:
        made = Place(settings, venues, front, open_tools, ["binance_spot", "coingecko"])
        for now in (at("02-01T12:30"), at("02-03T10:00"), at("02-10T09:00"), NOW):
            assert made.learn(now).failures == {}
        for life in LIVES:
            made.backfill(
                "binance_spot", symbols=[life.symbol], start=f"{life.wanted:%FT%TZ}", now=NOW
            )
        yield made


@pytest.fixture
def say(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run a verb, and read what it prints."""
    monkeypatch.setenv("CHANDLERY_HOME", str(place.settings.home))
    monkeypatch.setenv("DATABASE_URL", place.settings.database_url or "")

    def told(*words: str) -> dict[str, Any]:
        assert isinstance(cli, click.Command)
        done = CliRunner().invoke(cli, [*words, "--json", f"--now={NOW:%FT%TZ}"])
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return told


def panel(connection: store.Connection, title: str) -> list[tuple[Any, ...]]:
    (found,) = (each for each in BOARD["panels"] if each.get("title") == title)
    sql = found["targets"][0]["rawSql"]
    for name, value in {"$__timeFrom()": OLD, "$__timeTo()": NOW}.items():
        sql = sql.replace(name, f"'{value:%FT%TZ}'")
    with connection.transaction():
        connection.execute("select set_config('chandlery.now', %s, true)", (NOW.isoformat(),))
        return connection.execute(sql.encode()).fetchall()


def views(connection: store.Connection) -> dict[str, tuple[int, int]]:
    """Missing and expected hours by symbol, as data_quality has them."""
    with connection.transaction():
        connection.execute("select set_config('chandlery.now', %s, true)", (NOW.isoformat(),))
        rows = connection.execute(
            "select symbol, missing_records, expected_records from data_quality"
            " where timeframe = '1h'"
        ).fetchall()
    return {symbol: (missing, expected) for symbol, missing, expected in rows}


def test_five_places_agree_to_the_hour(place: Place, say: Callable[..., dict[str, Any]]) -> None:
    # What each life lacks by a count of its hours; GONE's last five were asked for, and are no gap.
    counted = {
        each.symbol: len(each.expected) - len(each.held) - (5 if each.symbol == "GONE" else 0)
        for each in LIVES
    }
    assert counted == {each.symbol: each.missing for each in LIVES}
    expected = {each.symbol: len(each.held) + each.missing for each in LIVES}
    total, of = sum(counted.values()), sum(expected.values())
    share = 100 * (of - total) / of

    status, gaps, quality = say("status"), say("gaps"), say("quality")
    coins = {each["symbol"]: each for each in status["coins"]}
    assert {name: each["missing"] for name, each in coins.items()} == counted
    assert {name: each["hours"] + each["missing"] for name, each in coins.items()} == expected
    assert (status["missing_records"], gaps["missing_hours"]) == (total, total)
    assert status["completeness_percentage"] == pytest.approx(share, abs=1e-4)
    by_coin = dict.fromkeys(counted, 0)
    for gap in gaps["gaps"]:
        by_coin[gap["symbol"]] += gap["hours"] * (gap["reason"] != "delisted")
    assert by_coin == counted
    checked = {each["symbol"]: each for each in quality["coins"] if each["timeframe"] == "1h"}
    assert {name: each["missing_records"] for name, each in checked.items()} == counted
    assert {name: each["expected_records"] for name, each in checked.items()} == expected
    assert quality["completeness_percentage"] == status["completeness_percentage"]
    assert quality["missing_by_reason"] == {"no trades": {"gaps": 1, "hours": total}}

    with store.connect(place.settings) as connection:
        assert views(connection) == {name: (counted[name], expected[name]) for name in counted}
        assert float(panel(connection, "Completeness")[0][0]) == pytest.approx(share)
        assert panel(connection, "Missing hours by reason") == [("no trades", total)]
        board = {row[0]: row[3] for row in panel(connection, "Completeness by coin")}
        assert board == counted
        months = {name: 0.0 for _, name, _ in panel(connection, "Coverage by month")}
        for _, name, value in panel(connection, "Coverage by month"):
            months[name] = max(months[name], 100 - float(value))
        assert {name for name, lacks in months.items() if lacks} == {"HALTED"}
        report = assess(connection, NOW)
    seen = report.survey.held.group_by("symbol").agg(pl.col("expected", "present").sum())
    assert {name: (of - have, of) for name, of, have in seen.iter_rows()} == {
        name: (counted[name], expected[name]) for name in counted
    }
    page = of_quality(report)
    assert f"{int(share * 100) / 100:.2f} % complete" in page
    assert f"| hours missing | {total:,} |" in page


def test_what_was_not_wanted_is_a_line_of_its_own(say: Callable[..., dict[str, Any]]) -> None:
    before = sum(
        (each.wanted - each.listings[0][1]) // HOUR
        for each in LIVES
        if each.wanted > each.listings[0][1]
    )
    assert say("status")["unwanted_hours"] == before
    shown = CliRunner().invoke(cli, ["status", f"--now={NOW:%FT%TZ}"]).stdout
    assert "`chandlery backfill --start 2025-12-01` fetches them" in shown
    assert f"{before:,} hours of 5 coins" in shown
