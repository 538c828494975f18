"""Prefect's server turns away who comes while its SQLite is locked, and did nothing then."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from chandlery.local.prefect_api import ATTEMPTS, Server


@pytest.fixture
def busy() -> Iterator[tuple[str, list[int]]]:
    """A server's address, and the statuses it has yet to answer with; then it has no automation."""
    statuses: list[int] = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", statuses
        server.shutdown()
        thread.join()


def test_who_is_turned_away_asks_again(busy: tuple[str, list[int]]) -> None:
    url, statuses = busy
    slept: list[float] = []
    statuses += [503, 503]
    assert Server(url, slept.append).automations() == []
    assert slept == [1, 2]


@pytest.mark.parametrize(("status", "asked"), [(503, ATTEMPTS), (500, 1), (404, 1)])
def test_any_other_word_of_its_is_believed_and_nobody_asks_for_ever(
    busy: tuple[str, list[int]], status: int, asked: int
) -> None:
    url, statuses = busy
    statuses += [status] * 20
    with pytest.raises(httpx.HTTPStatusError):
        Server(url, lambda _: None).automations()
    assert len(statuses) == 20 - asked
