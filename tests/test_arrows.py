"""Arrows go one way: a room imports only what lies below it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BELOW = {
    "candles": set[str](),
    "embedded": set[str](),
    "sandbox": set[str](),
    "sources": {"candles"},
    "store": {"candles", "embedded"},
    "collect": {"candles", "sources", "store"},
    "reports": {"candles", "collect"},
    "flows": {"candles", "collect", "reports", "sources"},
    "chandlery": {"candles", "collect", "embedded", "sandbox", "sources", "store"},
}


def imported(room: str) -> set[str]:
    names = set()
    for path in (ROOT / room).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    return names & BELOW.keys() - {room}


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_what_lies_below(room: str) -> None:
    assert imported(room) <= BELOW[room]


def test_no_flow_hides_a_package() -> None:
    """Prefect puts flows/ first on sys.path."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert not packages & {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}


def test_one_place_reads_the_environment_and_one_connects() -> None:
    def having(word: str) -> set[str]:
        rooms = ("candles", "sources", "store", "collect", "reports", "flows", "chandlery")
        paths = (path for room in rooms for path in (ROOT / room).glob("*.py"))
        return {f"{path.parent.name}/{path.name}" for path in paths if word in path.read_text()}

    assert having("os.environ") <= {"chandlery/demo.py", "chandlery/processes.py"}
    assert having("psycopg.connect(") == {"store/connect.py"}
