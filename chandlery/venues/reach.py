"""Whether anybody is there at all: a connection to each host, before a run that would wait."""

import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx

from chandlery.errors import Unavailable
from chandlery.model import one_line

SECONDS = 5.0
PORTS = {"http": 80, "https": 443}


def refuse_if_nobody_is_there(urls: Iterable[str], seconds: float = SECONDS) -> None:
    """Unavailable, with the hosts and what to check, if none of these can be connected to.

    Names are looked up and connections opened, at most `seconds` each and all at once. Nothing is
    sent.
    """
    places = list(dict.fromkeys(map(_place, urls)))
    with ThreadPoolExecutor(len(places) or 1) as pool:
        why = list(pool.map(lambda place: _why_not(place, seconds), places))
    if places and all(why):
        told = ", ".join(f"{host} ({words})" for (host, _), words in zip(places, why, strict=True))
        raise Unavailable(f"no host can be reached: {told}. Check the network, DNS and HTTPS_PROXY")


def _place(url: str) -> tuple[str, int]:
    parts = httpx.URL(url)
    return parts.host, parts.port or PORTS[parts.scheme]


def _why_not(place: tuple[str, int], seconds: float) -> str | None:
    """Why no connection to this host and port comes about; None if one does."""
    try:
        socket.create_connection(place, seconds).close()
    except OSError as error:
        return one_line(error.strerror or str(error))
    return None
