"""Bytes as they come: in pieces, in heaps, and from those who meant another server."""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from chandlery import embedded
from tests.waiting import PATIENCE

STARTUP = b"user\0postgres\0database\0postgres\0\0"
HELLO = struct.pack("!ii", len(STARTUP) + 8, 3 << 16) + STARTUP
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
GSS_REQUEST = struct.pack("!ii", 8, 80877104)
CANCEL_REQUEST = struct.pack("!iiii", 16, 80877102, 1, 1)
IDLE, IN_TRANSACTION = b"Z\0\0\0\5I", b"Z\0\0\0\5T"
COPY_IN = b"G\0\0\0\x09\0\0\1\0\0"


def message(letter: bytes, body: bytes) -> bytes:
    return letter + struct.pack("!i", len(body) + 4) + body


def query(sql: str) -> bytes:
    return message(b"Q", sql.encode() + b"\0")


def until(plain: socket.socket, end: bytes) -> bytes:
    """Read until the answer ends so, or the connection does."""
    answer = b""
    while not answer.endswith(end) and (piece := plain.recv(65536)):
        answer += piece
    return answer


def everything(plain: socket.socket) -> bytes:
    return until(plain, b"never sent")


@pytest.fixture
def dial(engine: embedded.Status) -> Iterator[Callable[[], socket.socket]]:
    """Sockets to the engine, without libpq; the engine must be alive when they are done with."""
    folder = psycopg.conninfo.conninfo_to_dict(engine.dsn)["host"]
    with contextlib.ExitStack() as stack:

        def opened() -> socket.socket:
            made = stack.enter_context(socket.socket(socket.AF_UNIX))
            made.settimeout(PATIENCE)
            made.connect(str(Path(str(folder)) / ".s.PGSQL.5432"))
            return made

        yield opened
    with psycopg.connect(engine.dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.fixture
def plain(dial: Callable[[], socket.socket]) -> socket.socket:
    return dial()


def test_a_conversation_byte_by_byte(plain: socket.socket) -> None:
    for byte in SSL_REQUEST:
        plain.sendall(bytes([byte]))
    assert plain.recv(1) == b"N"
    for byte in HELLO:
        plain.sendall(bytes([byte]))
    assert until(plain, IDLE).startswith(b"R\0\0\0\x08\0\0\0\0S")
    for byte in query("select 'split'"):
        plain.sendall(bytes([byte]))
    assert b"split" in until(plain, IDLE)


def test_a_copy_byte_by_byte(plain: socket.socket) -> None:
    plain.sendall(HELLO)
    until(plain, IDLE)
    copied = message(b"d", b"1\n") + message(b"d", b"") + message(b"d", b"2\n") + message(b"c", b"")
    made = query("create temp table t (n int); copy t from stdin; select 'sum', sum(n) from t")
    for byte in made + copied:
        plain.sendall(bytes([byte]))
    assert b"sum\0\0\0\x013" in until(plain, IDLE)


def test_many_messages_in_one_packet(plain: socket.socket) -> None:
    copied = message(b"d", b"1\n") * 1000 + message(b"c", b"")
    plain.sendall(
        HELLO
        + query("create temp table t (n int)")
        + query("copy t from stdin")
        + copied
        + query("select 'rows', count(*) from t")
    )
    assert b"rows\0\0\0\x041000" in until(plain, b"SELECT 1\0" + IDLE)


def test_copy_data_out_of_season_is_ignored(plain: socket.socket) -> None:
    late = message(b"d", b"1\n") + message(b"c", b"") + message(b"f", b"no\0")
    plain.sendall(HELLO + late + query("select 'fine'"))
    assert b"fine" in until(plain, b"SELECT 1\0" + IDLE)


def test_gss_encryption_is_declined(plain: socket.socket) -> None:
    plain.sendall(GSS_REQUEST)
    assert plain.recv(1) == b"N"


def test_a_cancel_request_gets_no_answer(plain: socket.socket) -> None:
    plain.sendall(CANCEL_REQUEST)
    assert everything(plain) == b""


def test_a_newer_protocol_is_negotiated_down(plain: socket.socket) -> None:
    options = b"user\0postgres\0_pq_.wishes\0many\0\0"
    plain.sendall(struct.pack("!ii", len(options) + 8, (3 << 16) + 2) + options)
    body = struct.pack("!ii", 0, 1) + b"_pq_.wishes\0"
    assert until(plain, IDLE).startswith(message(b"v", body))


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        struct.pack("!ii", 7, 3 << 16),
        struct.pack("!ii", -1, 3 << 16),
        struct.pack("!ii", 2**31 - 1, 3 << 16),
        struct.pack("!ii", 8, 2 << 16),
        HELLO + b"\0\0\0\0\0\0\0\0",
        HELLO + b"\xff\0\0\0\4",
        HELLO + b"Q\0\0\0\3",
        HELLO + b"Q\xff\xff\xff\xff",
        HELLO + b"d\0\0\0\0",
    ],
)
def test_garbage_is_answered_with_an_error_and_the_end(
    plain: socket.socket, garbage: bytes
) -> None:
    plain.sendall(garbage)
    assert b"SFATAL\0" in everything(plain)


@pytest.mark.parametrize("sent", [b"", HELLO[:5], HELLO[:20], HELLO + b"Q\0\0"])
def test_one_who_leaves_in_the_middle_is_forgotten(plain: socket.socket, sent: bytes) -> None:
    plain.sendall(sent)


def test_a_message_too_large_to_hold_is_refused(plain: socket.socket) -> None:
    plain.sendall(HELLO + b"Q" + struct.pack("!i", 400_000_000))
    answer = everything(plain)
    assert b"C54000\0" in answer
    assert b"set DATABASE_URL to a TimescaleDB server" in answer


def test_another_question_in_a_copy_ends_it(plain: socket.socket) -> None:
    copy = query("create temp table t (n int); copy t from stdin")
    plain.sendall(HELLO + copy + message(b"d", b"1\n") + query("select 'next'"))
    answer = until(plain, b"SELECT 1\0" + IDLE)
    assert b"unexpected message during COPY" in answer
    assert b"next" in answer


@pytest.fixture
def made(connection: psycopg.Connection) -> None:
    connection.execute("create table made (n int)")


@pytest.mark.usefixtures("made")
def test_what_follows_a_farewell_is_not_done(
    plain: socket.socket, connection: psycopg.Connection
) -> None:
    farewell = message(b"X", b"")
    plain.sendall(HELLO + farewell + query("insert into made values (1)"))
    assert b"INSERT" not in everything(plain)
    assert connection.execute("select count(*) from made").fetchone() == (0,)


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("asked", "answer", "then"),
    [
        (query("begin"), IN_TRANSACTION, message(b"X", b"")),
        (b"", IDLE, message(b"H", b"")),
        (query("copy made from stdin"), COPY_IN, message(b"H", b"") + message(b"c", b"")),
    ],
)
def test_one_who_is_done_and_stays_keeps_nobody_waiting(
    dial: Callable[[], socket.socket], asked: bytes, answer: bytes, then: bytes
) -> None:
    done, other = dial(), dial()
    done.sendall(HELLO + asked)
    until(done, answer)
    done.sendall(then)
    other.sendall(HELLO + query("select 'mine'"))
    assert b"mine" in until(other, b"SELECT 1\0" + IDLE)


@pytest.mark.parametrize("asked", [SSL_REQUEST, GSS_REQUEST])
def test_encryption_is_declined_once(plain: socket.socket, asked: bytes) -> None:
    plain.sendall(SSL_REQUEST + GSS_REQUEST + asked)
    said = everything(plain)
    assert said.startswith(b"NNE")
    assert b"SFATAL\0" in said


@pytest.mark.parametrize("small", [message(b"S", b""), query(";"), message(b"C", b"Sname\0")])
def test_a_flood_of_small_messages_takes_little_memory(
    plain: socket.socket, engine: embedded.Status, resident: Callable[[int], int], small: bytes
) -> None:
    before = resident(engine.pid)
    plain.sendall(HELLO)
    until(plain, IDLE)
    plain.settimeout(0.5)
    flood = memoryview(small * (1_000_000 // len(small)))
    while flood:  # nobody reads the answers: somewhere it has to stop
        try:
            flood = flood[plain.send(flood) :]
        except TimeoutError:
            break
    assert flood
    assert resident(engine.pid) - before < 100_000_000


def test_one_who_leaves_after_an_error_that_no_sync_followed_is_forgotten(
    dial: Callable[[], socket.socket],
) -> None:
    """The "ready" of the first query comes when the last one is under way already."""
    gone, other = dial(), dial()
    bad = message(b"P", b"\0no such statement\0\0\0")
    gone.sendall(HELLO + query("select 1") + bad + query("select 'not heeded'"))
    until(gone, b"Rscanner_yyerror\0\0")
    gone.close()
    other.sendall(HELLO + query("select 'mine'"))
    assert b"mine" in until(other, b"SELECT 1\0" + IDLE)


def test_one_who_leaves_after_a_malformed_flush_is_forgotten(
    dial: Callable[[], socket.socket],
) -> None:
    """It is an error like any in a batch: until Sync, PostgreSQL heeds nothing."""
    gone, other = dial(), dial()
    gone.sendall(HELLO)
    until(gone, IDLE)
    gone.sendall(message(b"H", b"more"))
    until(gone, b"Rpq_getmsgend\0\0")
    gone.close()
    other.sendall(HELLO + query("select 'mine'"))
    assert b"mine" in until(other, b"SELECT 1\0" + IDLE)


def test_after_a_malformed_flush_and_a_sync_all_is_well(plain: socket.socket) -> None:
    plain.sendall(HELLO)
    until(plain, IDLE)
    plain.sendall(message(b"H", b"more") + query("select 'lost'") + message(b"S", b""))
    plain.sendall(query("select 'heeded'"))
    found = until(plain, b"SELECT 1\0" + IDLE)
    assert b"heeded" in found
    assert b"lost" not in found
