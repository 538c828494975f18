"""Prefect's address is read as Prefect reads it, and without it in the usual places."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOTH = """
import json, sys

from chandlery.local.prefect_url import prefect_url


def theirs():
    from prefect.settings import get_current_settings

    return get_current_settings().api.url


def answer(ask):
    try:
        return ask()
    except Exception as error:
        return f"{type(error).__name__} was raised"


first = answer(prefect_url)
asked = "prefect" in sys.modules
print(json.dumps([first, answer(theirs), asked]))
"""
HOME = "home/.prefect/profiles.toml"
ENV, TOML, PROJECT = ".env", "prefect.toml", "pyproject.toml"
SAID = {
    ENV: "PREFECT_API_URL=http://dotenv/api\n",
    TOML: '[api]\nurl = "http://toml/api"\n',
    PROJECT: '[tool.prefect.api]\nurl = "http://pyproject/api"\n',
    HOME: 'active = "mine"\n[profiles.mine]\nPREFECT_API_URL = "http://profile/api"\n'
    '[profiles.other]\nPREFECT_API_URL = "http://other/api"\n[profiles.bare]\n',
}
SET = {"PREFECT_API_URL": "http://environment/api"}
MOVED = {"PREFECT_HOME": "moved", "PREFECT_PROFILE": "other"}


class Case(NamedTuple):
    """What is set, and what Prefect makes of it."""

    files: Mapping[str, str]
    environment: Mapping[str, str]
    url: str | None


def said(*names: str) -> dict[str, str]:
    return {name: SAID[name] for name in names}


USUAL = {
    "nothing": Case({}, {}, None),
    "environment first": Case(SAID, SET, "http://environment/api"),
    "environment, small letters": Case(
        SAID, {"prefect_api_url": "http://small/api"}, "http://small/api"
    ),
    "environment, set to nothing": Case(SAID, {"PREFECT_API_URL": ""}, ""),
    ".env second": Case(SAID, {}, "http://dotenv/api"),
    ".env, a name without a value": Case({**SAID, ENV: "PREFECT_API_URL\n"}, {}, "http://toml/api"),
    ".env, from another variable": Case(
        {ENV: "PREFECT_API_URL=http://${WHERE}/api\n"}, {"WHERE": "there"}, "http://there/api"
    ),
    "prefect.toml third": Case(said(TOML, PROJECT, HOME), {}, "http://toml/api"),
    "prefect.toml says other things": Case(
        {**said(PROJECT, HOME), TOML: "[worker]\nquery_seconds = 5\n"}, {}, "http://pyproject/api"
    ),
    "this repository's": Case(
        {TOML: (ROOT / TOML).read_text("utf-8"), PROJECT: (ROOT / PROJECT).read_text("utf-8")},
        {},
        "http://127.0.0.1:4200/api",
    ),
    "the profile last": Case(said(HOME), {}, "http://profile/api"),
    "another profile": Case(said(HOME), {"PREFECT_PROFILE": "other"}, "http://other/api"),
    "a profile that says nothing": Case(said(HOME), {"PREFECT_PROFILE": "bare"}, None),
    "a profile that is not there": Case(said(HOME), {"PREFECT_PROFILE": "gone"}, None),
    "no profile is active": Case({HOME: SAID[HOME].partition("\n")[2]}, {}, None),
    "a home elsewhere": Case({"moved/profiles.toml": SAID[HOME]}, MOVED, "http://other/api"),
    "a profile named in .env only": Case(
        {**said(HOME), ENV: "PREFECT_PROFILE=other\nPREFECT_HOME=moved\n"}, {}, "http://profile/api"
    ),
}
ODD = {
    "a profile of Prefect's own": Case(
        {}, {"PREFECT_PROFILE": "local"}, "http://127.0.0.1:4200/api"
    ),
    "profiles elsewhere": Case(
        {"mine.toml": SAID[HOME]}, {"PREFECT_PROFILES_PATH": "mine.toml"}, "http://profile/api"
    ),
    "profiles elsewhere, by prefect.toml": Case(
        {"mine.toml": SAID[HOME], TOML: 'profiles_path = "mine.toml"\n'}, {}, "http://profile/api"
    ),
    "all of the API at once": Case(
        SAID, {**SET, "PREFECT_API": '{"url": "http://json/api"}'}, "http://json/api"
    ),
    "a test's settings": Case(said(HOME), {"PREFECT_TEST_MODE": "1"}, None),
    "a file that cannot be read": Case({TOML: "[api\n"}, {}, "SettingsError was raised"),
    "an address that is none": Case({TOML: "[api]\nurl = 5\n"}, {}, "ValidationError was raised"),
}


def both(folder: Path, case: Case) -> list[object]:
    """Our answer, Prefect's, and whether Prefect was asked for ours."""
    for name, text in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    kept = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
    environment = {
        **kept,
        "HOME": str(folder / "home"),
        "PYTHONPATH": str(ROOT),
        "DO_NOT_TRACK": "1",
        **case.environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", BOTH],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    found: list[object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("case", USUAL.values(), ids=USUAL)
def test_it_is_read_as_prefect_reads_it_and_without_it(tmp_path: Path, case: Case) -> None:
    assert both(tmp_path, case) == [case.url, case.url, False]


@pytest.mark.parametrize("case", ODD.values(), ids=ODD)
def test_prefect_is_asked_where_it_may_look_elsewhere(tmp_path: Path, case: Case) -> None:
    assert both(tmp_path, case) == [case.url, case.url, True]
