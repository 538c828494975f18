"""What can go wrong on the way, switched on by option or by request.

A fault is written ``KIND`` or ``KIND:key=value,…``: ``451:source=binance_spot``,
``429:source=binance_futures,count=3``, ``cut:symbol=BTCUSDT,every=5``, ``slow:seconds=0.2``.

=============  =========================================================================
429, 418       the venue's own words for too many requests and for a ban (``seconds``)
429-as-200     CoinGecko's: the same words with HTTP 200
451, 403       a restricted region, a firewall (HTML)
500, 502, 503  server errors (HTML)
slow           the real answer after ``seconds``
cut            the first part of the real answer, then the connection is closed
truncated      the first half of the real answer as if it were whole
html, empty    a page instead of JSON, nothing at all; both with HTTP 200
=============  =========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from sandbox.venue import Answer, Ask, Venue
from sandbox.words import BadOption

Spoil = Callable[["Fault", Answer], Answer]


def _html(status: int, title: str) -> Answer:
    """Return a server's page about itself."""
    line = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}"
    page = f"{line}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    return Answer(status, page.encode(), media="text/html")


# Complete answers, for venues without words of their own.
ANSWERS: Final[Mapping[str, Answer]] = {
    "429": _html(429, "429 Too Many Requests"),
    "429-as-200": _html(200, "429 Too Many Requests"),
    "418": _html(418, "418 I'm a teapot"),
    "451": _html(451, "451 Unavailable For Legal Reasons"),
    "403": _html(403, "403 Forbidden"),
    "500": _html(500, "500 Internal Server Error"),
    "502": _html(502, "502 Bad Gateway"),
    "503": _html(503, "503 Service Temporarily Unavailable"),
    "html": _html(200, "Just a moment..."),
    "empty": Answer(200, b""),
}

# What is done to the real answer.
SPOILERS: Final[Mapping[str, Spoil]] = {
    "slow": lambda fault, real: replace(real, delay=fault.seconds),
    "cut": lambda _, real: replace(real, cut=len(real.body) * 2 // 3),
    "truncated": lambda _, real: replace(real, body=real.body[: len(real.body) // 2]),
}


@dataclass(slots=True)
class Fault:
    """A fault: its kind, whom it befalls, and how often.

    Out of the requests that match, it leaves the first ``after`` alone, then befalls every
    ``every``-th, ``count`` times in all (None: for ever).
    """

    kind: str
    source: str | None = None
    path: str | None = None
    symbol: str | None = None
    after: int = 0
    every: int = 1
    count: int | None = None
    seconds: float = 1.0
    seen: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        """Refuse what no request could ever meet."""
        kinds = [*ANSWERS, *SPOILERS]
        if self.kind not in kinds:
            raise BadOption(f"no such fault: {self.kind}; there are {', '.join(kinds)}")
        if self.every < 1:
            raise BadOption("a fault befalls every first request at most: every=1")

    def befalls(self, venue: Venue, ask: Ask) -> bool:
        """Tell whether it is this request's turn, and count it."""
        if not self._matches(venue, ask) or (self.count is not None and self.done >= self.count):
            return False
        self.seen += 1
        turn = self.seen > self.after and (self.seen - self.after) % self.every == 0
        self.done += turn
        return turn

    def _matches(self, venue: Venue, ask: Ask) -> bool:
        """Tell whether the request is one of those meant."""
        return (
            self.kind not in venue.immune
            and self.source in {None, venue.source}
            and (self.path is None or self.path in ask.path)
            and self.symbol in {None, ask.query.get("symbol")}
        )

    def befall(self, venue: Venue, ask: Ask) -> Answer:
        """Return what the request gets."""
        if self.kind in SPOILERS:
            return SPOILERS[self.kind](self, venue.answer(ask))
        face = venue.faces.get(self.kind)
        return ANSWERS[self.kind] if face is None else face(ask, round(self.seconds) or 1)

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


_KINDS: Final[Mapping[str, Callable[[str], Any]]] = {
    "source": str, "path": str, "symbol": str,
    "after": int, "every": int, "count": int, "seconds": float,
}  # fmt: skip


def fault(settings: Mapping[str, Any]) -> Fault:
    """Make a fault of settings from outside."""
    unknown = set(settings) - {f.name for f in fields(Fault)} | set(settings) & {"seen", "done"}
    if unknown or "kind" not in settings:
        raise BadOption(f"a fault has a kind and any of {', '.join(_KINDS)}")
    try:
        given = {k: _KINDS[k](v) for k, v in settings.items() if k != "kind" and v is not None}
    except (TypeError, ValueError) as error:
        raise BadOption(f"not a fault: {error}") from error
    return Fault(kind=str(settings["kind"]), **given)


def parse(spec: str) -> Fault:
    """Read ``KIND:key=value,…``."""
    kind, _, rest = spec.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    if not all(key and equals for key, equals, _ in pairs):
        raise BadOption(f"not a fault: {spec}; one is written KIND:key=value,key=value")
    return fault({"kind": kind, **{key: value for key, _, value in pairs}})
