"""What venues tell: rows of the fault table in which an answer arrives whole, and is wrong."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from chandlery import store
from chandlery.engine.run import fill_gaps
from chandlery.model import HOUR, Window, instant
from chandlery.quality.check import check
from chandlery.symbology.learn import learn
from chandlery.venues import Fetched, fetch, load
from sandbox.front import Reset, whole
from tests.fault_table import Happened
from tests.faults.conftest import Place, Plant

TOLD = ("binance_futures", "binance_spot", "okx", "bybit", "cryptocompare")
"""Who tells candles; CoinGecko tells prices."""
LIES = ("data", "result", "list", "Data")
"""Under which names the rows lie, one in the other."""
NAMES = ("time", "open", "high", "low", "close", "volumefrom", "volumeto")
KEEPING = "all of the answer refused by name of the rule, others fill in, filled once it is over"
MS = 3_600_000
YEAR = 365 * 24 * MS
NOW = instant("2026-11-22T10:30Z")
EXACT = TOLD[:4]
"""Who tells no hour but those asked for."""
QUOTED = {"binance_futures": 7, "binance_spot": 7, "okx": 7, "bybit": 6, "cryptocompare": 6}
"""In which column of `edited` each tells its quote volume."""
SPOILT = "its hour refused by name, the rest stored, others fill in, filled once it is over"

Rows = list[list[Any]]
Change = Callable[[Rows], Rows]


def edited(change: Change) -> Plant:
    """Rows as [milliseconds, open, high, low, close, volume, …], by time, changed; then as told."""

    def plant(place: Place, sources: tuple[str, ...]) -> None:
        place.front.spoil = lambda name, answer: iter(
            [whole(answer, changed(answer, change) if name in sources else None)]
        )

    return plant


def changed(answer: httpx.Response, change: Change) -> bytes:
    body = found = answer.json()
    while isinstance(found, dict):
        found = next(found[name] for name in LIES if name in found)
    if not found:
        return answer.content
    named, texts = isinstance(found[0], dict), type(found[0]) is list and type(found[0][0]) is str
    rows = [[each[name] for name in NAMES] if named else each for each in found]
    unit = 1000 if named else 1
    plain = sorted([int(row[0]) * unit, *map(float, row[1:6]), *row[6:]] for row in rows)
    lists = [[row[0] // unit, *row[1:]] for row in change(plain)]
    if named:
        found[:] = [dict(zip(NAMES, row, strict=True)) for row in lists]
    else:
        at = str if texts else int
        found[:] = [[at(row[0]), *map(str, row[1:6]), *row[6:]] for row in lists]
    return json.dumps(body).encode()


def cell(column: int, value: float) -> Change:
    def change(rows: Rows) -> Rows:
        rows[5][column] = value
        return rows

    return change


def timed(move: Callable[[int], int]) -> Change:
    return lambda rows: [[move(row[0]), *row[1:]] for row in rows]


def swapped(rows: Rows) -> Rows:
    rows[5][2], rows[5][3] = rows[5][3], rows[5][2]
    return rows


def twice(rows: Rows) -> Rows:
    return [
        *rows[:6],
        [rows[5][0], *(1.01 * value for value in rows[5][1:6]), *rows[5][6:]],
        *rows[6:],
    ]


def row(what: str, change: Change, words: str) -> object:
    fault = pytest.mark.fault("venue", what, KEEPING)
    return pytest.param(change, words, marks=fault, id=what)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        row("times in seconds", timed(lambda at: at // 1000), "open_time is not a number"),
        row("times in microseconds", timed(lambda at: at * 1000), "open_time is not a number"),
        row("times on the half hour", timed(lambda at: at + MS // 2), "on the hour"),
        row("candles from the future", timed(lambda at: at + YEAR), "asked for was"),
        row("candles of a year before", timed(lambda at: at - YEAR), "asked for was"),
    ],
)
def test_what_cannot_be(place: Place, happened: Happened, change: Change, words: str) -> None:
    seen = place.meets(edited(change), TOLD, most=1)
    assert all(words in said for said in seen.words.values()), seen.words
    happened(str(seen))


def bad(what: str, change: Change, words: str, sources: tuple[str, ...] = TOLD) -> object:
    fault = pytest.mark.fault("venue", f"of one row of a page: {what}", SPOILT)
    return pytest.param(change, words, sources, marks=fault, id=what)


def cut_short(rows: Rows) -> Rows:
    rows[5] = rows[5][:6]
    return rows


def half_past(rows: Rows) -> Rows:
    rows[5][0] += MS // 2
    return rows


def asked(place: Place, source: str) -> Fetched:
    """What a source tells of the day, as the engine would ask it."""
    with store.connect(place.settings) as connection:
        (coin,) = store.find(connection, ["BTC"])
        listings = store.listings(connection, [coin])
    (listing,) = (each for each in listings if each.source == source)
    with place.context() as context:
        return fetch(context.client, load()[source], listing, place.DAY, NOW)


@pytest.mark.parametrize(
    ("change", "words", "sources"),
    [
        bad("a close of NaN", cell(4, float("nan")), "finite and above zero", EXACT),
        bad("an infinite high", cell(2, float("inf")), "finite and above zero", EXACT),
        bad("a negative low", cell(3, -1.0), "finite and above zero"),
        bad("a close of zero", cell(4, 0.0), "finite and above zero"),
        bad("a volume below zero", cell(5, -1.0), "not below 0"),
        bad("high below low", swapped, "high is highest"),
        bad("it comes twice, with other values", twice, "open_time rises"),
        bad("a time on the half hour", half_past, "on the hour"),
        bad("columns are missing", cut_short, "a row can be read", EXACT),
    ],
)
def test_one_bad_row(
    place: Place, happened: Happened, change: Change, words: str, sources: tuple[str, ...]
) -> None:
    edited(change)(place, sources)
    found = {source: asked(place, source) for source in sources}
    for each in found.values():
        (malformed,) = each.malformed
        assert (each.frame.height, malformed.window.hours) == (23, 1)
        assert words in malformed.words
    first, other = sources[:2]
    edited(change)(place, (first,))
    assert place.collect(first).rows == {first: 23}
    assert place.stored().items() < place.truth[first].items()
    assert place.collect(first, other, coin="ETH").rows == {first: 23, other: 1}
    place.mend()
    assert place.collect(first, now=NOW + 2 * HOUR).rows == {first: 1}
    assert place.stored() == place.truth[first]
    said = found[first].malformed[0].words
    happened(
        f"{len(sources)} sources; “{said}”; 23 stored; {other} had the hour; later {first} too"
    )


def quoted(source: str, rows: Rows) -> Rows:
    at = QUOTED[source]
    return [[*row[:5], float(row[at]), *row[6:at], row[5], *row[at + 1 :]] for row in rows]


@pytest.mark.fault("venue", "base and quote volume are swapped, all over a page", KEEPING)
def test_swapped_volumes(place: Place, happened: Happened) -> None:
    def plant(at: Place, sources: tuple[str, ...]) -> None:
        def spoil(name: str, answer: httpx.Response) -> Iterator[bytes]:
            body = changed(answer, partial(quoted, name)) if name in sources else None
            yield whole(answer, body)

        at.front.spoil = spoil

    seen = place.meets(plant, TOLD, most=1)
    assert all("quote volume fits the prices" in said for said in seen.words.values())
    happened(str(seen))


def everywhere(factor: float, every: int, source: str, rows: Rows) -> Rows:
    """Prices, and dollars with them, so many times as high in every so-manieth row."""
    at = QUOTED[source]
    for row in rows[::every]:
        row[1:5] = [factor * price for price in row[1:5]]
        row[at] = str(factor * float(row[at]))
    return rows


def multiplied(factor: float, every: int = 1) -> Plant:
    def plant(place: Place, sources: tuple[str, ...]) -> None:
        def spoil(name: str, answer: httpx.Response) -> Iterator[bytes]:
            change = partial(everywhere, factor, every, name)
            yield whole(answer, changed(answer, change) if name in sources else None)

        place.front.spoil = spoil

    return plant


def unpriced(place: Place) -> None:
    """As if CoinGecko had told no price of ethereum."""
    with store.connect(place.settings) as connection:
        connection.execute("update coin set price = null, priced_at = null where id = 'ethereum'")


@pytest.mark.fault("venue", "every second hour is told at 10^8 times the price", KEEPING)
def test_every_second_hour(place: Place, happened: Happened) -> None:
    seen = place.meets(multiplied(1e8, every=2), EXACT, most=1)
    assert all("near those of the hours beside" in said for said in seen.words.values())
    happened(str(seen))


@pytest.mark.parametrize(
    "factor",
    [
        pytest.param(
            factor,
            id=what,
            marks=pytest.mark.fault(
                "venue",
                f"a first answer is wrong as a whole, prices and dollars {what}, and nobody knows"
                " another price; later it is told right",
                "a step is found where the right hours begin; the next night none is wrong",
            ),
        )
        for what, factor in (("times 10^8", 1e8), ("doubled", 2.0))
    ],
)
def test_a_first_answer_wrong_as_a_whole(place: Place, happened: Happened, factor: float) -> None:
    window = Window(instant("2026-07-01"), instant("2026-11-22T10:00Z"))
    ask = {"start": f"{window.start:%F}", "end": None}
    place.collect("okx", coin="ETH", **ask)
    (truth,) = [place.stored("ETH", window)]
    place.empty()
    unpriced(place)
    multiplied(factor)(place, ("okx",))
    assert place.collect("okx", coin="ETH", **ask).records == window.hours
    place.mend()
    wrong, told = [window.hours], []
    for night in (1, 2):
        now = NOW + timedelta(days=night)
        newest = {"start": None, "end": None, "hours": 720, "recheck_hours": 72}
        place.collect("okx", coin="ETH", do=fill_gaps, now=now, **newest)
        stored = place.stored("ETH", window)
        wrong.append(sum(stored[hour] != candle for hour, candle in truth.items()))
        report = check(place.settings, now, ["ETH"])
        told.append(report.open.filter(kind="step").height)
    assert (told, wrong[-1]) == ([1, 0], 0)
    assert wrong[1] > window.hours - 72
    happened(f"{wrong} hours wrong, night by night; steps found: {told}")


def more(rows: Rows) -> Rows:
    return [[*row, "new", None] for row in rows]


@pytest.mark.fault("venue", "rows with more columns than are known", "read by those that are")
def test_more_columns(place: Place, happened: Happened) -> None:
    for source in EXACT:
        place.empty()
        edited(more)(place, (source,))
        result = place.collect(source)
        assert (result.failed, result.rows) == ({}, {source: 24})
        assert place.stored() == place.truth[source]
    happened(f"{len(EXACT)} sources, each with its 24 candles as they are")


def disturbed(rows: Rows) -> Rows:
    """Nothing that is not so, but not as it should be."""
    return [*rows[12:], *rows[:12], rows[3]]


def around(rows: Rows) -> Rows:
    """An hour on both sides that nobody asked for."""
    return [[rows[0][0] - MS, *rows[0][1:]], *rows, [rows[-1][0] + MS, *rows[-1][1:]]]


@pytest.mark.parametrize(
    ("change"),
    [
        pytest.param(
            change,
            id=what,
            marks=pytest.mark.fault(
                "venue",
                f"{what}, from a venue that tells no hour but those asked for",
                f"not believed: {KEEPING}",
            ),
        )
        for what, change in (
            ("an hour more on both sides", around),
            ("a page one hour off", timed(lambda at: at + MS)),
            ("a page one hour before", timed(lambda at: at - MS)),
            ("yesterday's page", timed(lambda at: at - 24 * MS)),
        )
    ],
)
def test_a_page_of_other_hours(place: Place, happened: Happened, change: Change) -> None:
    seen = place.meets(edited(change), EXACT, most=1)
    assert all("asked for was 2026-10-03 00:00Z" in said for said in seen.words.values())
    happened(str(seen))


@pytest.mark.fault(
    "venue",
    "rows in no order, an hour twice and alike; from an index, hours that nobody asked for",
    "the hours asked for, each once, as they are",
)
def test_what_does_no_harm(place: Place, happened: Happened) -> None:
    for source in TOLD:
        place.empty()
        harmless = disturbed if source in EXACT else lambda rows: disturbed(around(rows))
        edited(harmless)(place, (source,))
        result = place.collect(source)
        assert (result.failed, result.rows) == ({}, {source: 24})
        assert place.stored() == place.truth[source]
    happened(f"{len(TOLD)} sources, each with its 24 candles")


@pytest.mark.fault(
    "venue", "the candle still open, and the next", "closed candles only, by the slower clock"
)
def test_the_open_candle(place: Place, happened: Happened) -> None:
    today = Window(instant("2026-11-22"), instant("2026-11-23"))
    for source in TOLD:
        place.empty()
        ahead = edited(lambda rows: [*rows, [rows[-1][0] + MS, *rows[-1][1:]]])
        ahead(place, (source,))
        # Our clock is an hour and a half ahead of the venue's.
        result = place.collect(source, start="2026-11-22", end=None, now=NOW + 3 * HOUR / 2)
        assert result.rows == {source: 10}
        assert max(place.stored(window=today)) == instant("2026-11-22T09:00Z")
    happened(f"{len(TOLD)} sources at 10:30, our clock at 12:00: the newest stored is of 09:00")


@pytest.mark.fault(
    "venue",
    "another symbol's candles",
    "refused where the venue names its symbol (Bybit, the archive's files); others cannot be told",
)
def test_another_symbols_candles(place: Place, happened: Happened) -> None:
    def another(answer: httpx.Response) -> httpx.Response:
        url = str(answer.request.url).replace("BTCUSDT", "XRPUSDT").replace("ETHUSDT", "XRPUSDT")
        return place.venues.client.get(url)

    def bybit(name: str, answer: httpx.Response) -> Iterator[bytes]:
        yield whole(another(answer) if name == "bybit" else answer)

    def plant(at: Place, sources: tuple[str, ...]) -> None:
        at.front.spoil = bybit if sources else None

    seen = place.meets(plant, ("bybit",), most=1)
    assert "its candles are of XRPUSDT, not of BTCUSDT" in seen.words["bybit"]

    def archive(name: str, answer: httpx.Response) -> Iterator[bytes]:
        if name != "binance_spot_archive":
            raise Reset
        url = str(answer.request.url).replace("BTC", "XRP")
        packed = place.venues.client.get(url.removesuffix(".CHECKSUM")).content
        seal = hashlib.sha256(packed).hexdigest() + answer.text[64:]
        yield whole(answer, seal.encode() if url.endswith("CHECKSUM") else packed)

    place.empty()
    place.pass_by(90)
    place.front.spoil = archive
    result = place.collect("binance_spot", archive=True)
    assert (result.records, place.reasons()) == (0, place.FAILED)
    words = place.words()["binance_spot_archive"]
    assert "not BTCUSDT-1h-2026-10-03.csv but XRPUSDT-1h-2026-10-03.csv" in words
    happened(f"“{seen.words['bybit']}”; “{words}”; 0 candles, {place.FAILED}")


@pytest.mark.fault(
    "venue",
    "a hole inside an answer",
    "the rest stored, no trades, others fill in; asked again an hour later",
)
def test_a_hole_inside(place: Place, happened: Happened) -> None:
    hole = edited(lambda rows: [*rows[:5], *rows[8:]])
    hole(place, TOLD)
    assert place.collect("binance_futures").rows == {"binance_futures": 21}
    assert place.stored().items() <= place.truth["binance_futures"].items()
    assert place.reasons() == {"no trades": 3}
    hole(place, ("binance_futures",))
    assert place.collect("binance_futures", "okx", coin="ETH").rows == {
        "binance_futures": 21,
        "okx": 3,
    }
    place.mend()
    assert place.collect("binance_futures").pages == 0
    again = place.collect("binance_futures", now=NOW + 2 * HOUR)
    assert (again.rows, again.pages) == ({"binance_futures": 3}, 1)
    assert place.stored() == place.truth["binance_futures"]
    happened("21 stored, {'no trades': 3}; okx had the 3; two hours later they were had from it")


LONG = Window(instant("2026-08-01"), instant("2026-09-30"))


def paged(place: Place, spoil: Callable[[httpx.Response, int], bytes | None]) -> tuple[int, ...]:
    """Two months of Binance's pages with page after page spoilt; what came: rows, gaps, after."""

    def each(_: str, answer: httpx.Response) -> Iterator[bytes]:
        at = int(answer.request.url.params["startTime"]) - int(LONG.start.timestamp()) * 1000
        yield whole(answer, spoil(answer, at // (499 * MS)))

    ask = {"start": f"{LONG.start:%F}", "end": f"{LONG.end:%F}"}
    place.front.spoil = each
    ill = place.collect("binance_futures", **ask)
    asked, reasons = len(place.front.asked), place.reasons(window=LONG)
    assert list(ill.failed) == ["BTC"]
    assert set(reasons) == {"fetch failed"}
    assert asked <= 5
    place.mend()
    after = place.collect("binance_futures", **ask)
    assert (after.failed, place.reasons(window=LONG)) == ({}, {})
    assert ill.records + after.records == LONG.hours
    return ill.records, reasons["fetch failed"], after.records


@pytest.mark.fault(
    "venue", "a page between others is empty", "a page that was lost: fetch failed, asked again"
)
def test_a_hole_between_pages(place: Place, happened: Happened) -> None:
    rows, lost, after = paged(place, lambda _, page: b"[]" if page == 1 else None)
    assert (rows, lost) == (LONG.hours - 499, 499)
    happened(f"{rows:,} stored, fetch failed {lost}; the next run had {after}")


@pytest.mark.fault(
    "venue", "the same page for ever", "ends; once stored, and the others fetch failed"
)
def test_a_page_repeated(place: Place, happened: Happened) -> None:
    start = int(LONG.start.timestamp()) * 1000
    first = {"startTime": start, "endTime": start + 499 * MS - 1}

    def spoil(answer: httpx.Response, page: int) -> bytes | None:
        url = answer.request.url.copy_merge_params(first)
        return place.venues.client.get(url).content if page > 0 else None

    rows, lost, after = paged(place, spoil)
    assert (rows, lost) == (499, LONG.hours - 499)
    happened(f"{rows} stored, fetch failed {lost:,}; the next run had {after:,}")


@pytest.mark.fault(
    "venue",
    "lists of symbols and coins whose pages go round in circles",
    "ends, what is known stays",
)
def test_a_list_without_an_end(place: Place, happened: Happened) -> None:
    def spoil(_: str, answer: httpx.Response) -> Iterator[bytes]:
        url = answer.request.url.copy_remove_param("cursor")
        path = url.path
        first = url.copy_set_param("page", "1") if "page" in url.params else url
        body = place.venues.client.get(first).json()
        if path.endswith("instruments-info"):
            body["result"]["nextPageCursor"] = "again"
        elif path.endswith("/exchanges/okex/tickers"):
            body["tickers"] = (body["tickers"] * 100)[:100]
        yield whole(answer, json.dumps(body).encode())

    with store.connect(place.settings) as connection:
        before = (
            len(store.find(connection)),
            len(store.listings(connection, store.find(connection))),
        )
        place.front.spoil, place.front.everything = spoil, True
        with place.context() as context:
            failures = learn(context, NOW + timedelta(days=1)).failures
        after = len(store.find(connection)), len(store.listings(connection, store.find(connection)))
    assert before == after
    assert "its page 2 is to be followed by one that came before" in failures["bybit"]
    assert "its page 2 repeats 100 tickers of pages before" in failures["okx"]
    happened(f"“{failures['bybit']}”; “{failures['okx']}”; the listings stayed")


@pytest.mark.fault(
    "venue", "a candle is restated", "the new one stored, the old one kept with its time"
)
def test_a_restated_candle(place: Place, happened: Happened) -> None:
    hour = instant("2026-11-22T05:00Z")
    day = Window(hour, hour + HOUR)
    place.venues.fault("wrong", source="binance_futures", symbol="BTCUSDT", start=f"{hour:%FT%TZ}")
    place.collect("binance_futures", start=None, end=None, hours=24)
    wrong = place.stored(window=day)[hour]
    place.mend()
    newest = {"start": None, "end": None, "hours": 24, "recheck_hours": 24, "do": fill_gaps}
    result = place.collect("binance_futures", **newest)
    right = place.stored(window=day)[hour]
    assert (result.failed, result.records) == ({}, 1)
    assert wrong[4] == pytest.approx(1.01 * right[4])
    with store.connect(place.settings) as connection:
        (coin,) = store.find(connection, ["BTC"])
        (old,) = store.history(connection, coin, hour).before
    assert (old.close, old.until) == (wrong[4], NOW)
    happened(f"close {wrong[4]} gave way to {right[4]}, and is kept as replaced at {NOW:%F %H:%M}")
