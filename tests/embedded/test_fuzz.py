"""The front, fed with what psycopg really sends, spoilt: nobody else is to notice."""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from threading import Thread

import psycopg
import pytest

from chandlery import embedded
from tests.fuzz import Inputs
from tests.waiting import PATIENCE

SHARE = 0.5
MOST_CLIENTS = 12
IDLE_SECONDS = 2.0  # for one that keeps the engine idle
MEMORY = 400_000_000  # beyond what it had before
SOCKET = ".s.PGSQL.5432"
STARTUP = b"user\0postgres\0\0"
HELLO = struct.pack("!ii", len(STARTUP) + 8, 3 << 16) + STARTUP
BEGINNINGS = [
    struct.pack("!ii", 8, 80877103),
    struct.pack("!ii", 8, 80877104),
    struct.pack("!iiii", 16, 80877102, 1, 1),
    HELLO,
    HELLO[:4] + struct.pack("!i", (3 << 16) + 2) + HELLO[8:],
]
LENGTHS = [0, 3, 4, 5, -1, -(2**31), 2**31 - 1, 300_000_000, 200_000_000, 70_000, 10_000]
LETTERS = b"QPBDECHSFdcfX"
Conversation = list[bytes]
"""Messages, the first without a letter."""


def message(letter: bytes, body: bytes) -> bytes:
    return letter + struct.pack("!i", len(body) + 4) + body


def query(sql: str) -> bytes:
    return message(b"Q", sql.encode() + b"\0")


# What psycopg does not send, or not by itself.
BY_HAND = [
    [HELLO, message(b"F", struct.pack("!ihhhih", 2108, 0, 1, 4, 0, 0)), query("select 1")],
    [HELLO, query("copy fuzzed from stdin"), *[message(b"d", b"1\n")] * 9, message(b"f", b"no\0")],
    [HELLO, query("begin; copy fuzzed from stdin"), message(b"d", b"x\n"), query("commit")],
    [HELLO, query("begin"), query("insert into fuzzed values (1)"), message(b"X", b"")],
    [HELLO, message(b"P", b"s\0select 1\0\0\0"), message(b"H", b""), message(b"D", b"Ss\0")],
    [HELLO, query("set work_mem = '1MB'; select nothing"), query("select 1"), query("reset all")],
]


def pump(source: socket.socket, to: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            kept += piece
            to.sendall(piece)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def recording(dsn: str, folder: Path) -> Iterator[tuple[psycopg.Connection, bytearray]]:
    """A connection, and what it sends."""
    sent = bytearray()
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX) as engine,
    ):
        listener.bind(str(folder / SOCKET))
        listener.listen()
        engine.connect(address(dsn))
        opening = Thread(target=lambda: accept(listener, engine, sent), daemon=True)
        opening.start()
        with psycopg.connect(f"host={folder} user=postgres", autocommit=True) as connection:
            yield connection, sent
        opening.join()


def accept(listener: socket.socket, engine: socket.socket, sent: bytearray) -> None:
    client, _ = listener.accept()
    with client:
        back = Thread(target=pump, args=(engine, client, bytearray()), daemon=True)
        back.start()
        pump(client, engine, sent)
        back.join()


def address(dsn: str) -> str:
    return f"{psycopg.conninfo.conninfo_to_dict(dsn)['host']}/{SOCKET}"


def plain(connection: psycopg.Connection) -> None:
    connection.execute("select n from fuzzed where n > 3; select 'two'")
    with contextlib.suppress(psycopg.Error):
        connection.execute("select nobody from nowhere")


def prepared(connection: psycopg.Connection) -> None:
    for n in range(3):
        connection.execute("select %s::int + count(*) from fuzzed", [n], prepare=True)


def transacted(connection: psycopg.Connection) -> None:
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.executemany("insert into fuzzed values (%s)", [(n,) for n in range(5)])
        with cursor.copy("copy fuzzed from stdin (format binary)") as copy:
            copy.set_types(["int4"])
            for n in range(50):
                copy.write_row((n,))


def copied(connection: psycopg.Connection) -> None:
    with connection.cursor().copy("copy (select generate_series(1, 20000)) to stdout") as copy:
        list(copy)


def piped(connection: psycopg.Connection) -> None:
    with connection.pipeline():
        connection.execute("create temp table mine (n int)")
        connection.execute("insert into mine values (%s)", [1])
        connection.execute("drop table mine")


def messages(sent: bytes) -> Conversation:
    """Cut a conversation: the startup first, then by the lengths told."""
    end = struct.unpack("!i", sent[:4])[0]
    found = [sent[:end]]
    while end < len(sent):
        start, end = end, end + 1 + struct.unpack("!i", sent[end + 1 : end + 5])[0]
        found.append(sent[start:end])
    return found


@pytest.fixture
def engine(home: Path) -> embedded.Status:
    patience = embedded.Patience(idle_client=IDLE_SECONDS)
    dsn = embedded.ensure(home, idle=None, patience=patience)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table kept (n bigint); create table fuzzed (n int)")
    running = embedded.status(home)
    assert running
    return running


@pytest.fixture
def recorded(
    engine: embedded.Status, tmp_path_factory: pytest.TempPathFactory
) -> list[Conversation]:
    found = []
    for work in (plain, prepared, transacted, copied, piped):
        with recording(engine.dsn, tmp_path_factory.mktemp("r")) as (connection, sent):
            work(connection)
        found.append(messages(bytes(sent)))
    return [*found, *BY_HAND]


def odd_length(part: bytes, dice: Random) -> bytes:
    at = 0 if part[:1] == b"\0" else 1
    length = dice.choice([*LENGTHS, len(part) + dice.randint(-3, 3)])
    return part[:at] + struct.pack("!i", length) + part[at + 4 :]


def other_bytes(part: bytes, dice: Random) -> bytes:
    spoilt = bytearray(part)
    for _ in range(dice.randint(1, 4)):
        spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
    return bytes(spoilt)


def cut(part: bytes, dice: Random) -> bytes:
    return part[: dice.randrange(len(part))]


def other_letter(part: bytes, dice: Random) -> bytes:
    return bytes([dice.choice(LETTERS)]) + part[1:]


def many(part: bytes, dice: Random) -> bytes:
    return part * min(dice.choice([2, 10, 1000, 20_000]), 200_000 // len(part) + 1)


def garbage(_: bytes, dice: Random) -> bytes:
    return dice.randbytes(dice.choice([1, 5, 100, 5000]))


SPOILS = (odd_length, other_bytes, cut, other_letter, many, garbage)


def spoilt(dice: Random, recorded: list[Conversation]) -> bytes:
    """A conversation with some of it wrong, missing, twice, elsewhere or another's."""
    parts = list(dice.choice(recorded))
    for _ in range(dice.choice([0, 1, 1, 2, 5])):
        place = dice.randrange(len(parts))
        do = dice.randrange(6)
        if do == 0:
            parts.insert(place, dice.choice(dice.choice(recorded)))
        elif do == 1:
            parts[place : place + 2] = parts[place : place + 2][::-1]
        elif do == 2 and len(parts) > 1:
            parts.pop(place)
        else:
            parts[place] = dice.choice(SPOILS)(parts[place], dice) or b"\0"
    if dice.random() < 0.1:
        parts.insert(0, dice.choice(BEGINNINGS))
    return b"".join(parts)


def pieces(told: bytes, dice: Random) -> list[bytes]:
    """Cut anywhere: whole, in some pieces, or byte by byte."""
    size = dice.choice([1, 7, 100, 5000, len(told)])
    size = max(size, len(told) // 200, 1)
    return [told[at : at + size] for at in range(0, len(told), size)]


def burst(path: str, dice: Random, recorded: list[Conversation]) -> None:
    """Clients at once, each a piece at a time in any order; some read, all go, some not at once."""
    with contextlib.ExitStack() as stack:
        todo = {}
        for _ in range(dice.randint(1, MOST_CLIENTS)):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(path)
            client.setblocking(False)  # noqa: FBT003
            todo[client] = pieces(spoilt(dice, recorded), dice)
        while todo:
            client = dice.choice(list(todo))
            if not told(client, todo[client], dice):
                del todo[client]


def told(client: socket.socket, left: list[bytes], dice: Random) -> bool:
    """Say the next piece; False when all is said, or it does not listen, or it is gone."""
    try:
        sent = client.send(left[0]) if left else 0
        left[:1] = [left[0][sent:]] if left and sent < len(left[0]) else []
        if not left and dice.random() < 0.2:
            client.shutdown(socket.SHUT_WR)
        if dice.random() < 0.5:
            client.recv(65536)
    except BlockingIOError:
        return bool(left) and dice.random() < 0.9
    except OSError:
        return False
    return bool(left)


class WellBehaved:
    """One who asks in order, reads what comes, and does not wait for ever."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.answer(HELLO)

    def answer(self, asked: bytes) -> bytes:
        self.socket.sendall(asked)
        found = b""
        while found[-6:-1] != b"Z\0\0\0\5":
            piece = self.socket.recv(65536)
            assert piece, found
            found += piece
        return found

    def ask(self, sql: str) -> bytes:
        found = self.answer(query(sql))
        assert b"SERROR" not in found, found
        assert b"SFATAL" not in found, found
        return found


@contextlib.contextmanager
def well_behaved(path: str) -> Iterator[WellBehaved]:
    client = WellBehaved(path)
    with client.socket:
        yield client
        client.socket.sendall(message(b"X", b""))


def test_whatever_clients_say_others_are_served_and_left_alone(
    engine: embedded.Status,
    recorded: list[Conversation],
    resident: Callable[[int], int],
    inputs: Inputs,
) -> None:
    path, kept = address(engine.dsn), 0
    before = resident(engine.pid)
    for dice in inputs(SHARE):
        with contextlib.ExitStack() as stack:
            if dice.random() < 0.5:
                keeper = stack.enter_context(well_behaved(path))
                keeper.ask("begin; insert into kept values (1)")
                burst(path, dice, recorded)
                keeper.ask("insert into kept values (1); commit")
                kept += 2
            else:
                burst(path, dice, recorded)
        with well_behaved(path) as other:
            found = other.ask("select 'kept=' || count(*) || ';' from kept; truncate fuzzed")
        assert f"kept={kept};".encode() in found
        assert resident(engine.pid) - before < MEMORY
    found_again = embedded.status(engine.home)
    assert found_again
    assert found_again.pid == engine.pid
