import hashlib
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chandlery.errors import Blocked, Malformed, Unavailable
from chandlery.model import HOUR, Listing, Window
from chandlery.venues import Source, fetch, load, pages
from chandlery.venues.verdicts import warn_once
from tests.sources.conftest import Connect
from tests.sources.shelf import Shelf, day, month, packed, shelf

SPOT, FUTURES = load()["binance_spot_archive"], load()["binance_futures_archive"]
LISTING = Listing(1, "binance_spot", "BTCUSDT")
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
GONE = httpx.Response(404, content=b"<Error><Code>NoSuchKey</Code></Error>")
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore\n"
)
VALUES = (100.5, 101.25, 99.125, 100.75, 12.5, 1250.5, 17, 6.1, 600.1)


def csv(start: datetime, hours: int, *, unit: int = 1000) -> str:
    opens = [int((start + n * HOUR).timestamp()) for n in range(hours)]
    values = "100.5,101.25,99.125,100.75,12.5"
    return "".join(
        f"{at * unit},{values},{(at + 3600) * unit - 1},1250.5,17,6.1,600.1,0\n" for at in opens
    )


def ask(connect: Connect, venue: Shelf, page: Window, source: Source = SPOT) -> pl.DataFrame:
    return fetch(connect(venue), source, LISTING, page, NOW).frame


def test_a_month_is_one_file_and_its_checksum(connect: Connect) -> None:
    venue = shelf("BTCUSDT-1h-2024-10", csv(day("2024-10-01"), 744))
    frame = ask(connect, venue, month("2024-10"))
    assert frame.height == 744
    assert frame.row(0) == (day("2024-10-01"), *VALUES)
    file = "https://data.binance.vision/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-10.zip"
    assert [str(url) for url in venue.asked] == [file, f"{file}.CHECKSUM"]


def test_a_day_is_a_file_as_well_and_futures_have_their_own_folder(connect: Connect) -> None:
    venue = shelf("BTCUSDT-1h-2024-10-28", HEADER + csv(day("2024-10-28"), 24))
    page = Window(day("2024-10-28") + 3 * HOUR, day("2024-10-29"))
    assert ask(connect, venue, page, FUTURES).height == 21
    folder = "/data/futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-10-28.zip"
    assert venue.asked[0].path == folder


@pytest.mark.parametrize(
    ("source", "text", "unit"),
    [
        (SPOT, "2024-12", 1000),
        (SPOT, "2025-01", 1_000_000),
        (SPOT, "2026-03", 1_000_000),
        (FUTURES, "2024-12", 1000),
        (FUTURES, "2025-01", 1000),
        (FUTURES, "2026-03", 1000),
    ],
)
def test_the_files_month_decides_the_unit_of_its_times(
    connect: Connect, source: Source, text: str, unit: int
) -> None:
    start = day(f"{text}-01")
    right = shelf(f"BTCUSDT-1h-{text}", csv(start, 3, unit=unit))
    assert ask(connect, right, month(text), source)["open_time"][0] == start
    for other in {1, 1000, 1_000_000, 1_000_000_000} - {unit}:
        wrong = shelf(f"BTCUSDT-1h-{text}", csv(start, 3, unit=other))
        with pytest.raises(Malformed, match="its times are not of"):
            ask(connect, wrong, month(text), source)


@pytest.mark.parametrize("source", [SPOT, FUTURES], ids=lambda source: source.name)
@pytest.mark.parametrize("head", ["", HEADER, HEADER.replace("\n", "\r\n")])
def test_a_header_is_told_by_the_first_cell(connect: Connect, source: Source, head: str) -> None:
    venue = shelf("BTCUSDT-1h-2021-10", head + csv(day("2021-10-01"), 2))
    assert ask(connect, venue, month("2021-10"), source).row(0)[1:] == VALUES


@pytest.mark.parametrize(
    "head",
    [
        HEADER.replace("open,high", "high,open"),
        HEADER.replace(",ignore", ""),
        "opened," + HEADER.partition(",")[2],
    ],
)
def test_a_header_of_other_columns_is_malformed(connect: Connect, head: str) -> None:
    venue = shelf("BTCUSDT-1h-2021-10", head + csv(day("2021-10-01"), 2))
    with pytest.raises(Malformed, match="its columns are"):
        ask(connect, venue, month("2021-10"))


@pytest.mark.parametrize("text", ["", "\n", HEADER])
def test_a_file_without_a_row_is_no_candles(connect: Connect, text: str) -> None:
    assert ask(connect, shelf("BTCUSDT-1h-2024-10", text), month("2024-10")).is_empty()


BAD = [
    "1727740800000,100.5,101.25,99.125,100.75,12.5,1727744399999,1250.5,17,6.1,600.1\n",
    "1727740800000,100.5,101.25,99.125,100.75,,1727744399999,1250.5,17,6.1,600.1,0\n",
    "1727740800000,100.5,101.25,99.125,many,12.5,1727744399999,1250.5,17,6.1,600.1,0\n",
    "1727740800000,100.5,101.25,99.125,100.75,12.5,1727744399999,1250.5,17.5,6.1,600.1,0\n",
    "1727740800000,100.5,101.25,99.125,nan,12.5,1727744399999,1250.5,17,6.1,600.1,0\n",
    "1727740800000,100.5,101.25,99.125,100.75,inf,1727744399999,1250.5,17,6.1,600.1,0\n",
    "1727740800000,100.5,99.125,101.25,100.75,12.5,1727744399999,1250.5,17,6.1,600.1,0\n",
    "1727742600000,100.5,101.25,99.125,100.75,12.5,1727744399999,1250.5,17,6.1,600.1,0\n",
    "99999999999999999999,1,1,1,1,1,1,1,1,1,1,1\n",
    "9223372036854775807,1,1,1,1,1,1,1,1,1,1,1\n",
    '"1727740800000,1\n',
    "1727740800000\n",
]


@pytest.mark.parametrize("row", BAD)
def test_a_line_that_makes_no_sense_costs_its_hour(connect: Connect, row: str) -> None:
    venue = shelf("BTCUSDT-1h-2024-10", row + csv(day("2024-10-01") + HOUR, 743))
    found = fetch(connect(venue), SPOT, LISTING, month("2024-10"), NOW)
    assert found.frame.height == 743
    ((window, words),) = found.malformed
    assert window == Window(day("2024-10-01"), day("2024-10-01") + HOUR)
    assert words.startswith("binance_spot_archive: ")
    assert words.endswith(" (BTCUSDT)")


@pytest.mark.parametrize("row", BAD)
def test_a_file_of_which_half_makes_no_sense_is_malformed(connect: Connect, row: str) -> None:
    venue = shelf("BTCUSDT-1h-2024-10", row + csv(day("2024-10-01") + HOUR, 1))
    with pytest.raises(Malformed, match=r"^binance_spot_archive: .* \(BTCUSDT\)$"):
        ask(connect, venue, month("2024-10"))


@pytest.mark.parametrize("head", ["", HEADER.replace("\n", ",new\n")])
def test_more_columns_are_left_out_and_told_once(
    connect: Connect, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    warn_once.cache_clear()
    wide = csv(day("2024-10-01"), 744).replace("\n", ",1\n")
    for _ in range(2):
        venue = shelf("BTCUSDT-1h-2024-10", head + wide)
        assert ask(connect, venue, month("2024-10")).row(0)[1:] == VALUES
    words = "binance_spot_archive: its files have more columns than the 12 that are known"
    assert caplog.messages == [words]


def test_a_price_is_read_to_the_last_bit(connect: Connect) -> None:
    told = ["0.1", "67992.7000000001", "0.00000001", "0.30000000000000004"]
    row = (
        f"1727740800000,{told[0]},{told[1]},{told[2]},{told[3]},5179.117,0,351923638.0391,1,0,0,0\n"
    )
    frame = ask(connect, shelf("BTCUSDT-1h-2024-10", row), month("2024-10"))
    assert list(frame.row(0)[1:7]) == [*map(float, told), 5179.117, 351923638.0391]


def test_a_month_that_is_not_there_has_no_candles_and_costs_two_requests(connect: Connect) -> None:
    venue = Shelf()
    assert ask(connect, venue, month("2024-10")).is_empty()
    assert names(venue) == ["BTCUSDT-1h-2024-10.zip", "BTCUSDT-1h-2024-10-31.zip"]


def names(venue: Shelf) -> list[str]:
    return [Path(url.path).name for url in venue.asked]


def days(first: int, last: int) -> dict[str, bytes]:
    """Files of days of October 2024."""
    return {
        f"BTCUSDT-1h-2024-10-{n:02}.zip": packed(
            f"BTCUSDT-1h-2024-10-{n:02}.csv", csv(day(f"2024-10-{n:02}"), 24)
        )
        for n in range(first, last + 1)
    }


def test_a_month_that_is_late_is_read_by_its_days(connect: Connect) -> None:
    venue = Shelf(**days(1, 31))
    frame = ask(connect, venue, month("2024-10"))
    assert frame["open_time"].to_list() == [day("2024-10-01") + n * HOUR for n in range(744)]
    assert len(venue.asked) == 1 + 2 * 31  # each day with its checksum


def test_a_month_that_is_short_is_filled_up_from_the_days_that_it_lacks(connect: Connect) -> None:
    short = packed(f"{STEM}.csv", csv(day("2024-10-01"), 7 * 24 + 5))
    venue = Shelf(**{f"{STEM}.zip": short}, **days(1, 31))
    assert ask(connect, venue, month("2024-10")).height == 744
    assert len(venue.asked) == 2 * (1 + 24)
    assert names(venue)[2] == "BTCUSDT-1h-2024-10-31.zip"
    assert names(venue)[-1] == "BTCUSDT-1h-2024-10-08.zip.CHECKSUM"


def test_of_a_listing_in_the_middle_of_a_month_one_day_more_is_asked_for(connect: Connect) -> None:
    late = packed(f"{STEM}.csv", csv(day("2024-10-10"), 22 * 24))
    venue = Shelf(**{f"{STEM}.zip": late})
    assert ask(connect, venue, month("2024-10")).height == 22 * 24
    assert names(venue)[2:] == ["BTCUSDT-1h-2024-10-09.zip"]


def test_a_hole_in_a_month_costs_a_day(connect: Connect) -> None:
    start = day("2024-10-01")
    holed = packed(f"{STEM}.csv", csv(start, 100) + csv(start + 101 * HOUR, 643))
    venue = Shelf(**{f"{STEM}.zip": holed}, **days(5, 5))
    assert ask(connect, venue, month("2024-10")).height == 744
    assert names(venue)[2:] == ["BTCUSDT-1h-2024-10-05.zip", "BTCUSDT-1h-2024-10-05.zip.CHECKSUM"]


def test_a_bad_line_is_mended_by_its_day(connect: Connect) -> None:
    rows = csv(day("2024-10-01"), 744).replace("1727744400000,100.5", "1727744400000,0")
    venue = Shelf(**{f"{STEM}.zip": packed(f"{STEM}.csv", rows)}, **days(1, 1))
    found = fetch(connect(venue), SPOT, LISTING, month("2024-10"), NOW)
    assert (found.frame.height, found.malformed) == (744, ())


def test_a_day_that_its_checksum_does_not_vouch_for_costs_the_hours_it_was_asked_for(
    connect: Connect,
) -> None:
    short = packed(f"{STEM}.csv", csv(day("2024-10-01"), 30 * 24 + 5))
    wrong = {"BTCUSDT-1h-2024-10-31.zip.CHECKSUM": b"0  BTCUSDT-1h-2024-10-31.zip"}
    venue = Shelf(**{f"{STEM}.zip": short}, **days(31, 31), **wrong)
    found = fetch(connect(venue), SPOT, LISTING, month("2024-10"), NOW)
    assert found.frame.height == 30 * 24 + 5
    ((window, words),) = found.malformed
    assert window == Window(day("2024-10-31") + 5 * HOUR, day("2024-11-01"))
    assert words.startswith("binance_spot_archive: the checksum of BTCUSDT-1h-2024-10-31.zip is 0")


def test_a_day_that_is_asked_for_itself_has_no_parts(connect: Connect) -> None:
    venue = Shelf()
    page = Window(day("2024-10-28"), day("2024-10-29"))
    assert ask(connect, venue, page).is_empty()
    assert len(venue.asked) == 1


def test_a_404_of_a_proxy_is_no_word_on_a_file(connect: Connect) -> None:
    for body in (b"", b"<title>Not Found</title>"):
        client = connect(lambda _, body=body: httpx.Response(404, content=body))
        with pytest.raises((Unavailable, Malformed)):
            fetch(client, SPOT, LISTING, month("2024-10"), NOW)


STEM = "BTCUSDT-1h-2024-10"
GOOD = packed(f"{STEM}.csv", csv(day("2024-10-01"), 744))
DIGEST = hashlib.sha256(GOOD).hexdigest()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (f"{'0' * 64}  {STEM}.zip\n", f"the checksum of {STEM}.zip is 0000"),
        (f"{DIGEST}  BTCUSDT-1h-2024-11.zip\n", f"its checksum is not of {STEM}.zip"),
        (f"{DIGEST}\n", f"its checksum is not of {STEM}.zip"),
        ("", f"its checksum is not of {STEM}.zip: nothing"),
    ],
    ids=["another file's", "another name", "no name", "nothing"],
)
def test_a_file_that_its_checksum_does_not_vouch_for_is_malformed(
    connect: Connect, told: str, words: str
) -> None:
    venue = Shelf(**{f"{STEM}.zip": GOOD, f"{STEM}.zip.CHECKSUM": told.encode()})
    with pytest.raises(Malformed, match=words):
        ask(connect, venue, month("2024-10"))


def test_a_checksum_in_capitals_or_with_a_star_vouches_too(connect: Connect) -> None:
    told = f"{DIGEST.upper()} *{STEM}.zip".encode()
    venue = Shelf(**{f"{STEM}.zip": GOOD, f"{STEM}.zip.CHECKSUM": told})
    assert ask(connect, venue, month("2024-10")).height == 744


def test_a_file_without_a_checksum_is_not_believed(connect: Connect) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        zipped = request.url.path.endswith(".zip")
        return httpx.Response(200, content=GOOD) if zipped else GONE

    with pytest.raises(Malformed, match="its checksum is not there"):
        fetch(connect(answer), SPOT, LISTING, month("2024-10"), NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"PK",
        b"",
        b"not a zip",
        GOOD[:-30],
        GOOD[: len(GOOD) // 2],
        GOOD[:60] + bytes(40) + GOOD[100:],
        GOOD.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
        packed("BTCUSDT-1h-2024-09.csv", csv(day("2024-10-01"), 3)),
        packed("../BTCUSDT-1h-2024-10.csv", csv(day("2024-10-01"), 3)),
        packed(f"{STEM}.csv", csv(day("2024-10-01"), 3), extra="more"),
    ],
)
def test_a_file_that_is_no_zip_of_what_was_asked_is_malformed(
    connect: Connect, body: bytes
) -> None:
    with pytest.raises(Malformed, match=r"binance_spot_archive: not .* \(BTCUSDT\)"):
        ask(connect, Shelf(**{f"{STEM}.zip": body}), month("2024-10"))


def test_a_file_that_unpacks_to_too_much_is_malformed(connect: Connect) -> None:
    with pytest.raises(Malformed, match=r"unpacks to more than 1,048,576 bytes"):
        ask(connect, shelf(STEM, bytes(64 * 2**20)), month("2024-10"))


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (200, b"<html><title>Sign in</title>", Malformed, "not a file but Sign in"),
        (200, b"<Error><Code>InternalError</Code></Error>", Malformed, "not a file but InternalE"),
        (403, b"<Error><Code>AccessDenied</Code></Error>", Blocked, "HTTP 403 AccessDenied"),
        (
            503,
            b"<Error>\n<Code>SlowDown</Code>\n<Message>It&apos;s too\nmuch</Message></Error>",
            Unavailable,
            "HTTP 503 SlowDown It's too much",
        ),
        (403, b"<Error><Message>No</Message></Error>", Blocked, "HTTP 403 <Error><Message>No"),
    ],
)
def test_what_is_no_file_is_told_by_its_status_in_its_own_words(
    connect: Connect, status: int, body: bytes, kind: type[Exception], words: str
) -> None:
    client = connect(lambda _: httpx.Response(status, content=body))
    with pytest.raises(kind, match=f"^binance_spot_archive: {words}"):
        fetch(client, SPOT, LISTING, month("2024-10"), NOW)


def test_a_name_that_is_not_of_latin_letters_is_asked_for_as_it_is(connect: Connect) -> None:
    venue = shelf("币安USDT-1h-2024-10", csv(day("2024-10-01"), 3))
    listing = Listing(1, "binance_spot", "币安USDT")
    assert fetch(connect(venue), SPOT, listing, month("2024-10"), NOW).frame.height == 3


def cut(start: str, end: str, now: str = "2026-11-22T10:30") -> list[tuple[str, int]]:
    window = Window(day(start), day(end))
    return [(f"{page.start:%m-%d %H}", page.hours) for page in pages(SPOT, window, day(now))]


def test_whole_months_are_asked_for_by_the_month() -> None:
    assert cut("2024-01-01", "2024-04-01") == [
        ("01-01 00", 744),
        ("02-01 00", 696),
        ("03-01 00", 743 + 1),
    ]


def test_a_month_is_cut_into_days_until_its_file_is_out() -> None:
    # The first Monday after October 2026 is the 2nd of November.
    assert len(cut("2026-10-01", "2026-11-01", now="2026-11-02T23:59")) == 31
    assert len(cut("2026-10-01", "2026-11-01", now="2026-11-03T00:00")) == 1
    # The month after March 2024 begins with one.
    assert len(cut("2024-03-01", "2024-04-01", now="2024-04-02T00:00")) == 1
    assert cut("2026-11-01", "2026-11-22T10:00")[-1] == ("11-20 00", 24)
    assert len(cut("2026-11-01", "2026-11-22T10:00")) == 20


def test_little_that_is_missing_is_asked_for_by_the_day() -> None:
    assert cut("2024-10-05T22:00", "2024-10-07T03:00") == [
        ("10-05 22", 2),
        ("10-06 00", 24),
        ("10-07 00", 3),
    ]
    assert len(cut("2024-10-10", "2024-10-25")) == 15
    assert len(cut("2024-10-10", "2024-10-25T01:00")) == 1


def test_pages_cover_the_window_up_to_the_newest_file_once() -> None:
    window = Window(day("2019-12-30T05:00"), day("2026-11-22T10:00"))
    found = list(pages(SPOT, window, NOW))
    assert found[0].start == window.start
    assert found[-1].end == day("2026-11-21")
    assert all(one.end == two.start for one, two in pairwise(found))
    assert all(page.hours <= SPOT.page_hours for page in found)


def test_nothing_is_asked_for_that_cannot_be_out_yet() -> None:
    assert cut("2026-11-21", "2026-11-22T10:00") == []


def test_the_archive_is_another_way_to_the_same_listings() -> None:
    assert (SPOT.listings, FUTURES.listings) == ("binance_spot", "binance_futures")
    assert load()["binance_spot"].listings == "binance_spot"


EDITS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0, 3),
        st.text('0123456789.,-+eE\n\r" xinfaN\x00', max_size=4),
    ),
    max_size=4,
)


def outcome(text: str) -> pl.DataFrame | str:
    """What comes of a file of this text."""
    name = "BTCUSDT-1h-2024-10"
    request = SPOT.request(LISTING, month("2024-10"))
    body = packed(f"{name}.csv", text.encode())
    try:
        return SPOT.parse(httpx.Response(200, content=body, request=request))
    except Malformed as error:
        return str(error)


@settings(max_examples=400, deadline=None)
@given(EDITS)
@example([(13, 0, "\r")])
@example([(13, 0, "\r\n")])
def test_a_file_is_read_as_its_lines_are(edits: list[tuple[int, int, str]]) -> None:
    """Without the last line's end a file is not read as a whole, but by its lines."""
    text = csv(day("2024-10-01"), 6)
    for at, left_out, put_in in edits:
        text = text[:at] + put_in + text[at + left_out :]
    lines = text.rstrip("\n")
    whole, by_lines = outcome(f"{lines}\n"), outcome(lines)
    assert type(whole) is type(by_lines)
    if isinstance(whole, pl.DataFrame) and isinstance(by_lines, pl.DataFrame):
        assert whole.equals(by_lines)
    else:
        assert whole == by_lines
