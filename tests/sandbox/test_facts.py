"""What each sandbox venue says of itself, held against its answers, and its odd ones."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from chandlery.model import HOUR, Listing, Window
from chandlery.venues import Source, in_order, load
from sandbox import Serving, serving
from sandbox.facts import Facts, facts
from sandbox.odd_met import at
from sandbox.odd_rows import opened

Spoilt = Callable[[str], Serving]
END = datetime(2026, 11, 22, 10, tzinfo=UTC)
WINDOW = Window(END - 24 * HOUR, END)
TOLD = facts()
LAYOUTS = {name: each.layout for name, each in TOLD.items() if each.layout}
PAGED = [*LAYOUTS]
LISTED = [name for name, each in TOLD.items() if each.shape]
COINS = 26  # the last of them trades in a pool alone
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def spoilt() -> Iterator[Spoilt]:
    """A sandbox that plays a kind whenever it can, the same for all tests of a kind."""
    with ExitStack() as stack:
        served: dict[str, Serving] = {}

        def of(kind: str) -> Serving:
            if kind not in served:
                odd = {"rate": 1.0, "kinds": [kind]} if kind else None
                box = serving(coins=COINS, seed=7, now=NOW, limits=False, odd=odd)
                served[kind] = stack.enter_context(box)
            return served[kind]

        yield of


@pytest.fixture(scope="module")
def clean(spoilt: Spoilt) -> Serving:
    """The same sandbox without anything odd."""
    return spoilt("")


def ask(sandbox: Serving, source: str, request: httpx.Request | None) -> httpx.Response:
    assert request is not None
    answer = sandbox.get(f"/{source}{request.url.path}", **request.url.params)
    assert answer.status_code == 200, answer.text
    return answer


def symbol(sandbox: Serving, source: str) -> str:
    listed = [each for each in sandbox.truth() if each["source"] == source]
    known = {each["coin"]: str(each["symbol"]) for each in listed}
    return known.get("ethereum") or next(iter(known.values()))


def page(sandbox: Serving, name: str) -> list[list[Any]]:
    source, layout = load()[name], LAYOUTS[name]
    request = source.request(Listing(1, name, symbol(sandbox, name)), WINDOW)
    rows: list[list[Any]] = at(ask(sandbox, name, request).json(), layout.keys)
    return sorted(rows, key=lambda row: opened(row, layout))


def odd(sandbox: Serving, name: str) -> list[dict[str, Any]]:
    return [each for each in sandbox.odd() if each["source"] == name]


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
    layout = LAYOUTS[name]
    known = clean.truth(name, symbol(clean, name), WINDOW.start, WINDOW.end)
    truth = {row[0]: row for row in known}
    places = zip((*layout.prices, layout.volume, layout.quote), range(1, 7), strict=True)
    told = [(place, at) for place, at in places if place is not None]
    rows = [row for row in page(clean, name) if opened(row, layout) in truth]
    assert len(rows) > 20
    for row in rows:
        true = truth[opened(row, layout)]
        assert [float(row[place]) for place, _ in told] == [true[at] for _, at in told]


def cannot_be(name: str, kind: str) -> bool:
    """Whether a venue's pages cannot be odd in that way, or none could tell."""
    layout = LAYOUTS[name]
    return (kind == "hour off" and not layout.off) or (
        kind == "volumes swapped" and None in (layout.volume, layout.quote)
    )


KINDS = ("stale page", "other page", "hour off", "volumes swapped", "bad row", "more columns")
PLAYED = [(name, kind) for name in PAGED for kind in KINDS if not cannot_be(name, kind)]
NOT_PLAYED = [(name, kind) for name in PAGED for kind in KINDS if cannot_be(name, kind)]


@pytest.mark.parametrize(("name", "kind"), PLAYED)
def test_pages_are_spoilt_and_the_hours_are_told(
    clean: Serving, spoilt: Spoilt, name: str, kind: str
) -> None:
    sandbox = spoilt(kind)
    assert page(sandbox, name) != page(clean, name)
    (event,) = odd(sandbox, name)
    assert (event["kind"], event["symbol"]) == (kind, symbol(clean, name))
    first = opened(page(clean, name)[0], LAYOUTS[name])
    assert first <= event["start"] < event["end"]
    assert event["end"] <= WINDOW.end.timestamp() * 1000


@pytest.mark.parametrize(("name", "kind"), NOT_PLAYED)
def test_what_nobody_could_tell_is_not_played(
    clean: Serving, spoilt: Spoilt, name: str, kind: str
) -> None:
    sandbox = spoilt(kind)
    assert page(sandbox, name) == page(clean, name)
    assert odd(sandbox, name) == []


@pytest.mark.parametrize("name", PAGED)
def test_hours_are_told_otherwise_at_first(clean: Serving, spoilt: Spoilt, name: str) -> None:
    sandbox, layout = spoilt("restated"), LAYOUTS[name]
    real = {opened(row, layout): row for row in page(clean, name)}
    other = {opened(row, layout): row for row in page(sandbox, name)}
    changed = [hour for hour, row in other.items() if row != real[hour]]
    assert changed == sorted(each["start"] for each in odd(sandbox, name))
    for hour in changed:
        for place in layout.volumes:
            assert float(other[hour][place]) < float(real[hour][place])
        assert list(map(type, other[hour])) == list(map(type, real[hour]))


@pytest.mark.parametrize("name", LISTED)
def test_lists_are_spoilt(clean: Serving, spoilt: Spoilt, name: str) -> None:
    assert listed(clean, name)
    assert listed(spoilt("empty list"), name) == []


@pytest.mark.parametrize("name", LISTED)
def test_odd_entries_cost_no_other(clean: Serving, spoilt: Spoilt, name: str) -> None:
    source, shape = load()[name], TOLD[name].shape
    assert source.catalogue is not None
    assert shape is not None
    sandbox = spoilt("odd entry")
    right, read = (source.catalogue.parse(_list(each, source)) for each in (clean, sandbox))
    added = [each for each in listed(sandbox, name) if "ODD" in str(each[shape.base])]
    assert added
    assert right.frame.height
    assert set(read.frame["symbol"]) >= set(right.frame["symbol"])
    assert read.odd


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_an_error_that_nobody_has_seen_is_no_word_on_the_symbol(told: Facts) -> None:
    for words, answer in told.errors:
        response = httpx.Response(answer.status, content=answer.body)
        error = load()[told.source].venue.verdict(response)
        assert type(error).__name__ == "Unavailable", words
    assert all(orjson.loads(answer.body) for _, answer in told.errors)
