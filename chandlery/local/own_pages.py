"""Who is answered on this machine: programs, and a server's own pages. No page of another origin.

A browser lets any page send requests to 127.0.0.1, and a name that is made to point there
("rebinding") lets it read the answers, too. It says in each what page and what name it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

MISDIRECTED, FORBIDDEN = 421, 403
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
PORTS = {"http": 80, "https": 443}

Place = tuple[str, int]
"""A name, in small letters, and a port."""


@dataclass(frozen=True)
class OwnPages:
    """An application that answers who asks it by address or by its own name, from its own pages."""

    app: ASGIApp
    places: frozenset[Place] = frozenset()  # where else it is reached, as through a proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say why not."""
        refused = self._refusal(scope)
        if refused is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(1008, str(refused.body, "utf-8"))(scope, receive, send)
        else:
            await refused(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        if scope["type"] == "lifespan":
            return None
        headers = Headers(scope=scope)
        asked = headers.get("host")
        if asked is None:  # no browser
            return None
        here, page = place(f"http://{asked}"), headers.get("origin")
        if here is None or not self._is_ours(here[0]):
            return PlainTextResponse("asked by a name that is not this server's\n", MISDIRECTED)
        if page is not None and not self._may_ask(place(page), here):
            return PlainTextResponse("asked by a page of another origin\n", FORBIDDEN)
        return None

    def _is_ours(self, name: str) -> bool:
        """Whether it is an address, which no one else can make point here, or our name."""
        return name in LOOPBACK or _is_address(name) or name in {own for own, _ in self.places}

    def _may_ask(self, page: Place | None, here: Place) -> bool:
        if page is None:
            return False
        both_here = page[0] in LOOPBACK and here[0] in LOOPBACK and page[1] == here[1]
        return page == here or both_here or page in self.places


def places(urls: Iterable[str | None]) -> frozenset[Place]:
    """The places of these addresses; of what is none, nothing."""
    found = (place(url) for url in urls if url)
    return frozenset(each for each in found if each is not None)


def place(url: str) -> Place | None:
    """An address's name and port; None if it has none, as the origin `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.hostname, port) if parts.hostname else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
