"""Connections that no other thread has: each thread keeps its own.

httpcore looks through all connections of a pool at each request, asks the system of each idle one
whether it is closed, and holds a lock meanwhile. With 32 threads at one pool that took a third of
the processor time of fetching files, and threads waited for each other longer than for answers.
"""

from collections.abc import Callable
from threading import Lock, local

import httpx


class PerThread(httpx.BaseTransport):
    """Has `make` make a transport for each thread that sends, and closes them all."""

    def __init__(self, make: Callable[[], httpx.BaseTransport]) -> None:
        self._make = make
        self._mine = local()
        self._made: list[httpx.BaseTransport] = []
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send by this thread's own connections."""
        mine: httpx.BaseTransport | None = getattr(self._mine, "transport", None)
        if mine is None:
            mine = self._mine.transport = self._make()
            with self._lock:
                self._made.append(mine)
        return mine.handle_request(request)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            made, self._made = self._made, []
        for each in made:
            each.close()
