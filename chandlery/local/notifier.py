"""Who is told: an address of Apprise's, by which Prefect sends too. Both take a second to load."""

import logging
from typing import Any
from warnings import catch_warnings

from chandlery.errors import ChandleryError, Misuse


def _addressed(url: str) -> Any:  # noqa: ANN401  Apprise has no types
    from apprise import Apprise  # noqa: PLC0415  takes a second; Prefect sends by it

    logging.getLogger("apprise").disabled = True  # it would say the address
    told = Apprise()
    with catch_warnings(action="ignore", category=DeprecationWarning):  # its own, as it loads
        known = told.add(url)
    if not known:
        raise Misuse(
            "CHANDLERY_NOTIFY_URL is no address that Apprise knows: see its list of services;"
            " for a web hook of your own write jsons://host/path"
        )
    return told


def refuse_unknown(url: str) -> None:
    """Misuse unless it is an address that can be told."""
    _addressed(url)


def send(url: str, title: str, body: str) -> None:
    """Tell it; Misuse where the address is none, ChandleryError where it does not take it."""
    if not _addressed(url).notify(title=title, body=body):
        raise ChandleryError(
            "the message was not taken: CHANDLERY_NOTIFY_URL cannot be reached, or refuses it"
        )
