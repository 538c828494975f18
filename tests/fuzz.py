"""What fuzzers share: `--fuzz-seconds`, and a number for each input to make it again by."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from random import Random
from time import monotonic

import pytest

Inputs = Callable[[float], Iterator[Random]]


@dataclass
class Fuzzed:
    """What a fuzzer did."""

    name: str
    number: int  # of the input in hand
    inputs: int = 0
    seconds: float = 0.0


FUZZED = pytest.StashKey[list[Fuzzed]]()


@pytest.fixture
def inputs(request: pytest.FixtureRequest) -> Inputs:
    """Give dice for one input after the other, for this share of --fuzz-seconds; one at least.

    The same number makes the same dice.
    """
    first = request.config.getoption("--fuzz-first")
    done = Fuzzed(request.node.name, first)
    request.config.stash.setdefault(FUZZED, []).append(done)
    began = monotonic()

    def made(share: float) -> Iterator[Random]:
        while not done.inputs or done.seconds < share * request.config.getoption("--fuzz-seconds"):
            yield Random(f"{request.node.name} {done.number}")  # noqa: S311  nobody's secret
            done.number, done.inputs, done.seconds = (
                done.number + 1,
                done.inputs + 1,
                monotonic() - began,
            )
        request.node.user_properties += [("inputs", done.inputs), ("seconds", done.seconds)]

    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fuzzed = item.config.stash.get(FUZZED, [])
    if report.failed and fuzzed and fuzzed[-1].name == item.name:
        again = f"--fuzz-seconds=0 --fuzz-first={fuzzed[-1].number}"
        report.sections.append(("the input once more", again))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for each in terminalreporter.config.stash.get(FUZZED, []):
        told = f"fuzz: {each.name}: {each.inputs:,} inputs in {each.seconds:.1f} s"
        terminalreporter.write_line(told)
