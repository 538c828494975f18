"""Where Prefect's own settings say its server is. An import of Prefect, to ask it, takes a second.

The places and their order are those of prefect/settings/base.py and sources.py. Prefect itself is
asked where it may look elsewhere, and where it would have something to complain of.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chandlery.local.processes import inherited
from chandlery.settings import variables

URL = "PREFECT_API_URL"
WHOLE = "PREFECT_API"
"""All that is said of the API, as JSON."""
ELSEWHERE = (
    "PREFECT_PROFILES_PATH",
    "PREFECT_PLUGINS",
    "PREFECT_EXPERIMENTS",
    "PREFECT_TEST",
    "PREFECT_UNIT_TEST",
)
"""Begins what moves the profiles, has other code change settings, or has Prefect read fewer."""
TABLES_ELSEWHERE = {"profiles_path", "plugins", "experiments", "testing"}

Table = Mapping[str, Any]


class _OddError(Exception):
    """Prefect is to be asked."""


def prefect_url() -> str | None:
    """What `prefect config view` shows as PREFECT_API_URL; None if it is not set."""
    try:
        return _read()
    except (_OddError, OSError, ValueError):
        return _asked()


def _asked() -> str | None:
    from prefect.settings import get_current_settings  # noqa: PLC0415  takes a second

    return get_current_settings().api.url


def _read() -> str | None:
    environment, file = ({name.upper(): it for name, it in each.items()} for each in variables())
    tables = (_toml(Path("prefect.toml")), _table(_toml(Path("pyproject.toml")), "tool", "prefect"))
    profile = _profile(inherited())
    _refuse_odd((*environment, *file, *profile), (*tables[0], *tables[1]))
    said = (
        environment.get(URL),
        file.get(URL),
        *(_table(each, "api").get("url") for each in tables),
        profile.get(URL),
    )
    found = next((each for each in said if each is not None), None)
    if not isinstance(found, str | None):
        raise _OddError
    return found


def _refuse_odd(names: Iterable[str], tables: Iterable[str]) -> None:
    if any(name == WHOLE or name.startswith(ELSEWHERE) for name in names):
        raise _OddError
    if not TABLES_ELSEWHERE.isdisjoint(tables):
        raise _OddError


def _profile(environment: Mapping[str, str]) -> Table:
    """The settings of the profile in force; Prefect's default one says nothing of an API."""
    home = environment.get("PREFECT_HOME")
    path = (Path(home) if home else Path.home() / ".prefect") / "profiles.toml"
    named = environment.get("PREFECT_PROFILE")
    if not path.exists():
        if named:  # it may be one of those that Prefect brings along
            raise _OddError
        return {}
    told = _toml(path)
    active = named or told.get("active", "")
    if not isinstance(active, str):
        raise _OddError
    return _table(told, "profiles", active)


def _toml(path: Path) -> Table:
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def _table(told: Table, *keys: str) -> Table:
    """The table within tables; an empty one if it is not there."""
    for key in keys:
        told = told.get(key, {})
        if not isinstance(told, dict):
            raise _OddError
    return told
