"""The server: whatever venues there are, under one address, with faults and a log of requests.

`/<source>/<the venue's own path>` is answered by the venue. Beside them stand `/` (what this
is), `/_faults` (GET, POST one or a list, DELETE all), `/_requests` (GET, DELETE) and `/_now`
(POST: milliseconds at which the sandbox's clock stands from then on). `/_odd` tells what was odd
(GET), or takes what is to befall requests from then on (POST: settings as `odd` has them; what
was planned stays planned). `/_truth` tells what the venues really have: all listings, or with
`source`, `symbol`, `start` and `end` (milliseconds) the hours of a symbol.
"""

import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox import truth
from sandbox.facts import modules
from sandbox.faults import LOST, Fault, fault, parse
from sandbox.lifecycle import Lived
from sandbox.log import Log
from sandbox.made_up_market import MadeUpMarket
from sandbox.market import RecordedMarket
from sandbox.odd import Dice, Odd, dice
from sandbox.odd_lives import OddMarket, plan
from sandbox.odd_play import Oddities
from sandbox.venue import Answer, Ask, Endpoint, Venue, json
from sandbox.words import BadOption, Market

_LOOK = 0.01  # seconds between looks whether what is held may go


class Sent(Response):
    """An answer as bytes; one that is cut promises its whole length and hangs up before."""

    def __init__(self, answer: Answer, date: str) -> None:
        super().__init__(answer.body, answer.status, {"date": date, **answer.headers}, answer.media)
        self._cut = answer.cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or a part of it."""
        if self._cut is None:
            await super().__call__(scope, receive, send)
            return
        head = {"type": "http.response.start", "status": self.status_code}
        await send({**head, "headers": self.raw_headers})
        part = bytes(self.body)[: self._cut]
        await send({"type": "http.response.body", "body": part, "more_body": True})


@dataclass
class Clock:
    """The time where the sandbox is, in milliseconds: the real one, or one that stands still."""

    still: int | None = None

    def __call__(self) -> int:
        """Tell it."""
        return time.time_ns() // 1_000_000 if self.still is None else self.still


@dataclass
class Sandbox:
    """The venues and what has been switched on."""

    venues: dict[str, Venue]
    market: Lived
    now: Clock
    sleep: Callable[[float], Awaitable[None]]
    faults: list[Fault]
    odd: Oddities
    log: Log = field(default_factory=Log)

    async def venue(self, request: Request) -> Response:
        """Answer for a venue."""
        venue = self.venues.get(request.path_params["source"])
        if venue is None:
            return self._sent(json({"error": f"no such source; {self._about()}"}, 404))
        path = "/" + request.path_params["path"]
        ask = Ask(path, dict(request.query_params), self.now(), request.headers)
        befell, answer = self._answer(venue, ask)
        self.log.note(venue.source, ask, answer.status, befell.kind if befell else None)
        if answer.delay:
            await self.sleep(answer.delay)
        while befell and befell.kind == "held" and any(befell is each for each in self.faults):
            await self.sleep(_LOOK)
        return self._sent(answer)

    def _answer(self, venue: Venue, ask: Ask) -> tuple[Fault | None, Answer]:
        """Return what befell and the answer; a mistake of the sandbox's own is a 500 saying so."""
        try:
            befell = next((f for f in self.faults if self._befalls(f, venue, ask)), None)
            return befell, self._befallen(befell, venue, ask)
        except Exception:  # noqa: BLE001 - a server must answer
            traceback.print_exc(file=sys.stderr)
            return None, json({"error": "the sandbox made a mistake; its stderr tells which"}, 500)

    def _befalls(self, fault: Fault, venue: Venue, ask: Ask) -> bool:
        """Tell whether it is this request's turn: only rows that should be there are lost."""
        if not fault.meant(venue, ask):
            return False
        return (fault.kind != LOST or self.market.reached(fault, venue, ask)) and fault.turn()

    def _befallen(self, fault: Fault | None, venue: Venue, ask: Ask) -> Answer:
        """Return what the request gets."""
        if fault is None:
            return self.odd.answer(venue, ask)
        if fault.kind != LOST:
            return fault.befall(venue, ask, lambda: self.odd.answer(venue, ask))
        with self.market.without(Fault(LOST)):
            return self.odd.answer(venue, ask)

    def _sent(self, answer: Answer) -> Response:
        """Put the sandbox's own date on an answer."""
        date = datetime.fromtimestamp(self.now() // 1000, UTC)
        return Sent(answer, format_datetime(date, usegmt=True))

    def _about(self) -> str:
        """Say what this is."""
        return f"a sandbox of {', '.join(self.venues)}; candles {self.market.about}"

    async def root(self, _: Request) -> Response:
        """Say what this is."""
        return self._sent(json({"sandbox": self._about(), "now": self.now()}))

    async def switch(self, request: Request) -> Response:
        """Show, add or clear faults."""
        if request.method == "DELETE":
            self._clear(dict(request.query_params))
        if request.method == "POST":
            try:
                told = orjson.loads(await request.body())
                self.faults += [fault(one) for one in (told if isinstance(told, list) else [told])]
            except (BadOption, ValueError, TypeError) as error:
                return self._sent(json({"error": str(error)}, 400))
        return self._sent(json([f.told() for f in self.faults]))

    def _clear(self, which: Mapping[str, str]) -> None:
        """Switch off those that are told alike in all that is given: all, where nothing is."""
        self.faults[:] = [
            f for f in self.faults if any(str(f.told().get(k)) != v for k, v in which.items())
        ]

    async def requests(self, request: Request) -> Response:
        """Show or forget what was asked for."""
        if request.method == "DELETE":
            self.log.forget()
        return self._sent(json(self.log.told()))

    async def odds(self, request: Request) -> Response:
        """Tell what was odd, or take what is to befall requests from now on."""
        if request.method == "POST":
            try:
                told = orjson.loads(await request.body())
                self.odd.dice = dice(told, self.odd.dice.seed, self.now())
            except (BadOption, ValueError) as error:
                return self._sent(json({"error": str(error)}, 400))
        return self._sent(json(self.odd.told(self.now())))

    async def truth(self, request: Request) -> Response:
        """Tell what the venues really have."""
        market = truth.true(self.odd.market, self.faults)
        query, spans, now = dict(request.query_params), self.odd.spans, self.now()
        try:
            told = truth.rows(market, spans, query, now) if query else None
        except BadOption as error:
            return self._sent(json({"error": str(error)}, 400))
        return self._sent(json(truth.listings(market, spans, now) if told is None else told))

    async def move(self, request: Request) -> Response:
        """Set the clock."""
        self.now.still = int(await request.body())
        return self._sent(json({"now": self.now()}))


def _kinds() -> list[Any]:
    """Return every module of this folder that serves venues, as it has LIMITS and venues()."""
    found = modules()
    return [each for each in found if hasattr(each, "LIMITS") and hasattr(each, "venues")]


def _venues(
    market: Market,
    limits: bool | int,  # noqa: FBT001
    clock: Callable[[], float],
) -> dict[str, Venue]:
    """Return every venue by its source, with its own budget, another one, or none."""
    budget = None if limits is True else limits
    return {
        venue.source: venue
        for module in _kinds()
        for venue in module.venues(
            market,
            {
                host: None if limits is False else limit.meter(budget, clock)
                for host, limit in module.LIMITS.items()
            },
        )
    }


def _remembering(venue: Venue) -> Venue:
    """Return a venue that does no work twice."""
    given: dict[tuple[str, frozenset[tuple[str, str]]], Answer] = {}

    def again(endpoint: Endpoint) -> Endpoint:
        def answer(ask: Ask) -> Answer:
            key = ask.path, frozenset(ask.query.items())
            if key not in given:
                given[key] = endpoint(ask)
            return given[key]

        return answer

    return replace(venue, endpoints={path: again(each) for path, each in venue.endpoints.items()})


def _oddities(market: Market, rules: Dice) -> Oddities:
    """Plan what is to be odd in a market."""
    spans = plan(market, rules) if rules.rates else []
    return Oddities(rules, spans, OddMarket(market, spans))


def application(  # noqa: PLR0913 - an option each
    *,
    market: Path | str | None = None,
    now: datetime | None = None,
    coins: int = 100,
    seed: int = 1,
    limits: bool | int = True,
    faults: Iterable[str] = (),
    remember: bool = False,
    odd: Odd | float | Mapping[str, Any] | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Starlette:
    """Make the sandbox, to be run by any ASGI server.

    `limits` is whether weights are counted, or the budget a minute of every host; `clock`
    is what the minute is told by, `sleep` what slow answers wait with. With `remember` what
    was answered once is answered again as it was: for benches, where a venue's work is not to
    count, and `now` stands still. `odd` is how odd venues are: a rate, or settings by name.
    """
    tell = Clock(None if now is None else int(now.timestamp() * 1000))
    rules = dice(odd, seed, tell())
    replayed = RecordedMarket(Path(market)) if market is not None else None
    oddities = _oddities(replayed or MadeUpMarket(coins, seed, tell(), rules), rules)
    switched = [parse(spec) for spec in faults]
    served = Lived(oddities.market, switched)
    venues = _venues(served, limits, clock)
    if remember:
        venues = {name: _remembering(venue) for name, venue in venues.items()}
    box = Sandbox(venues, served, tell, sleep, switched, oddities)
    routes = [
        Route("/", box.root),
        Route("/_faults", box.switch, methods=["GET", "POST", "DELETE"]),
        Route("/_requests", box.requests, methods=["GET", "DELETE"]),
        Route("/_odd", box.odds, methods=["GET", "POST"]),
        Route("/_truth", box.truth),
        Route("/_now", box.move, methods=["POST"]),
        Route("/{source}/{path:path}", box.venue),
    ]
    app = Starlette(routes=routes)
    app.state.sandbox = box
    return app
