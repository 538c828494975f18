"""The odd ways not to answer: codes nobody has documented, and the older faults at random."""

from collections.abc import Mapping, Sequence
from functools import partial

from sandbox.facts import facts
from sandbox.faults import Fault
from sandbox.odd_met import Met, Play, Played, house
from sandbox.venue import Answer

_WAIT = 0.05  # seconds
_GATEWAY: Sequence[tuple[str, Answer]] = (
    ("HTTP 400, empty", Answer(400, b"")),
    ("HTTP 405, empty", Answer(405, b"")),
    (
        "HTTP 521",
        Answer(521, b"<html><h1>521: Web server is down</h1></html>", media="text/html"),
    ),
)


def _code(met: Met) -> Played | None:
    """Answer with an error that is no word on the symbol."""
    told = facts().get(house(met.venue))
    own = tuple(told.errors) if told else ()
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
