"""What is special about Gate's files: base volume first, close ahead of open, months alone."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import httpx
import pytest

from chandlery.errors import Malformed, SourceError
from chandlery.model import HOUR, SCHEMA, Listing, Window, whole_hour
from chandlery.venues import Fetched, client, fetch, load, pages
from sandbox.serving import Serving, serving
from sources.gate import REACH
from tests.sources.conftest import Clock, Connect
from tests.sources.shelf import day, month

ARCHIVE, GATE = load()["gate_archive"], load()["gate"]
LISTING = Listing(1, "gate", "BTC_USDT")
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
PAGE = month("2024-10")
FIRST = day("2024-10-01")
VALUES = (100.5, 101.25, 99.125, 100.75, 2.5, None, None, None, None)


def packed(text: bytes) -> bytes:
    """A gzip that is the same whenever it is made."""
    return gzip.compress(text, mtime=0)


def csv(start: datetime, hours: int) -> str:
    """Hours of two and a half coins: close, high, low and open come after the volume."""
    opens = [int((start + n * HOUR).timestamp()) for n in range(hours)]
    return "".join(f"{at},2.5,100.75,101.25,99.125,100.5\n" for at in opens)


def ask(connect: Connect, body: bytes, page: Window = PAGE, status: int = 200) -> Fetched:
    answering = connect(lambda _: httpx.Response(status, content=body))
    return fetch(answering, ARCHIVE, LISTING, page, NOW)


def test_a_month_is_one_file() -> None:
    asked = ARCHIVE.request(LISTING, PAGE).url
    folder = "https://download.gatedata.org/spot/candlesticks_1h/202410"
    assert str(asked) == f"{folder}/BTC_USDT-202410.csv.gz"


@pytest.mark.parametrize("pack", [packed, bytes], ids=["packed", "unpacked on the way"])
def test_a_row_has_the_base_volume_and_then_the_close(connect: Connect, pack: type[bytes]) -> None:
    frame = ask(connect, pack(csv(FIRST, 744).encode())).frame
    assert frame.schema == SCHEMA
    assert frame.height == 744
    assert frame.row(0) == (FIRST, *VALUES)


def test_a_part_of_a_month_is_cut_out_of_it(connect: Connect) -> None:
    page = Window(FIRST + 5 * HOUR, FIRST + 9 * HOUR)
    frame = ask(connect, packed(csv(FIRST, 744).encode()), page).frame
    assert frame["open_time"].to_list() == [FIRST + n * HOUR for n in range(5, 9)]


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (b"<Code>NoSuchKey</Code>", 404)])
def test_no_file_and_an_empty_one_are_no_candles(
    connect: Connect, body: bytes, status: int
) -> None:
    assert ask(connect, body, status=status).frame.is_empty()


def test_a_row_that_is_cut_costs_its_hour(connect: Connect) -> None:
    text = csv(FIRST, 744)[:-20]
    found = ask(connect, packed(text.encode()))
    assert found.frame.height == 743
    assert [each.window for each in found.malformed] == [Window(PAGE.end - HOUR, PAGE.end)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (packed(csv(FIRST, 744).encode())[:-30], "not a gzip: "),
        (packed(b"\xff\xfe"), "not a gzip: UnicodeDecodeError"),
        (packed(b"\n" * 2**21), "unpacks to more than 1,048,576 bytes"),
        (csv(day("2024-11-01"), 9).encode(), "its times are not of 2024-10-01"),
        (csv(day("2024-09-30"), 25).encode(), "its times are not of 2024-10-01"),
        (csv(FIRST, 745).encode(), "its times are not of 2024-10-01"),
        (csv(FIRST, 9).replace(",", "000,", 1).encode() * 9, "its times are not of|open_time"),
        (b"<html>come in</html>", "not a file but"),
    ],
    ids=["cut", "no text", "too large", "later", "earlier", "one more", "milliseconds", "a page"],
)
def test_what_is_no_file_of_that_month_is_malformed(
    connect: Connect, body: bytes, words: str
) -> None:
    with pytest.raises(Malformed, match=words):
        ask(connect, body)


@pytest.mark.parametrize(("body", "status"), [(b"AccessDenied", 403), (b"no such page", 404)])
def test_a_refusal_is_not_a_file_that_is_not_there(
    connect: Connect, body: bytes, status: int
) -> None:
    with pytest.raises(SourceError, match=f"HTTP {status}"):
        ask(connect, body, status=status)


@pytest.mark.parametrize("start", ["2017-06", "2018-01", "2025-01", "2025-09", "2026-10"])
def test_pages_are_months_from_the_first_to_where_the_api_begins(start: str) -> None:
    window = Window(day(f"{start}-01") + 5 * HOUR, whole_hour(NOW))
    files, rest = list(pages(ARCHIVE, window, NOW)), list(pages(GATE, window, NOW))
    assert all(page.start.month == (page.end - HOUR).month for page in files)
    since = max(window.start, day("2018-01-01"))
    assert sum(page.hours for page in (*files, *rest)) == Window(since, window.end).hours
    tiles = [*files, *rest]
    assert tiles[0].start == since
    assert all(one.end == other.start for one, other in pairwise(tiles))
    assert all(page.end <= whole_hour(NOW - REACH) + HOUR for page in files)


@pytest.fixture(scope="module")
def venues() -> Iterator[Serving]:
    with serving(coins=40, seed=3, now=NOW, limits=False) as sandbox:
        yield sandbox


@pytest.mark.parametrize("symbol", ["BTC_USDT", "ETH_USDT"])
@pytest.mark.parametrize("name", ["2024-02", "2025-03"])
def test_the_sandboxs_months_are_row_for_row_what_it_has(
    venues: Serving, clock: Clock, symbol: str, name: str
) -> None:
    page = month(name)
    with client(venues.url, timepiece=clock.timepiece) as connected:
        frame = fetch(connected, ARCHIVE, Listing(1, "gate", symbol), page, NOW).frame
    traded = [row for row in venues.truth("gate", symbol, page.start, page.end) if row[5] > 0]
    assert len(traded) > 600
    assert frame["open_time"].dt.epoch("ms").to_list() == [row[0] for row in traded]
    for column, place in (("open", 1), ("high", 2), ("low", 3), ("close", 4), ("volume", 5)):
        assert frame[column].to_list() == [row[place] for row in traded]
    assert frame["quote_volume"].null_count() == frame.height


@pytest.mark.parametrize("file", ["202611/BTC_USDT-202611", "202503/NOPE_USDT-202503"])
def test_the_sandbox_has_no_file_of_what_is_not_over_or_not_there(
    venues: Serving, file: str
) -> None:
    answer = venues.get(f"/gate_archive/spot/candlesticks_1h/{file}.csv.gz")
    assert answer.status_code == 404
    assert b"NoSuchKey" in answer.content
