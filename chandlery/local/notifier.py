"""Who is told: an address of Apprise's, by which Prefect sends too. Both take a second to load."""

import logging
from typing import Any
from urllib.parse import parse_qs
from warnings import catch_warnings

from chandlery.errors import ChandleryError, Misuse


def _addressed(url: str) -> Any:  # noqa: ANN401  Apprise has no types
    from apprise import Apprise  # noqa: PLC0415  takes a second; Prefect sends by it

    logging.getLogger("apprise").disabled = True  # it would say the address
    told = Apprise()
    with catch_warnings(action="ignore", category=DeprecationWarning):  # its own, as it loads
        known = told.add(as_text(url))
    if not known:
        raise Misuse(
            "CHANDLERY_NOTIFY_URL is no address that Apprise knows: see its list of services;"
            " for a web hook of your own write jsons://host/path"
        )
    return told


def as_text(url: str) -> str:
    """The address of one who is sent text, where it does not say that it wants another form.

    What is told has venues' words and coins' names in it. Apprise would mail them as HTML.
    """
    _, mark, query = url.partition("?")  # not urlsplit: a channel's # is part of the place
    if "format" in parse_qs(query):
        return url
    return f"{url}{'&' if mark else '?'}format=text"


def refuse_unknown(url: str) -> None:
    """Misuse unless it is an address that can be told."""
    _addressed(url)


def send(url: str, title: str, body: str) -> None:
    """Tell it; Misuse where the address is none, ChandleryError where it does not take it."""
    if not _addressed(url).notify(title=title, body=body, body_format="text"):
        raise ChandleryError(
            "the message was not taken: CHANDLERY_NOTIFY_URL cannot be reached, or refuses it"
        )
