"""What venues do on the way of an answer: rows of the fault table from the line to its first byte.

Each fault befalls every source that can meet it, for a coin's day: `Place.meets` tells how.
"""

import gzip
import hashlib
import io
import re
import socket
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from time import sleep

import httpx
import pytest

from chandlery.model import Window, instant
from chandlery.venues.transport import LARGEST
from sandbox.front import Reset, fronting, whole
from tests.fault_table import Happened
from tests.faults.conftest import Place, Plant

KEEPING = "nothing stored, told in a line, others fill in, filled once it is over"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
TOO_MUCH = LARGEST + 2**20  # bytes: little more than an answer may have
REST = 90.0  # seconds: by then a host that failed again and again is asked again
ROOM = 8 * 64  # MB: as many answers as there are workers, none larger than may be

Spoil = Callable[[httpx.Response], Iterator[bytes]]


def switched(kind: str, **settings: float) -> Plant:
    """A fault of the sandbox's own, at every host of a source."""

    def plant(place: Place, sources: tuple[str, ...]) -> None:
        for name in sources:
            for host in (name, f"{name}-mirror", f"{name}_archive"):
                place.venues.fault(kind, source=host, **settings)

    return plant


def spoilt(spoil: Spoil, *, pace: float = 1.0, timeout: float | None = None) -> Plant:
    """A fault of the front's; `pace` and `timeout` spare a test to wait."""

    def plant(place: Place, sources: tuple[str, ...]) -> None:
        place.front.spoil = lambda name, answer: (
            spoil(answer) if name in sources else [whole(answer)]
        )
        place.clock.pace, place.hasty = pace, dict.fromkeys(sources, timeout) if timeout else {}

    return plant


def reset(_: httpx.Response) -> Iterator[bytes]:
    yield HEAD
    raise Reset


def hung_up(_: httpx.Response) -> Iterator[bytes]:
    yield HEAD


def cut(answer: httpx.Response) -> Iterator[bytes]:
    yield whole(answer)[: -len(answer.content) // 3]


def silent(_: httpx.Response) -> Iterator[bytes]:
    yield b""
    sleep(1)


def trickling(head: bytes) -> Spoil:
    """A byte at a time: in each a sign of life, and no end."""

    def spoil(_: httpx.Response) -> Iterator[bytes]:
        yield head
        while True:
            yield b" "
            sleep(0.01)

    return spoil


def too_large(answer: httpx.Response) -> Iterator[bytes]:
    yield whole(answer, gzip.compress(bytes(TOO_MUCH), 1), content_encoding="gzip")


def otherwise_packed(answer: httpx.Response) -> Iterator[bytes]:
    yield whole(answer, zlib.compress(answer.content), content_encoding="deflate")


def row(what: str, plant: Plant, words: str, **limits: float) -> object:
    fault = pytest.mark.fault("venue", what, KEEPING)
    return pytest.param(plant, words, limits, marks=fault, id=what)


@pytest.mark.parametrize(
    ("plant", "words", "limits"),
    [
        row("the connection is reset", spoilt(reset), "ReadError .*[Rr]eset"),
        row("it hangs up before the answer ends", spoilt(hung_up), "RemoteProtocolError"),
        row("two thirds of an answer, then it hangs up", spoilt(cut), "RemoteProtocolError"),
        row("silence", spoilt(silent, timeout=0.05), "ReadTimeout"),
        row(
            "headers a byte at a time, for ever",
            spoilt(trickling(HEAD + b"x: "), pace=1500.0),
            "ReadTimeout",
        ),
        row(
            "a body a byte at a time, for ever",
            spoilt(trickling(HEAD + b"\r\n"), pace=1500.0),
            "ReadTimeout",
        ),
        row("429 with Retry-After", switched("429", seconds=50), "(?i)too m|limit", wait=86_400),
        row("418, banned for two hours", switched("418", seconds=7200), "", most=2, wait=7200),
        row("403 from a firewall", switched("403"), "HTTP 403", most=1, wait=60),
        row("500", switched("500"), "HTTP 500"),
        row("a page in HTML with 200", switched("html"), "not JSON: Just a moment"),
        row("half of an answer as if it were whole", switched("truncated"), "not JSON: "),
        row("an empty body with 200", switched("empty"), "not JSON: an empty body"),
        row("an answer larger than may be", spoilt(too_large), "larger than 32 MB", most=1),
        row("packed as was not asked for", spoilt(otherwise_packed), "packed by deflate", most=1),
    ],
)
def test_a_fault_on_the_way(
    place: Place, happened: Happened, plant: Plant, words: str, limits: dict[str, float]
) -> None:
    seen = place.meets(plant, **limits)
    assert all(re.search(words, each) for each in seen.words.values()), seen.words
    assert seen.peak < ROOM
    happened(str(seen))


def refused(status: int, body: bytes = b"") -> Plant:
    return spoilt(
        lambda answer: iter(
            [whole(httpx.Response(status, content=body, headers={"date": answer.headers["date"]}))]
        )
    )


def bybits(code: int, words: str) -> Plant:
    return refused(200, b'{"retCode":%d,"retMsg":"%s","result":{}}' % (code, words.encode()))


def unknown(what: str, plant: Plant, words: str, *sources: str) -> object:
    fault = pytest.mark.fault("venue", what, f"no word on the symbol, asked again: {KEEPING}")
    return pytest.param(plant, words, sources, marks=fault, id=what)


@pytest.mark.parametrize(
    ("plant", "words", "sources"),
    [
        unknown("400 with an empty body", refused(400), "HTTP 400 an empty body"),
        unknown("404 in HTML", refused(404, b"<title>Not here</title>"), "HTTP 404 Not here"),
        unknown("405 with an empty body", refused(405), "HTTP 405 an empty body"),
        unknown("Bybit's 170007, a timeout", bybits(170007, "Timeout"), "170007 Timeout", "bybit"),
        unknown(
            "Bybit's 10001 that speaks of no symbol",
            bybits(10001, "Request parameter error."),
            "10001 Request parameter error.",
            "bybit",
        ),
        unknown(
            "OKX's 51000, any parameter",
            refused(200, b'{"code":"51000","msg":"Parameter bar error","data":[]}'),
            "51000 Parameter bar error",
            "okx",
            "binance_spot",
        ),
    ],
)
def test_an_unknown_refusal(
    place: Place, happened: Happened, plant: Plant, words: str, sources: tuple[str, ...]
) -> None:
    seen = place.meets(plant, sources or place.SOURCES, wait=REST)
    assert all(words in each for each in seen.words.values()), seen.words
    assert min(seen.asked.values()) > 1
    happened(str(seen))


MONTH = Window(instant("2026-09-01"), instant("2026-10-01"))
NO_FILE = b"<Error><Code>NoSuchKey</Code></Error>"


def late(_: bytes, __: str) -> bytes | None:
    return None


def short(body: bytes, name: str) -> bytes:
    """A week of a month, as good a file as any."""
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        lines = file.read(f"{name}.csv").splitlines(keepends=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(f"{name}.csv", b"".join(lines[:168]))
    return packed.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            change,
            id=what,
            marks=pytest.mark.fault(
                "venue", what, "the days are asked for what it lacks, nothing is missing"
            ),
        )
        for what, change in (
            ("a month's file of the archive is late (404)", late),
            ("a month's file of the archive is short, its checksum right", short),
        )
    ],
)
def test_a_month_of_the_archive(
    place: Place, happened: Happened, change: Callable[[bytes, str], bytes | None]
) -> None:
    asked = {"start": f"{MONTH.start:%F}", "end": f"{MONTH.end:%F}", "archive": True}
    place.collect("binance_spot", **asked)
    whole_month = place.stored(window=MONTH)
    place.empty()

    def spoil(_: str, answer: httpx.Response) -> Iterator[bytes]:
        path = answer.request.url.path
        if "/monthly/" not in path:
            yield whole(answer)
            return
        url = str(answer.request.url).removesuffix(".CHECKSUM")
        name = url.rpartition("/")[2].removesuffix(".zip")
        body = change(place.venues.client.get(url).content, name)
        if body is not None and path.endswith(".CHECKSUM"):
            body = f"{hashlib.sha256(body).hexdigest()}  {name}.zip\n".encode()
        yield whole(
            answer if body else httpx.Response(404, headers=answer.headers), body or NO_FILE
        )

    place.front.spoil = spoil
    result = place.collect("binance_spot", **asked)
    assert result.failed == {}
    assert result.rows == {"binance_spot_archive": MONTH.hours}
    assert place.stored(window=MONTH) == whole_month
    files = [path for path in place.front.asked if path.endswith(".zip")]
    happened(f"{MONTH.hours} hours from {len(files)} files; as from the month's")


@pytest.mark.fault("venue", "the connection is refused", KEEPING)
def test_nobody_listens(place: Place, happened: Happened) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    there = place.settings
    place.settings = there.model_copy(update={"venues_url": f"http://127.0.0.1:{port}"})
    try:
        result = place.collect(*place.SOURCES)
    finally:
        place.settings = there
    assert (result.records, place.stored(), place.reasons()) == (0, {}, place.FAILED)
    assert len(result.failed) == 1
    assert all("ConnectError" in words for words in place.words().values())
    place.pass_by(REST)
    assert place.collect(*place.SOURCES).rows == {place.SOURCES[0]: 24}
    happened(f"“{result.failed['BTC']}”; 0 candles, {place.FAILED}; filled afterwards")


@pytest.mark.fault(
    "venue",
    "451, a closed country",
    "asked once, no more; Binance's mirror and files fill in where there are some",
)
def test_a_closed_country(place: Place, happened: Happened) -> None:
    came = {}
    for source in place.SOURCES:
        place.empty()
        place.pass_by(REST)
        switched("451")(place, (source,))
        result = place.collect(source)
        paths = Counter(path.split("/")[1] for path in place.front.asked)
        assert paths[source] == 1
        came[source] = dict(result.rows)
        assert all(hour == place.truth[source][at] for at, hour in place.stored().items())
        assert place.reasons() == ({} if result.rows else place.FAILED)
        assert bool(result.failed) is not bool(result.rows)
    assert came["binance_futures"] == {"binance_futures_archive": 24}
    assert came["binance_spot"] == {"binance_spot": 24}
    assert not any(came[source] for source in place.SOURCES[2:])
    happened(
        "each source asked once; futures from the archive, spot from the mirror, 24 hours each"
    )


@pytest.mark.fault(
    "venue", "a redirect to another host", "not followed, and the key is not sent there"
)
def test_a_redirect(place: Place, happened: Happened) -> None:
    with fronting(place.venues) as elsewhere:

        def spoil(answer: httpx.Response) -> Iterator[bytes]:
            place_ = f"{elsewhere.url}{answer.request.url.raw_path.decode()}"
            yield f"HTTP/1.1 302 Found\r\nlocation: {place_}\r\n".encode()
            yield b"content-length: 0\r\nconnection: close\r\n\r\n"

        seen = place.meets(spoilt(spoil))
        assert elsewhere.asked == []
    assert all("HTTP 302" in words for words in seen.words.values())
    happened(f"{seen}; 0 requests there")


@pytest.mark.fault(
    "venue", "a file of Binance's archive larger than its month can be, its checksum right", KEEPING
)
def test_a_file_that_is_too_large(place: Place, happened: Happened) -> None:
    packed = io.BytesIO()
    name = f"BTCUSDT-1h-{place.DAY.start:%F}"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(f"{name}.csv", bytes(TOO_MUCH))
    seal = f"{hashlib.sha256(packed.getvalue()).hexdigest()}  {name}.zip\n".encode()

    def spoil(source: str, answer: httpx.Response) -> Iterator[bytes]:
        if source != "binance_spot_archive":
            raise Reset
        path = answer.request.url.path
        yield whole(answer, seal if path.endswith("CHECKSUM") else packed.getvalue())

    place.front.spoil = spoil
    place.peak()
    before = place.peak()
    result = place.collect("binance_spot", archive=True)
    peak = place.peak() - before
    assert (result.records, place.stored(), place.reasons()) == (0, {}, place.FAILED)
    words = place.words()["binance_spot_archive"]
    assert "unpacks to more than" in words
    assert peak < 16
    place.mend()
    place.pass_by(REST)
    assert place.collect("binance_spot", archive=True).rows == {"binance_spot_archive": 24}
    happened(f"“{words}”; {peak} MB more in memory; 0 candles, {place.FAILED}; filled afterwards")
