#!/usr/bin/env bash
# httpcore 1.0.9, as httpx 0.28.1 uses it: each request asks the system of every idle connection whether it is still open.
#
# Expected: a request takes an idle connection of its host, and looks at that one alone.
# Seen: with N idle connections one request makes 2 N looks ("is_readable", a poll each) under the pool's lock, half of
# them as it begins and half as it ends. Threads that download small files by one client wait for each other there: 32
# of them spent a third of the processor time on it.
# What to do: give each thread a client, or a transport, of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check httpcore==1.0.9
"$folder/venv/bin/python" - <<'PY'
from contextlib import ExitStack

import httpcore

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Stream(httpcore.MockStream):
    """A connection that answers each request, stays open, and counts who looks at it."""

    looks = 0

    def write(self, buffer, timeout=None):
        self._buffer.append(ANSWER)

    def read(self, max_bytes, timeout=None):
        return self._buffer.pop(0) if self._buffer else b""

    def get_extra_info(self, info):
        if info == "is_readable":
            Stream.looks += 1
            return False
        return super().get_extra_info(info)


class Backend(httpcore.MockBackend):
    def connect_tcp(self, *given, **named):
        return Stream([])


def looks(idle: int) -> int:
    """How many looks one request takes where so many connections are idle."""
    with httpcore.ConnectionPool(
        max_connections=100, max_keepalive_connections=100, network_backend=Backend([])
    ) as pool:
        with ExitStack() as stack:
            begun = [  # all under way at once
                stack.enter_context(pool.stream("GET", "http://venue.example/")) for _ in range(idle)
            ]
            for each in begun:
                each.read()
        assert len(pool.connections) == idle
        before = Stream.looks
        pool.request("GET", "http://venue.example/")
        return Stream.looks - before


print("httpcore", httpcore.__version__)
seen = {idle: looks(idle) for idle in (1, 8, 32)}
print("looks of one request, by idle connections:", seen)
assert seen == {1: 2, 8: 16, 32: 64}
PY
