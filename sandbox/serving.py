"""A sandbox for as long as a `with` lasts: a real server on a free port.

    with serving(coins=5, now=datetime(2026, 11, 22, 10, 30, tzinfo=UTC)) as sandbox:
        httpx.get(f"{sandbox.url}/binance_spot/api/v3/klines", params=...)
        sandbox.fault("429", source="binance_spot", count=3)
        assert sandbox.requests()["total"] == 1

With `odd=0.02` it is as odd as venues are (see `sandbox.odd`): `sandbox.odd()` says what
befell, `sandbox.truth()` what the venues really have.

It runs in a thread; with `process=True` in a process of its own, as a bench wants it.
"""

import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from sandbox.app import application
from sandbox.odd import Odd, read
from sandbox.words import BadOption

_ROOT = Path(__file__).resolve().parent.parent
_QUEUE = 512

# Headers of a client that asks rarely: uvicorn closes a connection that was idle for 5 s,
# maybe just as the next request goes out on it.
CLOSE = {"Connection": "close"}


def listen(host: str, port: int) -> socket.socket:
    """Take a port and start to listen, so that nobody who asks is turned away from now on."""
    # asyncio sends without delay only where a socket says that it is TCP.
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except (OSError, OverflowError) as error:
        taken.close()
        raise BadOption(f"cannot listen at {host}:{port}: {error}") from error
    taken.listen(_QUEUE)
    return taken


def server(app: Starlette) -> uvicorn.Server:
    """Return a quiet server that stops at once when told to."""
    for name in ("uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=0,
    )
    return uvicorn.Server(config)


@dataclass(frozen=True)
class Serving:
    """A running sandbox, and the switches on it."""

    url: str
    client: httpx.Client

    def __str__(self) -> str:
        """Return the URL."""
        return self.url

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Turn a switch."""
        answer = self.client.request(method, path, json=body)
        if answer.status_code != httpx.codes.OK:
            raise BadOption(answer.text)
        return answer.json()

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, /, **query: object
    ) -> httpx.Response:
        """Ask for a path, as `/binance_spot/api/v3/time`."""
        return self.client.get(path, params=query, headers=headers)  # type: ignore[arg-type]

    def fault(self, kind: str, **settings: str | float) -> None:
        """Switch a fault on."""
        self._ask("POST", "/_faults", {"kind": kind, **settings})

    def at(self, now: datetime) -> None:
        """Have it be that time, and stay so."""
        self._ask("POST", "/_now", int(now.timestamp() * 1000))

    def faults(self) -> list[dict[str, Any]]:
        """Return what is switched on, and how often it has befallen a request."""
        return list(self._ask("GET", "/_faults"))

    def clear(self, **which: str | float) -> None:
        """Switch off the faults that are as told: all, where nothing is told."""
        self._ask("DELETE", f"/_faults?{httpx.QueryParams(which)}")

    def odd(self) -> list[dict[str, Any]]:
        """Return what was odd by now, in order."""
        return list(self._ask("GET", "/_odd"))

    def truth(
        self,
        source: str | None = None,
        symbol: str | None = None,
        start: datetime | int | None = None,
        end: datetime | int | None = None,
    ) -> list[Any]:
        """Return all listings as they truly are, or the hours of a symbol opening in [start, end).

        Times are aware, or milliseconds.
        """
        told = {"source": source, "symbol": symbol, "start": _ms(start), "end": _ms(end)}
        query = httpx.QueryParams({k: v for k, v in told.items() if v is not None})
        return list(self._ask("GET", f"/_truth?{query}"))

    def requests(self) -> dict[str, Any]:
        """Return what was asked for: total, counts by path, requests."""
        return dict(self._ask("GET", "/_requests"))

    def forget(self) -> None:
        """Forget what was asked for."""
        self._ask("DELETE", "/_requests")


def _ms(time: datetime | int | None) -> int | None:
    """Return a time in milliseconds."""
    return int(time.timestamp()) * 1000 if isinstance(time, datetime) else time


@contextmanager
def serving(*, process: bool = False, **options: Any) -> Iterator[Serving]:  # noqa: ANN401
    """Run a sandbox on a free port; the options are those of `application`."""
    run = _in_a_process if process else _in_a_thread
    with (
        run(**options) as url,
        httpx.Client(base_url=url, headers=CLOSE, timeout=30, trust_env=False) as client,
    ):
        yield Serving(url, client)


@contextmanager
def _in_a_thread(**options: Any) -> Iterator[str]:  # noqa: ANN401
    """Run it beside the caller."""
    app = application(**options)
    socket_ = listen("127.0.0.1", 0)
    running = server(app)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [socket_]}, daemon=True)
    thread.start()
    try:
        yield "http://{}:{}".format(*socket_.getsockname())
    finally:
        running.should_exit = True
        thread.join()
        socket_.close()


def _spelled(options: Mapping[str, object]) -> Iterator[str]:
    """Spell the options as the command line has them."""
    for name, value in options.items():
        if name == "odd":
            yield from _spelled_odd(read(value))  # type: ignore[arg-type]
        elif name == "faults" and isinstance(value, Iterable):
            yield from (f"--fault={spec}" for spec in value)
        elif isinstance(value, datetime):
            yield f"--{name}={value.isoformat()}"
        elif isinstance(value, bool):
            yield f"--{name}={'on' if value else 'off'}"
        elif value is not None:
            yield f"--{name}={value}"


def _spelled_odd(odd: Odd) -> Iterator[str]:
    """Spell how odd it is to be as the command line has it."""
    yield f"--odd={odd.rate}"
    yield from (f"--odd-kind={kind}" for kind in odd.kinds or ())
    for name in ("seed", "start", "end"):
        if getattr(odd, name) is not None:
            yield f"--odd-{name}={getattr(odd, name)}"


@contextmanager
def _in_a_process(**options: Any) -> Iterator[str]:  # noqa: ANN401
    """Run it in a process of its own."""
    command = [sys.executable, "-m", "sandbox", "--port=0", *_spelled(options)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603
        try:
            line = running.stdout.readline() if running.stdout else ""
            if not line:
                raise BadOption("the sandbox did not start; its own message is above")
            yield json.loads(line)["url"]
        finally:
            running.terminate()
