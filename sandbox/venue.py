"""What a venue is to the sandbox: paths and what answers them, a budget, its way to say no.

A venue is a value, made in a module of its own; the app serves whichever it is given.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson

from sandbox.limits import Meter, Spent

JSON = "application/json;charset=UTF-8"
_OK = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer on its way out; `cut` sends only so many of its bytes and hangs up."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON
    delay: float = 0.0
    cut: int | None = None

    def also(self, headers: Mapping[str, str]) -> "Answer":
        """Return the same answer with more headers."""
        return replace(self, headers={**self.headers, **headers})


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: the parameters and headers as sent, and the time it is where the sandbox is."""

    path: str
    query: Mapping[str, str]
    now: int
    headers: Mapping[str, str] = field(default_factory=dict)


def json(value: Any, status: int = 200) -> Answer:  # noqa: ANN401 - whatever JSON can say
    """Return an answer in JSON."""
    return Answer(status, orjson.dumps(value))


Endpoint = Callable[[Ask], Answer]
Face = Callable[[Ask, int], Answer]


class Metered(NamedTuple):
    """A limit of a venue's, and what a request weighs there: None, if the limit is another's."""

    meter: Meter | None
    weigh: Callable[[Ask], int | None]


@dataclass(frozen=True)
class Venue:
    """One source: what follows `/<source>` in a URL, and everything it does.

    `faces` are its own words for a fault, by the fault's name; they get the request and the
    seconds to wait. What it is `immune` to never happens to it. `also` are further limits than
    `meter`, as of each endpoint by itself. A request is about the symbol in one of its parameters
    called `names`, or in a part of its path.
    """

    source: str
    endpoints: Mapping[str, Endpoint]
    not_found: Endpoint
    faces: Mapping[str, Face] = field(default_factory=dict)
    immune: frozenset[str] = frozenset()
    meter: Meter | None = None
    weigh: Callable[[Ask], int] = lambda _: 0
    used: Callable[[Spent], Mapping[str, str]] = lambda _: {}
    names: tuple[str, ...] = ("symbol",)
    also: tuple[Metered, ...] = ()

    def concerns(self, symbol: str, ask: Ask) -> bool:
        """Tell whether a request is about a symbol."""
        asked = any(ask.query.get(name) == symbol for name in self.names)
        return asked or symbol in ask.path.split("/")

    def answer(self, ask: Ask) -> Answer:
        """Weigh the request, and answer it unless too much was spent of any limit."""
        weighed = [(each.meter, each.weigh(ask)) for each in (self._first, *self.also)]
        told = [
            None if meter is None or weight is None else meter.spend(weight)
            for meter, weight in weighed
        ]
        over = next((each for each in told if each and each.status != _OK), None)
        if over is None:
            answer = self.endpoint(ask)(ask)
        else:
            answer = self.faces[str(over.status)](ask, over.wait)
        return answer.also(self.used(told[0])) if told[0] else answer

    @property
    def _first(self) -> Metered:
        """The limit that `used` tells of."""
        return Metered(self.meter, self.weigh)

    def endpoint(self, ask: Ask) -> Endpoint:
        """Find what answers a path; a `*` in an endpoint's path stands for one part."""
        if ask.path in self.endpoints:
            return self.endpoints[ask.path]
        parts = ask.path.split("/")
        for path, endpoint in self.endpoints.items():
            wanted = path.split("/")
            if len(wanted) == len(parts) and all(
                w in ("*", p) for w, p in zip(wanted, parts, strict=True)
            ):
                return endpoint
        return self.not_found
