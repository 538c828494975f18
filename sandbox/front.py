"""What stands before a sandbox and spoils what passes: any byte of an answer, and the line itself.

    with serving(coins=5) as sandbox, fronting(sandbox) as front:
        front.spoil = lambda source, answer: [whole(answer)[:100]]

A spoiler is given whose candles were asked for and the sandbox's answer, and gives the bytes that
are sent instead, piece by piece; then the connection is closed. What is not candles (lists of
symbols, of coins) passes as it is, unless `everything` is to be spoilt.
"""

import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import urlsplit

import httpx

from sandbox.serving import Serving

Spoiler = Callable[[str, httpx.Response], Iterable[bytes]]

_CANDLES = ("lines", "candles", "kline", "histohour", "market_chart")
_RESET = struct.pack("ii", 1, 0)


class Reset(Exception):
    """Raised by a spoiler: the connection is reset."""


def whole(answer: httpx.Response, body: bytes | None = None, **headers: str) -> bytes:
    """Return an answer as it goes over the wire, with another body and more headers if given."""
    content = answer.content if body is None else body
    named = {"date": answer.headers["date"], "content-length": str(len(content)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    head = "\r\n".join([f"HTTP/1.1 {answer.status_code} Spoilt", "connection: close", *lines])
    return head.encode() + b"\r\n\r\n" + content


@dataclass
class Front:
    """A front that is up: what it does, and what it saw."""

    url: str
    spoil: Spoiler | None = None
    everything: bool = False
    asked: list[str] = field(default_factory=list)
    over: Event = field(default_factory=Event)  # who holds an answer back waits for this


class _Handler(BaseHTTPRequestHandler):
    """Asks the sandbox, and sends what the spoiler makes of its answer."""

    server: "_Server"

    def do_GET(self) -> None:
        """Answer a request."""
        front, path = self.server.front, urlsplit(self.path).path
        told = {name: self.headers[name] for name in self.headers if name.lower() != "host"}
        plain = {**told, "accept-encoding": "identity"}
        is_candles = any(word in path for word in _CANDLES)
        front.asked += [self.path] * is_candles
        self.close_connection = True
        answer = self.server.behind.client.get(self.path, headers=plain)
        pieces: Iterable[bytes] = [whole(answer)]
        if front.spoil is not None and (is_candles or front.everything):
            pieces = front.spoil(path.split("/")[1].removesuffix("-mirror"), answer)
        with suppress(ConnectionError):
            self._send(pieces)

    def _send(self, pieces: Iterable[bytes]) -> None:
        """Send piece by piece, or reset."""
        try:
            for piece in pieces:
                self.wfile.write(piece)
        except Reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """A thread a request."""

    daemon_threads = True
    request_queue_size = 128
    behind: Serving
    front: Front

    def handle_error(self, *_: object) -> None:
        """Say nothing: who hangs up is not to be heard of."""


@contextmanager
def fronting(behind: Serving) -> Iterator[Front]:
    """Stand before a sandbox on a free port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.behind = behind
    server.front = Front(f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.front
    finally:
        server.front.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
