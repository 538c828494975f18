"""What a venue is to the sandbox: paths and what answers them, a budget, its way to say no.

A venue is a value, made in a module of its own; the app serves whichever it is given.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from sandbox.limits import Meter, Spent

JSON = "application/json;charset=UTF-8"


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


@dataclass(frozen=True)
class Venue:
    """One source: what follows `/<source>` in a URL, and everything it does.

    `faces` are its own words for a fault, by the fault's name; they get the request and the
    seconds to wait. What it is `immune` to never happens to it. A request is about the symbol
    in one of its parameters called `names`, or in a part of its path.
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

    def concerns(self, symbol: str, ask: Ask) -> bool:
        """Tell whether a request is about a symbol."""
        asked = any(ask.query.get(name) == symbol for name in self.names)
        return asked or symbol in ask.path.split("/")

    def answer(self, ask: Ask) -> Answer:
        """Weigh the request, and answer it unless too much was spent."""
        if self.meter is None:
            return self.endpoint(ask)(ask)
        spent = self.meter.spend(self.weigh(ask))
        if spent.status == 200:  # noqa: PLR2004 - the one status everybody knows
            return self.endpoint(ask)(ask).also(self.used(spent))
        return self.faces[str(spent.status)](ask, spent.wait).also(self.used(spent))

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
