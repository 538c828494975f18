"""What each sandbox venue says of itself, held against its answers, and its odd ones."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from chandlery.model import HOUR, Listing, Window
from chandlery.venues import Source, in_order, load
from sandbox import Serving
from sandbox.facts import Facts, facts
from sandbox.odd_met import at
from sandbox.odd_rows import opened

Rude = Callable[..., Serving]
END = datetime(2026, 11, 22, 10, tzinfo=UTC)
WINDOW = Window(END - 24 * HOUR, END)
TOLD = facts()
PAGED = [name for name, each in TOLD.items() if each.layout]
LISTED = [name for name, each in TOLD.items() if each.shape]


def ask(sandbox: Serving, source: str, request: httpx.Request | None) -> httpx.Response:
    assert request is not None
    answer = sandbox.get(f"/{source}{request.url.path}", **request.url.params)
    assert answer.status_code == 200, answer.text
    return answer


def symbol(sandbox: Serving, source: str) -> str:
    listed = [each for each in sandbox.truth() if each["source"] == source]
    return next(str(each["symbol"]) for each in listed if each["coin"] == "ethereum")


def page(sandbox: Serving, name: str) -> list[list[Any]]:
    source, layout = load()[name], TOLD[name].layout
    assert layout is not None
    request = source.request(Listing(1, name, symbol(sandbox, name)), WINDOW)
    rows: list[list[Any]] = at(ask(sandbox, name, request).json(), layout.keys)
    return sorted(rows, key=lambda row: opened(row, layout))


def listed(sandbox: Serving, name: str) -> list[Mapping[str, Any]]:
    shape = TOLD[name].shape
    assert shape is not None
    return list(at(_list(sandbox, load()[name]).json(), shape.keys))


def _list(sandbox: Serving, source: Source) -> httpx.Response:
    assert source.catalogue is not None
    return ask(sandbox, source.name, source.catalogue.request(None))


def test_every_source_that_is_asked_by_default_is_in_the_sandbox() -> None:
    assert set(in_order()) == set(TOLD)


@pytest.mark.parametrize("name", PAGED)
def test_rows_are_where_the_venue_says(clean: Serving, name: str) -> None:
    layout = TOLD[name].layout
    assert layout is not None
    truth = clean.truth(name, symbol(clean, name), WINDOW.start, WINDOW.end)
    places = (*layout.prices, layout.volume)
    told = [
        [opened(row, layout), *(float(row[each]) for each in places)] for row in page(clean, name)
    ]
    assert told == [row[:6] for row in truth]
    assert [float(row[layout.quote]) for row in page(clean, name)] == [row[6] for row in truth]


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("kind", ["bad row", "hour off", "volumes swapped", "other page"])
def test_pages_are_spoilt_and_the_hours_are_told(
    clean: Serving, rude: Rude, name: str, kind: str
) -> None:
    sandbox = rude(kind)
    assert page(sandbox, name) != page(clean, name)
    (event,) = [each for each in sandbox.odd() if each["kind"] == kind]
    assert event["source"] == name
    assert WINDOW.start.timestamp() * 1000 <= event["start"] < event["end"]
    assert event["end"] <= WINDOW.end.timestamp() * 1000


@pytest.mark.parametrize("name", LISTED)
def test_lists_are_spoilt(clean: Serving, rude: Rude, name: str) -> None:
    assert listed(clean, name)
    assert listed(rude("empty list"), name) == []


@pytest.mark.parametrize("name", LISTED)
def test_odd_entries_cost_no_other(clean: Serving, rude: Rude, name: str) -> None:
    source, shape = load()[name], TOLD[name].shape
    assert source.catalogue is not None
    assert shape is not None
    sandbox = rude("odd entry")
    right, odd = (source.catalogue.parse(_list(each, source)) for each in (clean, sandbox))
    added = [each for each in listed(sandbox, name) if "ODD" in str(each[shape.base])]
    assert added
    assert right.frame.height
    assert set(odd.frame["symbol"]) >= set(right.frame["symbol"])
    assert odd.odd


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_an_error_that_nobody_has_seen_is_no_word_on_the_symbol(told: Facts) -> None:
    for words, answer in told.errors:
        response = httpx.Response(answer.status, content=answer.body)
        error = load()[told.source].venue.verdict(response)
        assert type(error).__name__ == "Unavailable", words
    assert all(orjson.loads(answer.body) for _, answer in told.errors)
