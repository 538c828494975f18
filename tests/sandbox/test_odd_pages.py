"""Odd pages of candles, each on the wire, written down, and no part of the truth."""

import email.utils
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox import Serving

Rude = Callable[..., Serving]
Row = list[Any]

HOUR = 3_600_000
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
OPEN = 1795341600000  # 2026-11-22 10:00
START = OPEN - 24 * HOUR
XRP = {
    "binance_futures": "XRPUSDT",
    "binance_spot": "XRPUSDT",
    "binance_spot-mirror": "XRPUSDT",
    "okx": "XRP-USDT",
    "bybit": "XRPUSDT",
}
BINANCE = ("binance_futures", "binance_spot", "binance_spot-mirror")
VOLUMES = {"okx": (5, 7), "bybit": (5, 6)}
venues = pytest.mark.parametrize("source", XRP)


def asked(source: str, symbol: str, start: int, end: int) -> tuple[str, dict[str, object]]:
    if source == "okx":
        query = {"instId": symbol, "bar": "1H", "before": start - 1, "after": end, "limit": 100}
        return "/okx/api/v5/market/history-candles", query
    if source == "bybit":
        ends = {"start": start, "end": end - 1, "limit": 100}
        return "/bybit/v5/market/kline", {"symbol": symbol, "interval": 60, **ends}
    prefix = "fapi/v1" if source == "binance_futures" else "api/v3"
    ends = {"startTime": start, "endTime": end - 1}
    return f"/{source}/{prefix}/klines", {"symbol": symbol, "interval": "1h", **ends}


def page(
    sandbox: Serving, source: str, symbol: str = "", start: int = START, end: int = OPEN
) -> list[Row]:
    path, query = asked(source, symbol or XRP[source], start, end)
    told = sandbox.get(path, **query).json()
    if source == "okx":
        return list(reversed(told["data"]))
    return list(reversed(told["result"]["list"])) if source == "bybit" else list(told)


def times(rows: list[Row]) -> list[int]:
    return [int(row[0]) for row in rows]


def written(sandbox: Serving, kind: str, source: str) -> dict[str, Any]:
    """The one thing that befell; it is no part of the truth."""
    (event,) = sandbox.odd()
    house = source.removesuffix("-mirror")
    about = event["kind"], event["source"], event["symbol"], event["coin"]
    assert about == (kind, house, XRP[source], "ripple")
    assert (event["at"], event["requests"]) == (OPEN + HOUR // 2, 1)
    return event


def true(clean: Serving, sandbox: Serving, source: str) -> None:
    house = source.removesuffix("-mirror")
    told = sandbox.truth(house, XRP[source], START, OPEN)
    quote = VOLUMES.get(source, (5, 7))[1]
    real = page(clean, source)
    assert [row[:6] for row in told] == [[int(r[0]), *map(float, r[1:6])] for r in real]
    assert [row[6] for row in told] == [float(row[quote]) for row in real]


@venues
def test_a_page_may_be_a_day_old_and_says_so(clean: Serving, rude: Rude, source: str) -> None:
    sandbox = rude("stale page")
    path, query = asked(source, XRP[source], START - 5 * HOUR, OPEN)
    answer = sandbox.get(path, **query)
    date = email.utils.parsedate_to_datetime(answer.headers["date"])
    assert date == NOW - timedelta(days=1)
    rows = page(sandbox, source, start=START - 5 * HOUR)
    open_then = clean.truth(source.removesuffix("-mirror"), XRP[source], START, START + HOUR)
    assert times(rows) == [START - i * HOUR for i in (5, 4, 3, 2, 1, 0)]
    assert 0 < float(rows[-1][5]) < open_then[0][5]
    first, second = sandbox.odd()
    assert first == second
    assert (first["kind"], first["start"], first["end"]) == ("stale page", START - 5 * HOUR, OPEN)
    true(clean, sandbox, source)


@venues
def test_a_page_that_was_the_same_a_day_ago_is_not_stale(rude: Rude, source: str) -> None:
    sandbox = rude("stale page")
    assert page(sandbox, source, start=OPEN - 90 * HOUR, end=OPEN - 40 * HOUR)
    assert sandbox.odd() == []


@venues
def test_a_page_may_be_another_windows(clean: Serving, rude: Rude, source: str) -> None:
    sandbox = rude("other page")
    assert page(sandbox, source) == page(clean, source, start=START - 24 * HOUR, end=START)
    event = written(sandbox, "other page", source)
    assert (event["start"], event["end"]) == (START, OPEN)
    true(clean, sandbox, source)


@venues
def test_a_page_may_be_an_hour_off_and_reaches_out_of_what_was_asked(
    clean: Serving, rude: Rude, source: str
) -> None:
    sandbox = rude("hour off")
    rows, real = page(sandbox, source), page(clean, source)
    (by,) = {a - b for a, b in zip(times(rows), times(real), strict=True)}
    assert by == {"early": -HOUR, "late": HOUR}[written(sandbox, "hour off", source)["detail"]]
    assert [row[1:6] for row in rows] == [row[1:6] for row in real]
    assert {type(row[0]) for row in rows} == {type(row[0]) for row in real}
    assert not START <= min(times(rows)) <= max(times(rows)) < OPEN
    true(clean, sandbox, source)


@venues
def test_volumes_may_be_swapped(clean: Serving, rude: Rude, source: str) -> None:
    sandbox = rude("volumes swapped")
    base, quote = VOLUMES.get(source, (5, 7))
    rows, real = page(sandbox, source), page(clean, source)
    assert [(r[base], r[quote]) for r in rows] == [(r[quote], r[base]) for r in real]
    written(sandbox, "volumes swapped", source)
    true(clean, sandbox, source)


def test_volumes_are_not_swapped_where_nobody_could_tell(rude: Rude) -> None:
    sandbox = rude("volumes swapped")
    assert page(sandbox, "binance_spot", "USDCUSDT")
    assert sandbox.odd() == []


@venues
def test_one_row_may_be_bad_in_four_ways(clean: Serving, rude: Rude, source: str) -> None:
    sandbox = rude("bad row")
    real = {int(row[0]): row for row in page(clean, source, end=OPEN + HOUR)}
    base, quote = VOLUMES.get(source, (5, 7))
    seen = {}
    for _ in range(24):
        rows = page(sandbox, source, end=OPEN + HOUR)
        (bad,) = [row for row in rows if real.get(int(row[0])) != row]
        event = sandbox.odd()[-1]
        seen[event["detail"]] = bad, real[event["start"]], event
    assert set(seen) == {
        "off the hour", "all zeros", "null volume and trades", "high below low",
    }  # fmt: skip
    bad, good, event = seen["off the hour"]
    assert (int(bad[0]) - int(good[0]), bad[1:6]) == (17 * 60_000, good[1:6])
    bad, good, event = seen["all zeros"]
    assert {float(bad[i]) for i in (1, 2, 3, 4, base, quote)} == {0.0}
    bad, good, event = seen["null volume and trades"]
    assert (bad[base], bad[:5]) == (None, good[:5])
    bad, good, event = seen["high below low"]
    assert float(bad[2]) < float(bad[3])
    assert event["start"] < OPEN  # never the one that is open
    assert event["end"] == event["start"] + HOUR
    true(clean, sandbox, source)


@venues
def test_rows_may_have_one_more_column(clean: Serving, rude: Rude, source: str) -> None:
    sandbox = rude("more columns")
    assert page(sandbox, source) == [[*row, "0"] for row in page(clean, source)]
    written(sandbox, "more columns", source)


@pytest.mark.parametrize("source", BINANCE)
def test_the_very_first_candle_may_be_yesterdays_or_none(
    clean: Serving, rude: Rude, source: str
) -> None:
    sandbox = rude("first candle wrong")
    path, _ = asked(source, "XRPUSDT", 0, 0)
    probe = {"symbol": "XRPUSDT", "interval": "1h", "startTime": 0, "limit": 1}
    found = [sandbox.get(path, **probe).json() for _ in range(12)]
    told = [event["detail"] for event in sandbox.odd()]
    yesterday = page(clean, source, start=START, end=START + HOUR)
    assert set(told) == {"none", "yesterday's"}
    assert found == [[] if detail == "none" else yesterday for detail in told]
    first = int(clean.get(path, **probe).json()[0][0])
    assert {event["start"] for event in sandbox.odd()} == {first}
    assert sandbox.truth(source.removesuffix("-mirror"), "XRPUSDT", end=START)[0][0] == first
    assert len(page(sandbox, source)) == 24


@venues
def test_an_hour_is_told_otherwise_at_first_and_right_later(
    clean: Serving, rude: Rude, source: str
) -> None:
    sandbox = rude("restated")
    real = {int(row[0]): row for row in page(clean, source)}
    at_first = {int(row[0]): row for row in page(sandbox, source)}
    base = VOLUMES.get(source, (5, 7))[0]
    other = [t for t, row in real.items() if at_first[t] != row]
    assert OPEN - HOUR in other
    assert min(other) >= OPEN - 4 * HOUR
    for t in other:
        assert float(at_first[t][base]) < float(real[t][base])
        low, high = float(real[t][3]), float(real[t][2])
        assert low <= float(at_first[t][4]) <= high
        assert at_first[t][1:4] == real[t][1:4]
    assert page(sandbox, source) == [*at_first.values()]
    told = sorted((e["start"], e["requests"]) for e in sandbox.odd())
    assert told == [(t, 2) for t in other]
    sandbox.at(NOW + timedelta(hours=4))
    later = {int(row[0]): row for row in page(sandbox, source)}
    assert [later[t] for t in other] == [real[t] for t in other]
    true(clean, sandbox, source)


@pytest.mark.parametrize(
    ("source", "own"),
    [
        ("binance_futures", {b'{"code":-9999'}),
        ("binance_spot", {b'{"code":-9999'}),
        ("okx", {b'{"code":"5899'}),
        ("bybit", {b'{"retCode":17', b'{"retCode":10'}),
        ("coingecko", set[bytes]()),
    ],
)
def test_an_error_may_be_one_that_nobody_has_documented(
    rude: Rude, source: str, own: set[bytes]
) -> None:
    sandbox = rude("error code")
    path, query = asked(source, XRP.get(source, ""), START, OPEN)
    if source == "coingecko":
        path, query = "/coingecko/api/v3/coins/list", {}
    found = [sandbox.get(path, **query) for _ in range(60)]
    gateway = {(400, b""), (405, b""), (521, b"<html><h1>521")}
    said = {(x.status_code, x.content[:13]) for x in found}
    assert gateway < said | {(0, b"")}
    assert {head for _, head in said - gateway} == own
    assert len(sandbox.odd()) == 60


@pytest.mark.parametrize(
    ("kind", "status", "begins"),
    [
        ("429", 429, b"{"),
        ("500", 500, b"<html>"),
        ("502", 502, b"<html>"),
        ("503", 503, b"<html>"),
        ("html", 200, b"<html>"),
        ("empty", 200, b""),
        ("truncated", 200, b"[["),
        ("slow", 200, b"[["),
    ],
)
def test_the_older_faults_befall_requests_too(
    clean: Serving, rude: Rude, kind: str, status: int, begins: bytes
) -> None:
    sandbox = rude(kind)
    path, query = asked("binance_spot", "XRPUSDT", START, OPEN)
    answer, real = sandbox.get(path, **query), clean.get(path, **query)
    assert (answer.status_code, answer.content[: len(begins)]) == (status, begins)
    assert (answer.content == real.content) == (kind == "slow")
    written(sandbox, kind, "binance_spot")


def test_an_answer_may_be_cut(rude: Rude) -> None:
    sandbox = rude("cut")
    path, query = asked("binance_spot", "XRPUSDT", START, OPEN)
    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.get(path, **query)
    written(sandbox, "cut", "binance_spot")
