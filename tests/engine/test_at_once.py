"""A backfill has whole months from a source's files, and the rest from the source, at once."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from chandlery import store
from chandlery.engine import turn
from chandlery.engine.context import RunContext
from chandlery.model import HOUR, Window, instant, whole_hour
from chandlery.settings import Settings
from sandbox import serving
from sandbox.front import fronting, whole
from tests.engine.replay import Place, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
SINCE, NOW = instant("2025-10-10T05:00Z"), instant("2026-03-04T00:30Z")
END = whole_hour(NOW)
MONTHS = Window(instant("2025-10-10T05:00Z"), instant("2026-03-01T00:00Z"))
API, FILES, FUTURES = "binance_spot", "binance_spot_archive", "binance_futures"
HELD = "select source.name, count(*) from candle_1h join source on source = key group by 1"


@pytest.fixture(autouse=True)
def any_budget_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "WORTH_SECONDS", 0.0)


@contextmanager
def standing(settings: Settings, folder: Path, open_tools: Open, source: str) -> Iterator[Place]:
    """A coin that began in October; the file of February is out since the day before."""
    lay(folder, source, "XUSDT", hours(SINCE, END, 3.0))
    listing = listed(source, "XUSDT", SINCE)
    (folder / "coins.json").write_text(json.dumps([coin("x", "x", 1, listing)]))
    with serving(market=folder, now=NOW, limits=False) as venues, fronting(venues) as front:
        place = Place(settings, venues, front, open_tools, [source, "coingecko"])
        place.learn(NOW)
        front.asked.clear()
        yield place


@pytest.fixture
def place(settings: Settings, tmp_path: Path, open_tools: Open) -> Iterator[Place]:
    with standing(settings, tmp_path, open_tools, API) as stands:
        yield stands


def files(place: Place) -> list[str]:
    return sorted(url.rpartition("/")[2] for url in place.front.asked if url.endswith(".zip"))


def pages(place: Place) -> list[tuple[datetime, datetime]]:
    """The windows that the API was asked for, in order of time; without looks at some hours."""
    asked = [httpx.URL(url).params for url in place.front.asked if "/api/v3/klines" in url]
    ends = [(int(each["startTime"]), int(each.get("endTime", 0)) + 1) for each in asked]
    epoch = instant("1970-01-01T00:00Z")
    told = [tuple(epoch + timedelta(milliseconds=at) for at in each) for each in ends]
    return sorted((start, end) for start, end in told if end - start > 3 * HOUR)


def test_whole_months_come_from_files_and_the_rest_from_the_api(
    place: Place, connection: store.Connection
) -> None:
    result = place.backfill(API, now=NOW, start="2025-10-01", archive=None)
    assert result.failed == {}
    assert result.rows == {FILES: MONTHS.hours, API: (END - MONTHS.end) // HOUR}
    assert files(place) == [
        f"XUSDT-1h-{month}.zip" for month in ("2025-10", "2025-11", "2025-12", "2026-01", "2026-02")
    ]
    # Beside what is newest one month is asked for, to be compared.
    windows = [Window(*each) for each in pages(place) if each[0] >= SINCE]
    (month, newest) = windows
    assert (newest.start, newest.end) == (MONTHS.end, END)
    assert month.clip(MONTHS) == month
    assert month.hours == _hours(month.start)
    assert connection.execute("select from restated").fetchall() == []

    place.front.asked.clear()
    assert place.backfill(API, now=NOW, start="2025-10-01", archive=None).records == 0
    assert (files(place), pages(place)) == ([], [])


def test_what_is_no_whole_month_is_not_asked_of_files(place: Place) -> None:
    result = place.backfill(API, now=NOW, start="2026-02-15", archive=None)
    assert result.rows == {API: (END - instant("2026-02-15T00:00Z")) // HOUR}
    assert files(place) == []


def test_what_the_api_has_budget_for_within_a_minute_is_not_asked_of_files(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four pages weigh eight, of 6,000 a minute: a twelfth of a second."""
    whole_life = {API: (END - SINCE) // HOUR}
    for seconds, rows in ((0.09, whole_life), (0.01, {FILES: MONTHS.hours, API: 72})):
        monkeypatch.setattr(turn, "WORTH_SECONDS", seconds)
        result = place.backfill(API, now=NOW, start="2025-10-01", archive=None)
        assert result.rows == rows
        with store.connect(place.settings) as connection:
            connection.execute("truncate candle_1h")
            connection.execute("delete from absence")
            store.refresh(connection)


def test_without_files_the_api_has_it_all(place: Place) -> None:
    result = place.backfill(API, now=NOW, start="2025-10-01", archive=False)
    assert result.rows == {API: (END - SINCE) // HOUR}
    assert files(place) == []


@pytest.mark.parametrize(
    ("fault", "given"),
    [("403", {}), ("404", {}), ("checksum", {}), ("truncated", {"count": 40})],
    ids=["closed", "late", "another checksum", "spoilt"],
)
def test_what_files_do_not_have_the_api_has(
    place: Place, fault: str, given: dict[str, int]
) -> None:
    if fault == "404":
        place.front.spoil = gone
    else:
        place.venues.fault(fault, source=FILES, **given)
    result = place.backfill(API, now=NOW, start="2025-10-01", archive=None)
    assert result.failed == {}
    assert sum(result.rows.values()) == (END - SINCE) // HOUR
    assert result.rows[API] > (END - MONTHS.end) // HOUR
    assert place.held("x") == [SINCE + hour * HOUR for hour in range((END - SINCE) // HOUR)]


def gone(name: str, answer: httpx.Response) -> Iterable[bytes]:
    """No file of February, nor of its days."""
    if name == FILES and "-2026-02" in str(answer.request.url):
        body = b"<Error><Code>NoSuchKey</Code></Error>"
        return [whole(httpx.Response(404, request=answer.request), body)]
    return [whole(answer, answer.content)]


def test_what_the_api_says_otherwise_of_the_compared_month_is_stored_and_told(
    place: Place, connection: store.Connection
) -> None:
    """Of each month one hour is another one at the API, as of futures 2024-10-28 20:00 was."""

    def spoil(name: str, answer: httpx.Response) -> Iterable[bytes]:
        if name != API or "klines" not in str(answer.request.url):
            return [whole(answer, answer.content)]
        rows = json.loads(answer.content)
        for row in rows:
            opened = instant("1970-01-01T00:00Z") + timedelta(milliseconds=row[0])
            if (opened.day, opened.hour) == (28, 20):
                row[8] = 6
        return [whole(answer, json.dumps(rows).encode())]

    place.front.spoil = spoil
    result = place.backfill(API, now=NOW, start="2025-10-01", archive=None)
    assert result.rows == {FILES: MONTHS.hours, API: (END - MONTHS.end) // HOUR + 1}
    ((hour, trades),) = connection.execute("select open_time, trades from restated").fetchall()
    assert ((hour.day, hour.hour), trades) == ((28, 20), 5)
    (told,) = [each for each in result.findings if "archive" in each]
    assert told.startswith(f"XUSDT: archive: 1 of {_hours(hour)} hours from ")
    assert dict(connection.execute(HELD.encode()).fetchall()) == {
        FILES: MONTHS.hours - 1,
        API: (END - MONTHS.end) // HOUR + 1,
    }


def test_a_month_that_takes_the_api_several_pages_is_compared_by_one(
    settings: Settings, tmp_path: Path, open_tools: Open, connection: store.Connection
) -> None:
    """Futures give 499 hours a page. Their API says another number of trades at 20:00, always."""

    def spoil(name: str, answer: httpx.Response) -> Iterable[bytes]:
        if name != FUTURES or "klines" not in str(answer.request.url):
            return [whole(answer, answer.content)]
        rows = json.loads(answer.content)
        for row in rows:
            if row[0] // 3_600_000 % 24 == 20:
                row[8] = 6
        return [whole(answer, json.dumps(rows).encode())]

    with standing(settings, tmp_path, open_tools, FUTURES) as place:
        place.front.spoil = spoil
        result = place.backfill(FUTURES, now=NOW, start="2025-10-01", archive=None)
    restated = connection.execute("select open_time, trades from restated order by 1").fetchall()
    assert {(hour.hour, trades) for hour, trades in restated} == {(20, 5)}
    assert 1 <= len(restated) <= 499 // 24 + 1
    assert restated[-1][0] - restated[0][0] == (len(restated) - 1) * 24 * HOUR
    assert len([each for each in result.findings if "archive" in each]) == 1
    newest = (END - MONTHS.end) // HOUR
    assert result.rows == {f"{FUTURES}_archive": MONTHS.hours, FUTURES: newest + len(restated)}


def _hours(at: datetime) -> int:
    start = at.replace(day=1, hour=0)
    month = Window(start, (start + timedelta(days=31)).replace(day=1))
    return (month.clip(Window(SINCE, END)) or month).hours
