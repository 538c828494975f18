"""A page of another origin is not answered, by whatever name it asks; programs and ours are."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from chandlery.local.own_pages import OwnPages, places

PROXIED = "https://prefect.lan"
OWN = places([PROXIED, "http://prefect:4200", None, ""])
DONE = {"type": "the application's"}


async def application(_: Scope, __: Receive, send: Send) -> None:
    await send(DONE)


def told(kind: str, method: str, headers: dict[str, str]) -> list[Message]:
    """What is sent back, as a server would."""
    sent: list[Message] = []
    given = {"host": "127.0.0.1:4200", **headers}
    scope = {
        "type": kind,
        "method": method,
        "path": "/",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    asyncio.run(OwnPages(application, OWN)(scope, receive, send))
    return sent


ANSWERED = {
    "a program": {},
    "a program by the other name": {"host": "localhost:4200"},
    "a program by address": {"host": "192.168.1.7:4200"},
    "a worker beside it": {"host": "prefect:4200"},
    "its own page": {"origin": "http://127.0.0.1:4200"},
    "its own page, by the other name": {"origin": "http://localhost:4200"},
    "its own page, by address": {
        "host": "192.168.1.7:4200",
        "origin": "http://192.168.1.7:4200",
    },
    "its own page, by IPv6": {"host": "[::1]:4200", "origin": "http://[::1]:4200"},
    "its own page, through a tunnel": {
        "host": "localhost:9000",
        "origin": "http://localhost:9000",
    },
    "its own page, through a proxy": {"host": "prefect.lan", "origin": PROXIED},
    "its own page, through one that says where it sends": {"origin": PROXIED},
}
REFUSED = {
    "another page": ({"origin": "http://other.example"}, 403),
    "another page of its port": ({"origin": "http://other.example:4200"}, 403),
    "another server's page here": ({"origin": "http://localhost:3000"}, 403),
    "a page of no origin": ({"origin": "null"}, 403),
    "a proxy's other port": ({"origin": "https://prefect.lan:8443"}, 403),
    "by another name": ({"host": "other.example:4200"}, 421),
    "by another name, from its page": (
        {"host": "other.example:4200", "origin": "http://other.example:4200"},
        421,
    ),
    "by a name that only begins as ours": ({"host": "localhost.other.example:4200"}, 421),
    "by no name that can be": ({"host": "127.0.0.1:none"}, 421),
}


KINDS = [("http", "GET"), ("http", "POST"), ("http", "OPTIONS"), ("websocket", "GET")]


@pytest.mark.parametrize(("kind", "method"), KINDS)
@pytest.mark.parametrize("headers", ANSWERED.values(), ids=ANSWERED)
def test_who_is_answered(kind: str, method: str, headers: dict[str, str]) -> None:
    assert told(kind, method, headers) == [DONE]


@pytest.mark.parametrize(("kind", "method"), KINDS)
@pytest.mark.parametrize(("headers", "status"), REFUSED.values(), ids=REFUSED)
def test_who_is_not(kind: str, method: str, headers: dict[str, str], status: int) -> None:
    first, *rest = told(kind, method, headers)
    if kind == "websocket":
        assert (first["type"], rest) == ("websocket.close", [])  # before it was accepted
    else:
        assert first["status"] == status
        assert not [name for name, _ in first["headers"] if name.startswith(b"access-control")]
        assert rest[0]["body"].startswith(b"asked by ")


def test_what_begins_and_ends_with_the_server_is_the_applications() -> None:
    assert told("lifespan", "", {"host": "other.example"}) == [DONE]
