"""Arrows go one way: a room imports only what lies below it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OWN = ("chandlery.embedded", "sandbox")  # they stand alone, and know nothing of settings
WORDS = {"chandlery.errors", "chandlery.settings", "chandlery.model"}
ENGINE = {"chandlery.engine", "chandlery.store", "chandlery.venues"}
BELOW = {
    "chandlery.embedded": set[str](),
    "sandbox": set[str](),
    "chandlery.errors": set[str](),
    "chandlery.settings": {"chandlery.errors"},
    "chandlery.model": {"chandlery.errors"},
    "chandlery.rate_limit": {"chandlery.errors", "chandlery.model"},
    "chandlery.venues": {*WORDS, "chandlery.rate_limit"},
    "sources": {*WORDS, "chandlery.rate_limit", "chandlery.venues"},
    "chandlery.store": {*WORDS, "chandlery.embedded"},
    "chandlery.files": {*WORDS, "chandlery.venues"},
    "chandlery.engine": {*WORDS, "chandlery.rate_limit", "chandlery.store", "chandlery.venues"},
    "chandlery.symbology": {*WORDS, *ENGINE},
    "chandlery.quality": {*WORDS, *ENGINE},
    "chandlery.moving": {*WORDS, "chandlery.store"},
    "chandlery.reports": {*WORDS, *ENGINE, "chandlery.quality", "chandlery.symbology"},
    "chandlery.local": {*WORDS, "chandlery.embedded", "chandlery.venues", "sandbox"},
    "flows": {
        *WORDS,
        *ENGINE,
        *("chandlery.local", "chandlery.quality", "chandlery.reports", "chandlery.symbology"),
    },
    "chandlery.api": {*WORDS, "chandlery.engine", "chandlery.store"},
    "chandlery.cli": {
        *WORDS,
        *ENGINE,
        *("chandlery.embedded", "chandlery.files", "chandlery.local", "chandlery.moving"),
        *("chandlery.quality", "chandlery.reports", "chandlery.symbology"),
    },
}


def modules(room: str) -> list[Path]:
    place = ROOT / room.replace(".", "/")
    found = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return [path for path in found if "node_modules" not in path.parts]


def names(path: Path) -> Iterator[str]:
    """Everything that a module imports, dotted."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported(room: str) -> set[str]:
    found = {name for path in modules(room) for name in names(path)}
    return {each for each in BELOW for name in found if f"{name}.".startswith(f"{each}.")} - {room}


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_what_lies_below(room: str) -> None:
    assert modules(room)
    assert imported(room) <= BELOW[room]


def test_what_lies_below_lies_before() -> None:
    rooms = list(BELOW)
    for place, room in enumerate(rooms):
        assert BELOW[room] <= {*rooms[:place]}, room


def test_no_flow_hides_a_package() -> None:
    """Prefect puts flows/ first on sys.path."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert not packages & {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}


def test_one_place_reads_the_environment_and_one_connects() -> None:
    def having(word: str) -> set[str]:
        paths = (path for room in BELOW if room not in OWN for path in modules(room))
        return {str(path.relative_to(ROOT)) for path in paths if word in path.read_text("utf-8")}

    assert having("os.environ") <= {"chandlery/embedded/install.py", "chandlery/local/processes.py"}
    assert having("psycopg.connect(") == {"chandlery/store/connect.py"}
