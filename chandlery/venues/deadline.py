"""A bound on a whole answer: httpx bounds each read only, which a byte at a time passes for ever.

Every write to a connection begins an exchange anew; what is read after it, headers and body, must
have come within so many seconds.
"""

from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

from chandlery.rate_limit.gate import Timepiece


def bounded(
    transport: httpx.HTTPTransport, seconds: float, timepiece: Timepiece
) -> httpx.HTTPTransport:
    """The same transport; an answer that takes longer raises httpx.ReadTimeout."""
    pool = transport._pool  # noqa: SLF001  httpcore takes a backend, httpx does not pass one on
    pool._network_backend = _Backend(pool._network_backend, seconds, timepiece.stopwatch)  # noqa: SLF001
    return transport


class _Backend(httpcore.NetworkBackend):
    def __init__(
        self, inner: httpcore.NetworkBackend, seconds: float, stopwatch: Callable[[], float]
    ) -> None:
        self._inner = inner
        self._bound = seconds, stopwatch

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, *self._bound)


class _Stream(httpcore.NetworkStream):
    def __init__(
        self, inner: httpcore.NetworkStream, seconds: float, stopwatch: Callable[[], float]
    ) -> None:
        self._inner = inner
        self._seconds = seconds
        self._stopwatch = stopwatch
        self._until = stopwatch() + seconds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._until - self._stopwatch()
        if left <= 0:
            raise httpcore.ReadTimeout(f"no end after {self._seconds:.0f} s")
        return self._inner.read(max_bytes, left if timeout is None else min(timeout, left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._until = self._stopwatch() + self._seconds
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, *given: Any, **named: Any) -> httpcore.NetworkStream:  # noqa: ANN401
        stream = self._inner.start_tls(*given, **named)
        return _Stream(stream, self._seconds, self._stopwatch)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - whatever httpcore has there
        return self._inner.get_extra_info(info)
