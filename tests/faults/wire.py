"""Stands between a client and its database, on the real wire, and makes trouble where told to."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

COPY_DATA = b"d"
QUERY = b"Q"
PARSE = b"P"
ANY = b""


class Line:
    """A client and the server behind it."""

    def __init__(self, wire: "Wire", client: socket.socket, server: socket.socket) -> None:
        self.wire, self.client, self.server = wire, client, server
        self.muted = False

    def cut(self) -> None:
        """End both connections, as a server that dies ends them."""
        for each in (self.client, self.server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def hear(self) -> None:
        """Pass on what the server says."""
        with suppress(OSError):
            while (said := self.server.recv(65536)) and not self.muted:
                self.client.sendall(said)
        self.cut()

    def messages(self) -> Iterator[bytes]:
        """What the client says, a message each; the first has no letter."""
        for head in chain((4,), repeat(5)):
            if len(begun := self._read(head)) < head:
                return
            (length,) = struct.unpack("!i", begun[-4:])
            yield begun + self._read(length - 4)

    def _read(self, count: int) -> bytes:
        found = b""
        while len(found) < count and (more := self.client.recv(count - len(found))):
            found += more
        return found


Trouble = Callable[[Line, bytes], None]


def cut(line: Line, message: bytes) -> None:
    """Half of the message arrives."""
    line.server.sendall(message[: len(message) // 2])
    line.cut()


def lose_the_commit(line: Line, message: bytes) -> None:
    """What it belongs to is committed in the end, and nobody hears that it was."""

    def mute(line: Line, message: bytes) -> None:
        line.muted = True
        line.server.sendall(message)

    line.wire.trouble(QUERY, b"COMMIT", mute)
    line.server.sendall(message)


def refuse(sqlstate: str, words: str, severity: str = "ERROR") -> Trouble:
    """The server answers with an error, and hangs up where it is FATAL."""
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": words}
    body = b"".join(letter.encode() + text.encode() + b"\0" for letter, text in fields.items())
    error = b"E" + struct.pack("!i", len(body) + 5) + body + b"\0"

    def answer(line: Line, _: bytes) -> None:
        fatal = severity == "FATAL"
        line.client.sendall(error if fatal else error + b"Z\0\0\0\5E")
        if fatal:
            line.cut()

    return answer


@dataclass
class Wire:
    """A port in front of a database; `upstream` tells where that is, each time."""

    upstream: Callable[[], str]
    lines: list[Line] = field(default_factory=list)
    troubles: list[tuple[bytes, bytes, Trouble]] = field(default_factory=list)
    port: int = 0
    is_open: bool = False

    def __post_init__(self) -> None:
        self.open()

    @property
    def url(self) -> str:
        """For DATABASE_URL."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def trouble(self, letter: bytes, words: bytes, what: Trouble) -> None:
        """Befall the next message of this kind that has these words, once."""
        self.troubles.append((letter, words, what))

    def open(self) -> None:
        """Let clients in."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        self.is_open = True
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        """Turn everybody away, from now on."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.is_open = False
        for line in self.lines:
            line.cut()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), connected(self.upstream()) as server:
            line = Line(self, client, server)
            self.lines.append(line)
            hearing = threading.Thread(target=line.hear, daemon=True)
            hearing.start()
            for message in line.messages():
                self._pass(line, message)
            line.cut()
            hearing.join()

    def _pass(self, line: Line, message: bytes) -> None:
        for each in self.troubles:
            letter, words, what = each
            if message.startswith(letter) and words in message:
                self.troubles.remove(each)
                what(line, message)
                return
        line.server.sendall(message)


def connected(conninfo: str) -> socket.socket:
    """A connection to where libpq would connect."""
    given = conninfo_to_dict(conninfo)
    host, port = str(given["host"]), str(given.get("port", 5432))
    if not host.startswith("/"):
        return socket.create_connection((host, int(port)))
    server = socket.socket(socket.AF_UNIX)
    server.connect(str(Path(host) / f".s.PGSQL.{port}"))
    return server
