"""What venues really answer, spoilt: candles within the rules, or one line of ours why not.

The whole way is gone, from the request through limits and retries to the checked frame.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chandlery.errors import SourceError
from chandlery.model import HOUR, Listing, Window, check
from chandlery.venues import (
    CATALOGUE,
    Source,
    Timepiece,
    catalogue,
    client,
    fetch,
    fetch_many,
    first_candle,
    load,
    pages,
)
from sandbox.app import application
from sandbox.venue import Ask
from sources import coingecko
from tests.fuzz import Inputs
from tests.sources.recordings import symbol

NOW = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)
SOURCES = load()
SHARE = 0.5 / len(SOURCES)
SPOILT_ANSWERS = 6  # of one call; then they are whole, so that pages come to an end
ODD = [
    None, True, False, 0, 1, -1, 2**53, 2**63 - 1, -(2**63), 1e308, -0.5, 5e-324, "", " ", "0",
    "-1", "1e400", "NaN", "Infinity", "x" * 300, "\x00", "\u2028", "1704067200000", "1,5", [], {},
    [[]], [None], {"": None}, "2026-11-22T09:00:00Z", "9999-12-31T23:59:59Z", 253402300800000,
]  # fmt: skip
STATUSES = [*[200] * 12, 204, 206, 301, 400, 401, 403, 404, 418, 429, 451, 500, 503, 599]
HEADERS = {
    "retry-after": ["0", "-1", "1e9", "9999999", "soon", "Sun, 22 Nov 2026 11:00:00 GMT", ""],
    "date": ["Sun, 22 Nov 2026 08:30:00 GMT", "0", "", "Fri, 31 Feb 2026 00:00:00 GMT", "x" * 99],
    "x-mbx-used-weight-1m": ["-5", "NaN", "1e99", "", "99999999999", "2399"],
    "x-bapi-limit-status": ["-1", "", "0"],
    "content-type": ["text/html; charset=utf-99", ""],
}


def in_tree(tree: Any, dice: Random) -> Any:
    """JSON with one value somewhere changed, gone, twice, swapped, or of another kind."""
    holders = list(_holders(tree))
    if not holders:
        return deepcopy(dice.choice(ODD))  # it may be changed in turn
    holder = dice.choice(holders)
    place = dice.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    value = holder[place]
    do = dice.randrange(7)
    if do == 0:
        del holder[place]
    elif do == 1 and isinstance(holder, list):
        holder.insert(place, deepcopy(value))
    elif do == 2:
        other = dice.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        holder[place], holder[other] = holder[other], value
    elif do == 3 and isinstance(value, str):
        holder[place] = dice.choice([_number(value), value[:-1], value + value, f" {value}"])
    elif do == 4 and isinstance(value, int | float):
        holder[place] = dice.choice([str(value), -value, value * 1000, value + 1, value / 1000])
    else:
        holder[place] = deepcopy(dice.choice(ODD))
    return tree


def _number(text: str) -> float | str:
    with suppress(ValueError):
        return float(text)
    return text


def _holders(tree: Any) -> Iterator[Any]:
    """All lists and objects that hold anything."""
    if isinstance(tree, list | dict) and tree:
        yield tree
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from _holders(value)


def in_bytes(body: bytes, dice: Random) -> bytes:
    """Bytes changed, cut out, cut off, put in or doubled."""
    spoilt = bytearray(body)
    at = dice.randrange(len(body) + 1)
    end = min(len(body), at + dice.choice([1, 4, 50, len(body)]))
    do = dice.randrange(4)
    if do == 0:
        spoilt[at:end] = dice.randbytes(end - at)
    elif do == 1:
        del spoilt[at:end]
    elif do == 2:
        spoilt[at:at] = dice.choice([dice.randbytes(4), b"\0", b"<html>", b"{", b"]", b"\n,,\n"])
    else:
        spoilt[at:at] = spoilt[at:end]
    return bytes(spoilt)


def in_zip(body: bytes, dice: Random) -> bytes:
    """The file within spoilt, named otherwise, beside another, or the zip itself spoilt."""
    do = dice.randrange(6)
    if do == 0:
        return in_bytes(body, dice)
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        name = packed.namelist()[0]
        text = packed.read(name)
    files = {name: in_csv(text, dice)}
    if do == 1:
        files = {dice.choice(["../evil.csv", " ", "x" * 200, name.upper()]): text}
    if do == 2:
        files |= {"more.csv": text}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for each, inside in files.items():
            packed.writestr(each, inside * (200 if do == 3 else 1))
    return made.getvalue()


def in_csv(text: bytes, dice: Random) -> bytes:
    """A cell changed, or a column, a row, or any bytes."""
    rows = [row.split(b",") for row in text.split(b"\n")]
    row = dice.choice(rows)
    do = dice.randrange(5)
    if do == 0:
        row[dice.randrange(len(row))] = str(dice.choice(ODD)).encode()
    elif do == 1:
        del row[dice.randrange(len(row))]
    elif do == 2:
        rows.insert(dice.randrange(len(rows)), list(row))
    elif do == 3:
        column = dice.randrange(12)
        for each in rows:
            each[column : column + 1] = [str(dice.choice(ODD)).encode()] * dice.choice([0, 1, 2])
    else:
        return in_bytes(text, dice)
    return b"\n".join(map(b",".join, rows))


def spoilt(body: bytes, dice: Random) -> bytes:
    if body.startswith(b"PK"):
        return in_zip(body, dice)
    if not body.startswith((b"{", b"[")) or dice.random() < 0.2:
        return in_bytes(body, dice)
    tree = orjson.loads(body)
    for _ in range(dice.choice([1, 1, 2, 5])):
        tree = in_tree(tree, dice)
    # Without a check: what JSON cannot have, a number beyond 64 bits, is written too.
    with suppress(orjson.JSONEncodeError):
        return orjson.dumps(tree)
    return repr(tree).replace("'", '"').encode()


@dataclass
class Venues:
    """The sandbox's venues, and what they answered."""

    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    box: Any = field(
        default_factory=lambda: application(coins=13, seed=7, now=NOW, limits=False).state.sandbox
    )

    def whole(self, request: httpx.Request) -> tuple[int, bytes]:
        """Status and body as they should be."""
        asked = str(request.url)
        if asked not in self.answers:
            self.answers[asked] = self._ask(request)
        return self.answers[asked]

    def _ask(self, request: httpx.Request) -> tuple[int, bytes]:
        venue = self.box.venues[request.extensions["venue"].name.removesuffix("_pro")]
        ask = Ask(request.url.path, dict(request.url.params), self.box.now(), request.headers)
        answer = venue.answer(ask)
        return answer.status, answer.body


@dataclass
class Spoiler:
    """Answers whole ones spoilt by these dice; a file's checksum is mostly that of what came."""

    venues: Venues
    dice: Random
    asked: int = 0
    last: bytes = b""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        status, body = self.venues.whole(request)
        self.asked += 1
        if self.asked > SPOILT_ANSWERS:
            return httpx.Response(status, content=body)
        sealed = request.url.path.endswith(".CHECKSUM")
        if sealed and self.dice.random() < 0.9:
            body = body.replace(body[:64], hashlib.sha256(self.last).hexdigest().encode())
        elif self.dice.random() < 0.9:
            body = spoilt(body, self.dice)
        self.last = body
        if status == httpx.codes.OK:
            status = self.dice.choice(STATUSES)
        headers = {
            name: self.dice.choice(values)
            for name, values in HEADERS.items()
            if self.dice.random() < 0.1
        }
        return httpx.Response(status, content=body, headers=headers)


Call = Callable[[httpx.Client, Random], None]


def candles(source: Source) -> Call:
    def ask(connected: httpx.Client, dice: Random) -> None:
        end = NOW.replace(minute=0) - dice.choice([0, 40, 24 * 70]) * HOUR
        window = Window(end - dice.choice([1, 30, 120]) * HOUR, end)
        multiple = dice.choice([1, 1, 1000])
        listing = Listing(1, source.name, symbol(source.name), multiple=multiple)
        for page in list(pages(source, window, NOW))[:2]:
            frame = check(fetch(connected, source, listing, page, NOW).frame)
            assert frame["open_time"].is_between(page.start, page.end, closed="left").all()
            assert frame.filter(frame["open_time"] + HOUR > NOW).is_empty()

    return ask


def first(source: Source) -> Call:
    def ask(connected: httpx.Client, _: Random) -> None:
        listing = Listing(1, source.name, symbol(source.name))
        found = first_candle(connected, source, listing, NOW)
        assert found is None or found + HOUR <= NOW

    return ask


def newest(source: Source) -> Call:
    def ask(connected: httpx.Client, _: Random) -> None:
        listings = [Listing(1, source.name, "bitcoin"), Listing(2, source.name, "ethereum")]
        window = Window(NOW.replace(minute=0) - 24 * HOUR, NOW.replace(minute=0))
        found = fetch_many(connected, source, listings, window, NOW)
        assert set(found) <= set(listings)
        assert all(check(frame) is frame for frame in found.values())

    return ask


def listed(source: Source) -> Call:
    def ask(connected: httpx.Client, _: Random) -> None:
        assert catalogue(connected, source).frame.schema == CATALOGUE

    return ask


def coins(connected: httpx.Client, _: Random) -> None:
    assert coingecko.coins(connected, 20).schema == coingecko.COINS


def tickers(connected: httpx.Client, dice: Random) -> None:
    derivatives = dice.random() < 0.5
    exchange = "binance_futures" if derivatives else "binance"
    found = coingecko.tickers(connected, exchange, derivatives=derivatives)
    assert found.schema == coingecko.TICKERS


def calls(source: Source) -> list[Call]:
    """All that a source is asked for."""
    found = [candles(source)] * 3
    found += [first(source)] if source.first else []
    found += [newest(source)] * 2 if source.many else []
    found += [listed(source)] if source.catalogue else []
    found += [coins, tickers] if source.name == "coingecko" else []
    return found


KEYS: Mapping[str, str] = dict.fromkeys(SOURCES, "a-key")


def stands(venues: Venues, source: Source, dice: Random) -> None:
    """Ask for one thing; whatever comes is within the rules, or an error of ours in one line."""
    now = [NOW.timestamp()]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    timepiece = Timepiece(lambda: now[0], lambda: now[0], sleep)
    transport = httpx.MockTransport(Spoiler(venues, dice))
    with client(transport=transport, timepiece=timepiece, keys=KEYS) as connected:
        words = ""
        try:
            dice.choice(calls(source))(connected, dice)
        except SourceError as error:
            words = str(error)
    assert words.isprintable()
    assert len(words) < 500
    assert now[0] - NOW.timestamp() < timedelta(hours=1).total_seconds()


@pytest.fixture(scope="session")
def venues() -> Venues:
    return Venues()


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_is_whole_is_read(venues: Venues, source: Source) -> None:
    """Else all that follows would prove nothing."""
    transport = httpx.MockTransport(lambda request: answer(*venues.whole(request)))
    still = Timepiece(lambda: 0.0, lambda: 0.0, lambda _: None)
    with client(transport=transport, timepiece=still, keys=KEYS) as connected:
        for call in calls(source):
            call(connected, Random(1))  # noqa: S311  the same for everybody


def answer(status: int, body: bytes) -> httpx.Response:
    return httpx.Response(status, content=body)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@given(st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_nearly_right_is_candles_or_an_error_of_ours(
    venues: Venues, source: Source, dice: Random
) -> None:
    stands(venues, source, dice)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_fuzz(venues: Venues, source: Source, inputs: Inputs) -> None:
    for dice in inputs(SHARE):
        stands(venues, source, dice)
