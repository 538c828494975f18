"""Prefect's Secret blocks: they may hold what neither the environment nor `.env` has.

A block is named after its variable: `coingecko-api-key` for COINGECKO_API_KEY, `database-url`.
What is in them goes into the settings and nowhere else.
"""

from typing import cast

from prefect.blocks.system import Secret

from chandlery.local.asked_again import PATIENT, passes
from chandlery.settings import DEFAULT, FOR_FLOWS, Settings, key_name, origins, settings
from chandlery.venues import load


def in_force() -> Settings:
    """The settings; from Secret blocks what is a secret and is not set nearer."""
    settings()  # a wrong .env is told before it is read on
    sold = [key_name(name) for name, source in load().items() if source.venue.key_header]
    unset = [name for name, place in origins([*FOR_FLOWS, *sold]).items() if place == DEFAULT]
    found = ((name, _value(name.lower().replace("_", "-"))) for name in unset)
    return settings({name: value for name, value in found if value})


def _value(block: str) -> str | None:
    try:
        secret = cast("Secret[str]", PATIENT.ask(passes, Secret.load, block))
    except ValueError:  # there is none of that name
        return None
    # Not get(): it takes a key of digits for a number.
    return str(secret.value.get_secret_value()).strip()
