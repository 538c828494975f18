"""docs/dependencies.md has a row for each direct dependency, and none for what is gone."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    python = {re.split(r"[\[<>=!~ ;]", each)[0] for each in project["dependencies"]}
    return (
        python
        | json.loads((ROOT / "chandlery/embedded/package.json").read_text())["dependencies"].keys()
    )


def rows() -> list[list[str]]:
    text = (ROOT / "docs/dependencies.md").read_text("utf-8")
    table = re.search(r"^\| package .*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table
    lines = table.group(1).splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_direct_dependency_has_its_row_and_no_row_is_stale() -> None:
    named = [row[0].strip("`") for row in rows()]
    assert sorted(named) == sorted(declared())
    for row in rows():
        assert len(row) == 5
        assert all((row[1], row[3], row[4])), row[0]


def test_every_direct_dependency_is_locked_by_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    npm = json.loads((ROOT / "chandlery/embedded/package-lock.json").read_text("utf-8"))["packages"]
    for name in declared():
        if name.startswith("@"):
            assert npm[f"node_modules/{name}"]["integrity"].startswith("sha512-")
        else:
            pinned = rf"^{name}(\[\w+\])?==\S+( ; [^\\\n]+)? \\\n    --hash=sha256:"
            assert re.search(pinned, lock, re.MULTILINE)
