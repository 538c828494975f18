"""The odd ways not to answer: codes nobody has documented, and the older faults at random."""

from collections.abc import Mapping, Sequence
from functools import partial

from sandbox.faults import Fault
from sandbox.known import BYBIT, FUTURES, OKX, SPOT
from sandbox.odd_met import Met, Play, Played, house
from sandbox.venue import Answer, json

_WAIT = 0.05  # seconds
_GATEWAY: Sequence[tuple[str, Answer]] = (
    ("HTTP 400, empty", Answer(400, b"")),
    ("HTTP 405, empty", Answer(405, b"")),
    (
        "HTTP 521",
        Answer(521, b"<html><h1>521: Web server is down</h1></html>", media="text/html"),
    ),
)


def _bybit(code: int, message: str) -> tuple[str, Answer]:
    """Return an error as Bybit wraps it."""
    head = {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": 0}
    return f"{code} {message}", json(head)


_BINANCE = (
    ("-9999 unknown", json({"code": -9999, "msg": "An error nobody has documented."}, 400)),
)
_OWN: Mapping[str, Sequence[tuple[str, Answer]]] = {
    FUTURES: _BINANCE,
    SPOT: _BINANCE,
    OKX: (("58999", json({"code": "58999", "msg": "Nobody knows this.", "data": []})),),
    BYBIT: (
        _bybit(170007, "Timeout waiting for response from backend server."),
        _bybit(10001, "Request parameter error."),
    ),
}


def _code(met: Met) -> Played | None:
    """Answer with an error that is no word on the symbol."""
    own = _OWN.get(house(met.venue), ())
    detail, answer = met.choose((*own, *own, *_GATEWAY))
    return Played(answer, detail)


def _fault(kind: str, met: Met) -> Played | None:
    """Play one of the older faults; the request was weighed already."""
    if kind in met.venue.immune:
        return None
    played = Fault(kind, seconds=_WAIT).befall(met.venue, met.ask, lambda: met.real)
    return Played(played)


_FAULTS = ("429", "500", "502", "503", "html", "empty", "cut", "truncated", "slow")
PLAYS: Mapping[str, Play] = {
    "error code": _code,
    **{kind: partial(_fault, kind) for kind in _FAULTS},
}
