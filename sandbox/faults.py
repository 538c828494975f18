"""What can go wrong on the way, switched on by option or by request.

A fault is written `KIND` or `KIND:key=value,…`: `451:source=binance_spot`,
`429:source=binance_futures,count=3`, `cut:symbol=BTCUSDT,every=5`, `slow:seconds=0.2`.

What befalls requests:

=============  =========================================================================
401            no key, or a bad one
429, 418       the venue's own words for too many requests and for a ban (`seconds`)
429-as-200     CoinGecko's and OKX's: the same words with HTTP 200
451, 403, geo  a restricted region, a firewall (HTML); `geo` is whichever the venue uses
500, 502, 503  server errors (HTML)
slow           the real answer after `seconds`
held           the real answer once this is switched off
cut            the first part of the real answer, then the connection is closed
truncated      the first half of the real answer as if it were whole
html, empty    a page instead of JSON, nothing at all; both with HTTP 200
checksum       a file's checksum is another file's
lost           the answer has no candles at all, though there are some; with `start` and
               `end` only an answer that should have had some of those hours
=============  =========================================================================

What befalls candles, at every host that serves them; `source` is whose they are (the mirror's and
the archive's are binance_spot's or binance_futures'), `symbol` as the venue spells it (at
CoinGecko the coin's id, at CryptoCompare its ticker):

========  ===========================  =================================================
outage    start, end (source)          hours are absent for a whole source
halt      symbol, start, end           hours are absent for one symbol
listed    symbol, start                the symbol begins in that hour
delisted  symbol, end (zombie=1)       it ends in that hour; a zombie goes on, flat, untraded
wrong     symbol, start (end, by)      prices and volumes are `by` times too large
apart     (source, symbol, by)         prices are `by` times those of others
========  ===========================  =================================================

Times are ISO 8601 (UTC) or milliseconds; a window is half-open, an hour long where `wrong` has no
end. A symbol may begin and end at any minute: the hour in which it does has a candle.
`outage:source=okx,start=2026-11-01T00:00Z,end=2026-11-01T05:00Z`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.venue import Answer, Ask, Venue
from sandbox.words import HOUR, BadOption

Spoil = Callable[["Fault", Answer], Answer]


def _html(status: int, title: str) -> Answer:
    """Return a server's page about itself."""
    line = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}"
    page = f"{line}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    return Answer(status, page.encode(), media="text/html")


# Complete answers, for venues without words of their own.
ANSWERS: Mapping[str, Answer] = {
    "401": _html(401, "401 Authorization Required"),
    "429": _html(429, "429 Too Many Requests"),
    "429-as-200": _html(200, "429 Too Many Requests"),
    "418": _html(418, "418 I'm a teapot"),
    "451": _html(451, "451 Unavailable For Legal Reasons"),
    "geo": _html(451, "451 Unavailable For Legal Reasons"),
    "403": _html(403, "403 Forbidden"),
    "500": _html(500, "500 Internal Server Error"),
    "502": _html(502, "502 Bad Gateway"),
    "503": _html(503, "503 Service Temporarily Unavailable"),
    "html": _html(200, "Just a moment..."),
    "empty": Answer(200, b""),
}

# What is done to the real answer.
SPOILERS: Mapping[str, Spoil] = {
    "slow": lambda fault, real: replace(real, delay=fault.seconds),
    "held": lambda _, real: real,
    "cut": lambda _, real: replace(real, cut=len(real.body) * 2 // 3),
    "truncated": lambda _, real: replace(real, body=real.body[: len(real.body) // 2]),
    "checksum": lambda _, real: replace(real, body=b"0" * 64 + real.body[64:]),
}

# What befalls candles, and what must be said of it.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "outage": ("start", "end"),
    "halt": ("symbol", "start", "end"),
    "listed": ("symbol", "start"),
    "delisted": ("symbol", "end"),
    "wrong": ("symbol", "start"),
    "apart": (),
}
LOST = "lost"
LATEST = 10**15


@dataclass(slots=True)
class Fault:
    """A fault: its kind, whom it befalls, and how often.

    Out of the requests that match, it leaves the first `after` alone, then befalls every
    `every`-th, `count` times in all (None: for ever).
    """

    kind: str
    source: str | None = None
    path: str | None = None
    symbol: str | None = None
    after: int = 0
    every: int = 1
    count: int | None = None
    seconds: float = 1.0
    start: int | None = None
    end: int | None = None
    by: float = 1.01
    zombie: bool = False
    seen: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        """Refuse what no request could ever meet."""
        kinds = [*ANSWERS, *SPOILERS, LOST, *NEEDS]
        if self.kind not in kinds:
            raise BadOption(f"no such fault: {self.kind}; there are {', '.join(kinds)}")
        if self.every < 1:
            raise BadOption("a fault befalls every first request at most: every=1")
        missing = [name for name in NEEDS.get(self.kind, ()) if getattr(self, name) is None]
        if missing:
            raise BadOption(f"{self.kind} needs {', '.join(missing)}")

    @property
    def begins(self) -> int:
        """The start of the window, in milliseconds."""
        return 0 if self.start is None else self.start

    @property
    def ends(self) -> int:
        """The end of the window, which no longer belongs to it."""
        if self.end is None:
            return self.begins + HOUR if self.kind == "wrong" else LATEST
        return self.end

    @property
    def change(self) -> tuple[object, ...]:
        """What it does to candles, so that two that do the same are the same."""
        return self.kind, self.begins, self.ends, self.by, self.zombie

    def hits(self, source: str, symbol: str) -> bool:
        """Tell whether it is meant for a symbol's candles."""
        return self.source in {None, source} and self.symbol in {None, symbol}

    def turn(self) -> bool:
        """Tell whether it is the turn of a request that is meant, and count it."""
        if self.count is not None and self.done >= self.count:
            return False
        self.seen += 1
        turn = self.seen > self.after and (self.seen - self.after) % self.every == 0
        self.done += turn
        return turn

    def meant(self, venue: Venue, ask: Ask) -> bool:
        """Tell whether the request is one of those meant."""
        return (
            self.kind not in {*NEEDS, *venue.immune}
            and self.source in {None, venue.source}
            and (self.path is None or self.path in ask.path)
            and (self.symbol is None or venue.concerns(self.symbol, ask))
        )

    def befall(self, venue: Venue, ask: Ask, real: Callable[[], Answer]) -> Answer:
        """Return what the request gets, of the answer that it would have got."""
        if self.kind in SPOILERS:
            return SPOILERS[self.kind](self, real())
        face = venue.faces.get(self.kind)
        return ANSWERS[self.kind] if face is None else face(ask, round(self.seconds) or 1)

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def moment(told: object) -> int:
    """Read ISO 8601 (UTC where it does not say) or milliseconds."""
    if isinstance(told, int) or str(told).isdecimal():
        return int(str(told))
    when = datetime.fromisoformat(str(told))
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def _yes(told: object) -> bool:
    """Read a yes or no."""
    return str(told).lower() in {"1", "true", "yes", "on"}


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "source": str, "path": str, "symbol": str,
    "after": int, "every": int, "count": int, "seconds": float,
    "start": moment, "end": moment, "by": float, "zombie": _yes,
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
    """Read `KIND:key=value,…`."""
    kind, _, rest = spec.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    if not all(key and equals for key, equals, _ in pairs):
        raise BadOption(f"not a fault: {spec}; one is written KIND:key=value,key=value")
    return fault({"kind": kind, **{key: value for key, _, value in pairs}})
