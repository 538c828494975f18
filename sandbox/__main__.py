"""`python -m sandbox`: the venues on loopback.

Prints one line of JSON when it listens: its URL and where its candles come from.
"""

import argparse
import contextlib
import json
import signal
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sandbox.app import application
from sandbox.odd import Odd
from sandbox.serving import listen, server
from sandbox.words import BadOption


def _moment(text: str) -> datetime:
    """Read ISO 8601; without a zone it is UTC."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _limits(text: str) -> bool | int:
    """Read `on`, `off` or a budget."""
    return {"on": True, "off": False}[text] if text in {"on", "off"} else int(text)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="The venues on loopback, in their own wire format."
    )
    add = parser.add_argument
    add("--market", type=Path, metavar="FOLDER", help="replay recorded candles; else made up")
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8700, help="0 picks a free one (default: 8700)")
    add("--now", type=_moment, metavar="ISO8601", help="stand still at this time (default: clock)")
    add("--coins", type=int, default=100, help="how many to make up (default: 100)")
    add("--seed", type=int, default=1, help="what to make them up from (default: 1)")
    add(
        "--limits",
        type=_limits,
        default=True,
        metavar="on|off|WEIGHT",
        help="count them, or the budget",
    )
    add("--remember", choices=("on", "off"), default="off", help="do no work twice")
    add("--odd", type=float, metavar="RATE", help="how odd venues are; see sandbox/odd.py")
    add("--odd-kind", action="append", metavar="KIND[=RATE]", help="only these (default: all)")
    add("--odd-seed", type=int, metavar="N", help="default: the seed")
    add("--odd-start", metavar="ISO8601", help="when it begins (default: at once)")
    add("--odd-end", metavar="ISO8601", help="when it ends (default: never)")
    add("--fault", action="append", default=[], metavar="SPEC", help="see sandbox/faults.py")
    return parser.parse_args(arguments)


def _odd(options: argparse.Namespace) -> Odd:
    """Return how odd it is to be."""
    told = options.odd or 0.0, options.odd_seed, options.odd_kind
    return Odd(*told, options.odd_start, options.odd_end)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    options = _options(arguments)
    try:
        app = application(
            market=options.market,
            now=options.now,
            coins=options.coins,
            seed=options.seed,
            limits=options.limits,
            faults=options.fault,
            remember=options.remember == "on",
            odd=_odd(options),
        )
        socket_ = listen(options.host, options.port)
    except BadOption as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    _tell(socket_, app.state.sandbox.market.about)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt):
        server(app).run(sockets=[socket_])
    return 0


def _tell(socket_: socket.socket, about: str) -> None:
    """Say where it listens and what it serves."""
    host, port = socket_.getsockname()[:2]
    line = {"url": f"http://{host}:{port}", "candles": about}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
