"""`chandlery health`: whether collection goes on, told to people, to cron and to monitors."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from chandlery import store
from chandlery.cli.health_server import application
from chandlery.model import instant
from chandlery.quality.health import Health, look
from chandlery.settings import Settings
from sandbox import Serving
from tests.cli.conftest import NOW, Run

LATER = "2026-11-22T14:30Z"
NEWEST = "2026-11-22 10:00Z"


@pytest.fixture
def collected(run: Run) -> Run:
    """The command line, once three coins have their day."""
    words = ("--max-coins", "4", "--start", "2026-11-21", "--now", NOW)
    assert run("backfill", *words).returncode == 0
    return run


def got(look: Callable[[], Health], path: str) -> httpx.Response:
    """What the server answers."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(application(look))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(path)

    return asyncio.run(ask())


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Prometheus's own reading of it: by name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_where_nothing_was_collected_it_says_what_to_do(run: Run) -> None:
    done = run("health", "--now", NOW)
    assert done.returncode == 1
    assert done.stdout.startswith("no listed coin has a candle: `chandlery backfill")


def test_it_is_healthy_until_the_newest_hour_is_late(collected: Run) -> None:
    done = collected("health", "--now", NOW)
    assert (done.returncode, done.stdout.splitlines()[:3]) == (
        0,
        ["healthy", f"newest candle closed at {NEWEST}", "3 listed coins with candles, 0 late"],
    )
    assert f"backfill: last good run {NEWEST[:10]}" in done.stdout

    edge = collected("health", "--now", "2026-11-22T13:59Z")  # three hours behind, and no more
    assert (edge.returncode, edge.stdout.splitlines()[2]) == (
        0,
        "3 listed coins with candles, 0 late",
    )
    late = collected("health", "--now", LATER)
    assert late.stdout.splitlines()[2] == "3 listed coins with candles, 3 late"
    assert late.returncode == 1
    assert late.stdout.startswith(f"the newest candle closed at {NEWEST}, 4 hours behind\n")
    assert collected("health", "--now", LATER, "--late", "5").returncode == 0


def test_its_json_has_what_it_is_concluded_from(collected: Run) -> None:
    told = json.loads(collected("health", "--now", NOW, "--json").stdout)
    assert (told["healthy"], told["problems"]) == (True, [])
    assert told["newest_closed_at"] == "2026-11-22T10:00:00+00:00"
    assert told["newest_age_seconds"] == 1800
    assert (told["coins"], told["fresh_coins"]) == (3, 3)
    (backfill,) = told["runs"]
    assert (backfill["verb"], backfill["coins"], backfill["failed"]) == ("backfill", 4, 0)
    assert {each["source"] for each in told["sources"]} >= {"binance_futures"}


def test_prometheus_reads_it(collected: Run) -> None:
    done = collected("health", "--now", NOW, "--prometheus")
    found = figures(done.stdout)
    assert done.returncode == 0
    assert found["chandlery_healthy",] == 1
    assert found["chandlery_coins_fresh",] == 3
    newest = instant(NEWEST).timestamp()
    assert found["chandlery_newest_candle_timestamp_seconds",] == newest
    assert found["chandlery_run_failed_coins", "backfill"] == 0
    assert found["chandlery_run_good_timestamp_seconds", "backfill"] >= instant(NOW).timestamp()
    assert found["chandlery_source_well", "binance_futures"] == 1


def test_a_run_that_fails_for_all_is_no_good_one(collected: Run, venues: Serving) -> None:
    venues.fault("403", source="binance_futures")
    words = ("--symbols", "BTC", "--sources", "binance_futures", "--hours", "30", "--now", LATER)
    assert collected("hourly", *words).returncode == 1
    venues.clear()
    done = collected("health", "--now", LATER, "--late", "9")
    assert done.returncode == 1
    assert done.stdout.startswith("the last hourly run failed for all coins at 2026-11-22 14:30Z")
    assert "hourly: last good run -, last run 2026-11-22 14:30Z; failed for 1 of 1 coins" in (
        done.stdout
    )
    words = ("--max-coins", "4", "--sources", "binance_spot", "--now", "2026-11-22T15:30Z")
    assert collected("hourly", *words).returncode == 0
    assert collected("health", "--now", LATER, "--late", "9").stdout.startswith("healthy\n")


def test_an_older_run_that_ends_later_hides_nothing(connection: store.Connection) -> None:
    def ended(hour: int, *, good: bool) -> None:
        at = instant("2026-11-22") + timedelta(hours=hour)
        store.note_run(connection, "hourly", at, good=good, coins=9, failed=0 if good else 9)

    ended(9, good=True)
    ended(10, good=False)
    ended(8, good=True)
    (run,) = store.last_runs(connection)
    assert (run.ended_at.hour, run.good_at and run.good_at.hour, run.failed) == (10, 9, 9)


@pytest.mark.usefixtures("collected")
def test_half_the_coins_are_late(connection: store.Connection) -> None:
    held = look(connection, instant(NOW), timedelta(hours=3))
    assert held.problems == []
    connection.execute(
        "delete from candle_1h where coin <> (select min(coin) from candle_1h)"
        " and open_time > '2026-11-22T03:00Z'"
    )
    few = look(connection, instant(NOW), timedelta(hours=3))
    assert few.problems == ["2 of 3 listed coins are late"]


@pytest.mark.usefixtures("collected")
def test_monitors_are_answered_over_http(settings: Settings) -> None:
    with store.connect(settings) as connection:

        def asked(path: str, now: str) -> httpx.Response:
            return got(lambda: look(connection, instant(now)), path)

        told = asked("/health", NOW)
        assert (told.status_code, told.json()["healthy"]) == (200, True)
        late = asked("/health", LATER)
        assert (late.status_code, late.json()["problems"]) == (
            503,
            [f"the newest candle closed at {NEWEST}, 4 hours behind"],
        )
        scraped = asked("/metrics", LATER)
        assert scraped.status_code == 200
        assert figures(scraped.text)["chandlery_healthy",] == 0
        assert asked("/", NOW).status_code == 404


def test_a_database_that_is_away_is_a_503_without_its_password() -> None:
    away = Settings(DATABASE_URL="postgresql://me:secret@127.0.0.1:1/none")

    def asked() -> Health:
        with store.connect(away) as connection:
            return look(connection, instant(NOW))

    told = got(asked, "/health")
    assert told.status_code == 503
    assert "cannot reach the database at 127.0.0.1:1" in told.text
    assert "secret" not in told.text
