import gzip
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import httpx
import pytest

from chandlery.errors import Blocked, Malformed, Misuse, Rejected, SourceError, Unavailable
from chandlery.model import Listing
from chandlery.rate_limit.account import ON_THE_WAY, Memory
from chandlery.venues import Accounts, Budget, Metering, Source, configured, fetch, load, send
from chandlery.venues import client as new_client
from chandlery.venues.transport import ATTEMPTS
from tests.sources.conftest import Clock, Connect, Klines, Page

SPOT, FUTURES = load()["binance_spot"], load()["binance_futures"]
LISTING = Listing(1, "binance", "BTCUSDT")
Ask = Callable[..., int]
TOO_MANY = b'{"code":-1003,"msg":"Too many requests."}'


class Script:
    """A network that answers in turn, the last answer for ever, and remembers who asked."""

    def __init__(self, *answers: httpx.Response | Exception | Callable[[], httpx.Response]) -> None:
        self.answers = answers
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer()
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def hosts(self) -> list[str]:
        return [request.url.host for request in self.asked]


@pytest.fixture
def ask(connect: Connect, page: Page, now: datetime) -> Ask:
    def one(script: Script, source: Source = SPOT, **options: object) -> int:
        return fetch(connect(script, **options), source, LISTING, page(3), now).frame.height

    return one


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        httpx.ReadError("reset"),
        httpx.DecodingError("not gzip"),
        httpx.Response(500),
        httpx.Response(502, content=b"<title>Bad gateway</title>"),
        httpx.Response(503, content=b'{"code":-1008,"msg":"Server overloaded."}'),
        httpx.Response(200, content=b"<html>Just a moment</html>"),
        httpx.Response(200, content=b'[[1704067200000,"1'),
    ],
    ids=repr,
)
def test_trouble_of_seconds_is_tried_again_with_growing_pauses(
    ask: Ask, klines: Klines, clock: Clock, trouble: Exception | httpx.Response
) -> None:
    assert ask(Script(trouble, trouble, klines(3))) == 3
    assert len(clock.slept) == 2
    assert 1.0 <= clock.slept[0] <= 2.0 <= clock.slept[1] <= 3.0


def test_lasting_trouble_is_told_after_a_few_attempts(ask: Ask, clock: Clock) -> None:
    script = Script(httpx.ConnectError("refused"))
    with pytest.raises(Unavailable) as caught:
        ask(script)
    assert str(caught.value) == "binance_spot: ConnectError refused (BTCUSDT)"
    assert len(script.asked) == ATTEMPTS
    assert sum(clock.slept) < 30


def test_a_host_that_is_down_is_left_alone_for_a_minute(
    connect: Connect, page: Page, now: datetime, clock: Clock
) -> None:
    script = Script(httpx.ConnectError("refused"))
    client = connect(script)
    for _ in range(10):
        with pytest.raises(Unavailable):
            fetch(client, SPOT, LISTING, page(3), now)
    assert len(script.asked) == 3 * ATTEMPTS
    clock.now += 60
    with pytest.raises(Unavailable, match="ConnectError"):
        fetch(client, SPOT, LISTING, page(3), now)


def test_a_refusal_is_not_repeated(ask: Ask, clock: Clock) -> None:
    script = Script(httpx.Response(400, content=b'{"code":-1121,"msg":"Invalid symbol."}'))
    with pytest.raises(Rejected):
        ask(script)
    assert len(script.asked) == 1
    assert clock.slept == []


def test_what_is_no_answer_however_often_asked_is_malformed(ask: Ask) -> None:
    script = Script(httpx.Response(200, content=b"<html>Just a moment</html>"))
    with pytest.raises(Malformed, match="not JSON"):
        ask(script)
    assert len(script.asked) == ATTEMPTS


def test_retry_after_is_kept(ask: Ask, klines: Klines, clock: Clock) -> None:
    script = Script(httpx.Response(429, headers={"retry-after": "17"}, content=TOO_MANY), klines(3))
    assert ask(script) == 3
    assert clock.slept == [pytest.approx(17.0)]


def test_without_retry_after_a_whole_minute_is_given(
    ask: Ask, klines: Klines, clock: Clock
) -> None:
    assert ask(Script(httpx.Response(429, content=TOO_MANY), klines(3)), FUTURES) == 3
    assert clock.slept == [pytest.approx(60.0)]


def test_a_retry_after_of_nothing_is_a_second_all_the_same(
    ask: Ask, klines: Klines, clock: Clock
) -> None:
    script = Script(httpx.Response(429, headers={"retry-after": "0"}), klines(3))
    assert ask(script) == 3
    assert clock.slept == [pytest.approx(1.0)]


def test_patience_with_too_many_requests_ends(ask: Ask, clock: Clock) -> None:
    script = Script(httpx.Response(429, headers={"retry-after": "50"}, content=TOO_MANY))
    with pytest.raises(Unavailable, match="-1003 Too many requests") as caught:
        ask(script)
    assert len(script.asked) == 3
    assert sum(clock.slept) <= 120
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == pytest.approx(50.0)


def test_nothing_is_sent_during_a_ban_and_something_after_it(
    connect: Connect, page: Page, now: datetime, klines: Klines, clock: Clock
) -> None:
    body = (
        b'{"code":-1003,"msg":"Way too much request weight used; IP banned until 1704074400000."}'
    )
    told = {"date": "Mon, 01 Jan 2024 02:00:00 GMT"}
    banned = httpx.Response(418, content=body.replace(b"4400000", b"5000000"), headers=told)
    script = Script(banned, klines(3))
    client = connect(script)
    for _ in range(5):
        with pytest.raises(Blocked, match="-1003 Way too much") as caught:
            fetch(client, FUTURES, LISTING, page(3), now)
        assert caught.value.after is not None
        assert caught.value.after.total_seconds() == pytest.approx(600.0)
    assert len(script.asked) == 1
    clock.now += 600
    assert fetch(client, FUTURES, LISTING, page(3), now).frame.height == 3
    assert clock.slept == []


def test_a_short_ban_is_waited_for(ask: Ask, klines: Klines, clock: Clock) -> None:
    script = Script(
        httpx.Response(418, headers={"retry-after": "119"}, content=TOO_MANY), klines(3)
    )
    assert ask(script, FUTURES) == 3
    assert clock.slept == [pytest.approx(119.0)]


def test_who_has_no_patience_goes_elsewhere_at_once(ask: Ask, clock: Clock) -> None:
    script = Script(httpx.Response(429, headers={"retry-after": "5"}, content=TOO_MANY))
    with pytest.raises(Unavailable):
        ask(script, patience=0.0)
    assert len(script.asked) == 1
    assert clock.slept == []


def test_a_ban_of_one_host_leaves_others_alone(
    connect: Connect, page: Page, now: datetime, klines: Klines
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ban = httpx.Response(418, headers={"retry-after": "9999"}, content=TOO_MANY)
        return ban if request.url.host == "fapi.binance.com" else klines(3)

    client = connect(answer)
    with pytest.raises(Blocked):
        fetch(client, FUTURES, LISTING, page(3), now)
    assert fetch(client, SPOT, LISTING, page(3), now).frame.height == 3


def test_where_spot_is_blocked_its_mirror_is_asked_from_then_on(
    connect: Connect,
    page: Page,
    now: datetime,
    klines: Klines,
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = Script(httpx.Response(451, content=b'{"code":0,"msg":"restricted"}'), klines(3))
    client = connect(script)
    with caplog.at_level(logging.WARNING, logger="chandlery"):
        for _ in range(3):
            assert fetch(client, SPOT, LISTING, page(3), now).frame.height == 3
    assert script.hosts == ["api.binance.com", *["data-api.binance.vision"] * 3]
    assert script.asked[0].url.raw_path == script.asked[1].url.raw_path
    assert (
        len([line for line in caplog.messages if "data-api.binance.vision is asked" in line]) == 1
    )


def test_where_there_is_no_mirror_a_blocked_source_is_off_for_good(
    connect: Connect, page: Page, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(httpx.Response(451, content=b'{"code":0,"msg":"restricted location"}'))
    client = connect(script)
    with caplog.at_level(logging.WARNING, logger="chandlery"):
        for _ in range(3):
            with pytest.raises(Blocked, match="restricted location") as caught:
                fetch(client, FUTURES, LISTING, page(3), now)
            assert caught.value.after is None
            assert str(caught.value).count("binance_futures") == 1
    assert len(script.asked) == 1
    assert len(caplog.messages) == 1


def test_where_the_mirror_is_blocked_too_the_source_is_off(
    connect: Connect, page: Page, now: datetime
) -> None:
    script = Script(httpx.Response(451))
    client = connect(script)
    for _ in range(3):
        with pytest.raises(Blocked, match="HTTP 451"):
            fetch(client, SPOT, LISTING, page(3), now)
    assert script.hosts == ["api.binance.com", "data-api.binance.vision"]


def test_a_redirect_is_not_followed(ask: Ask) -> None:
    script = Script(httpx.Response(302, headers={"location": "https://portal/"}))
    with pytest.raises(Malformed, match="HTTP 302"):
        ask(script)
    assert set(script.hosts) == {"api.binance.com"}


def test_an_address_for_all_venues_is_asked_by_source_and_path(
    connect: Connect, page: Page, now: datetime, klines: Klines
) -> None:
    script = Script(httpx.Response(451), klines(3))
    client = connect(script, "http://127.0.0.1:8000/")
    fetch(client, SPOT, LISTING, page(3), now)
    fetch(client, FUTURES, LISTING, page(3), now)
    where = [f"{request.url.host}:{request.url.port}{request.url.path}" for request in script.asked]
    assert where == [
        "127.0.0.1:8000/binance_spot/api/v3/klines",
        "127.0.0.1:8000/binance_spot-mirror/api/v3/klines",
        "127.0.0.1:8000/binance_futures/fapi/v1/klines",
    ]
    assert {request.headers["host"] for request in script.asked} == {"127.0.0.1:8000"}


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://a", "", "http://", "http:// x"])
def test_an_address_that_is_none_is_misuse(url: str) -> None:
    with pytest.raises(Misuse, match="the venues' address"):
        new_client(url)


def test_a_key_goes_to_its_source_alone(connect: Connect, klines: Klines) -> None:
    script = Script(klines(3))
    venue = replace(SPOT.venue, key_header="authorization", key_form="Apikey {}")
    client = connect(script, keys={"binance_spot": "s3cret"})
    for each in (venue, FUTURES.venue):
        send(client, each, httpx.Request("GET", each.url))
    assert [r.headers.get("authorization") for r in script.asked] == ["Apikey s3cret", None]
    assert {request.headers["user-agent"] for request in script.asked} == {"chandlery"}


class Body(httpx.SyncByteStream):
    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


def test_a_body_cut_short_is_asked_for_again(ask: Ask, klines: Klines) -> None:
    cut = httpx.RemoteProtocolError("peer closed connection")
    script = Script(lambda: httpx.Response(200, stream=Body(b"[[17040672000", cut)), klines(3))
    assert ask(script) == 3
    assert len(script.asked) == 2


def test_a_compressed_body_is_read(ask: Ask, klines: Klines) -> None:
    packed = gzip.compress(klines(3).content)
    headers = {"content-encoding": "gzip", "content-length": str(len(packed))}
    script = Script(lambda: httpx.Response(200, headers=headers, stream=Body(packed)))
    assert ask(script) == 3
    assert "gzip" in script.asked[0].headers["accept-encoding"]


def test_a_body_without_an_end_is_malformed(ask: Ask) -> None:
    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b"[" * 2**20

    script = Script(lambda: httpx.Response(200, stream=Endless()))
    with pytest.raises(Malformed, match="larger than 32 MB"):
        ask(script)
    assert len(script.asked) == 1


def test_eight_threads_turn_to_the_mirror_together(
    connect: Connect, page: Page, now: datetime, klines: Klines
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(451) if request.url.host == "api.binance.com" else klines(3)

    client = connect(answer)
    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(fetch, client, SPOT, LISTING, page(3), now) for _ in range(100)]
        assert {job.result().frame.height for job in work} == {3}


def test_a_request_that_names_no_venue_is_a_mistake(connect: Connect, klines: Klines) -> None:
    with pytest.raises(KeyError, match="venue"):
        connect(Script(klines(1))).get("https://api.binance.com/")


PAID = replace(SPOT, venue=replace(SPOT.venue, key_header="x-key", key_required=True))


@pytest.mark.parametrize("keys", [{}, {"binance_spot": ""}, {"binance_futures": "k"}])
def test_a_venue_that_requires_a_key_is_not_asked_without_one(
    ask: Ask, klines: Klines, keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(klines(3))
    words = "binance_spot: not configured: set BINANCE_SPOT_API_KEY"
    with pytest.raises(Blocked, match=words) as caught:
        ask(script, PAID, keys=keys)
    assert caught.value.after is None
    assert not script.asked
    assert [record.getMessage() for record in caplog.records] == [words]
    assert not configured(keys, PAID)


def test_a_key_that_is_missing_is_said_once(
    connect: Connect, page: Page, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect(Script(httpx.Response(200)))
    for _ in range(3):
        with pytest.raises(Blocked, match="not configured"):
            fetch(client, PAID, LISTING, page(3), now)
    assert len(caplog.records) == 1


def test_a_required_key_is_sent(ask: Ask, klines: Klines) -> None:
    script = Script(klines(3))
    assert ask(script, PAID, keys={"binance_spot": "k"}) == 3
    assert script.asked[0].headers["x-key"] == "k"
    assert configured({"binance_spot": "k"}, PAID)
    assert configured({}, SPOT)


def test_clients_with_the_same_accounts_share_what_a_venue_meters(
    connect: Connect, clock: Clock, klines: Klines, page: Page, now: datetime
) -> None:
    budget = Budget(100, 60, lambda _: 49)
    source = replace(SPOT, venue=replace(SPOT.venue, metering=Metering((budget,))))
    shared = Memory()
    sent = Counter[str]()

    def ask(accounts: Accounts) -> None:
        client = connect(lambda _: klines(3), accounts=accounts, sent=sent)
        assert fetch(client, source, LISTING, page(3), now).frame.height == 3

    for accounts in (shared, shared, Memory()):
        ask(accounts)
    assert clock.slept == []
    ask(shared)
    assert sum(clock.slept) == pytest.approx(60 + ON_THE_WAY)
    assert sent == {"binance_spot": 4}


PLANTED = "CG-0123456789"


@pytest.mark.parametrize("status", [401, 200])
def test_a_key_that_a_venue_echoes_is_not_told_on(
    ask: Ask, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    words = f'{{"code": -2014, "msg": "no such API key: {PLANTED}"}}'
    script = Script(httpx.Response(status, content=words.encode()))
    with pytest.raises(SourceError, match=r"no such API key: \*\*\*") as caught:
        ask(script, PAID, keys={"binance_spot": PLANTED})
    assert script.asked[0].headers["x-key"] == PLANTED
    told = "".join(traceback.format_exception(caught.value))
    assert PLANTED not in told + caplog.text
