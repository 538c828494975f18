"""The table of faults: each row is a test that plants the fault and says what came of it.

A row is a test, or a parameter of one, marked `fault(group, what, must)`; it calls `happened` with
what it saw, in words, after it has asserted it. `--fault-table FILE` writes the rows that ran as a
Markdown table. Most rows are in tests/faults; some are tests of a room that are rows as well.
"""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass

import pytest

Happened = Callable[[str], None]
GROUPS = ("venue", "process", "people")
SAID = pytest.StashKey[str]()
FOLDER = re.compile(r"\S*/pytest-of-[^/\s]+/pytest-\d+/[^/\s]+")  # a test's own


@dataclass(frozen=True)
class Row:
    """A fault, what must happen, and what was seen to happen."""

    group: str
    what: str
    must: str
    happened: str
    passed: bool


ABOUT = """\
# Faults

`make faults` writes this page. Each row is a test, most of them in `tests/faults`, that plants a
fault and runs the real engine on it: the embedded TimescaleDB, made-up venues on a port of this
machine with a front before them that spoils what passes, real processes where the fault is one of
processes. Time is made to pass, not waited for. A row says what must come of the fault, which its
test asserts, and what did when the page was written.

"""
ROWS = pytest.StashKey[list[Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []
    config.addinivalue_line("markers", "fault(group, what, must): a row of the table of faults")


@pytest.fixture
def happened(request: pytest.FixtureRequest) -> Happened:
    """Say what was seen to happen; the table shows it."""

    def say(seen: str) -> None:
        request.node.stash[SAID] = seen

    return say


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marker = item.get_closest_marker("fault")
    if marker is None or (report.when != "call" and report.passed):
        return report
    if report.passed and SAID not in item.stash:
        report.outcome, report.longrepr = "failed", "a row says what it saw: happened(...)"
    seen = str(call.excinfo.value) if call.excinfo else item.stash.get(SAID, "")
    group, what, must = marker.args
    seen = f"not run here: {seen}" if report.skipped else FOLDER.sub("…", seen)
    item.config.stash[ROWS].append(Row(group, what, must, seen, not report.failed))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--fault-table")
    if path is not None:
        path.write_text(_table(session.config.stash[ROWS]))


def _table(rows: list[Row]) -> str:
    ordered = sorted(rows, key=lambda row: GROUPS.index(row.group))
    head = "| | fault | what must happen | what happened |\n|---|---|---|---|\n"
    return ABOUT + head + "".join(map(_line, ordered))


def _line(row: Row) -> str:
    cells = (row.group, row.what, row.must, row.happened)
    # What a row saw may be markup: that is what some are about.
    group, what, must, happened = (
        re.sub(r"[\[\]<>|*]", r"\\\g<0>", " ".join(cell.split())) for cell in cells
    )
    return f"| {group} | {what} | {must} | {'' if row.passed else '**FAILED**: '}{happened} |\n"
