"""docs/dependencies.md has a row for each direct dependency, and none for what is gone."""

import json
import re
import tomllib
from pathlib import Path

import pytest

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


LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")
PACKAGE = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[A-Za-z0-9.+!]+( ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_hashes_and_nothing_of_where_packages_come_from(name: str) -> None:
    """Each line is a package with its version, a hash of it, or a comment."""
    before = ""
    for line in (ROOT / name).read_text("utf-8").splitlines():
        assert "://" not in line
        if line.lstrip().startswith("#"):
            continue
        expected = HASH if before.endswith("\\") else PACKAGE
        assert expected.fullmatch(line), line
        before = line
    assert HASH.fullmatch(before)


def test_the_lock_of_npm_has_hashes_and_no_address() -> None:
    text = (ROOT / "chandlery/embedded/package-lock.json").read_text("utf-8")
    assert "://" not in text
    packages = json.loads(text)["packages"]
    for name, package in packages.items():
        if name:
            assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package["integrity"]), name
            assert "hasInstallScript" not in package, name
    assert len(packages) > 1
    settings = (ROOT / "chandlery/embedded/.npmrc").read_text("utf-8").splitlines()
    assert "omit-lockfile-registry-resolved=true" in settings


def test_what_installs_takes_what_is_locked_and_runs_no_scripts() -> None:
    text = "".join((ROOT / name).read_text("utf-8") for name in ("Makefile", "Dockerfile"))
    installs = re.findall(r"^(?:RUN|\t).*(?:pip install|\$\(PIP\)) .*$", text, re.MULTILINE)
    assert len(installs) > 4
    for line in installs:
        assert "--require-hashes -r" in line or "--no-build-isolation -e ." in line, line
        assert "$(PIP)" in line or "--no-deps" in line, line
    assert "--no-deps" in next(line for line in text.splitlines() if line.startswith("PIP := "))
    assert all("--ignore-scripts" in line for line in text.splitlines() if "npm ci" in line)
