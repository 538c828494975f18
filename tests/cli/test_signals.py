"""What a signal does, whatever its verb is about. Real processes: tests/cli/test_interrupted.py."""

import logging
import signal
from collections.abc import Callable
from threading import Event

import pytest

from chandlery.cli import config
from chandlery.cli.main import main
from chandlery.cli.signals import STOPPED, Signals
from chandlery.errors import Gone, Misuse
from tests.command_line import left_as_found
from tests.waiting import PATIENCE

Meeting = Callable[..., int]


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> Meeting:
    """Run a verb to which this happens, as a process of its own would; its exit code."""

    def run(what: Callable[[], None], afterwards: Callable[[], None] = lambda: None) -> int:
        monkeypatch.setattr(config, "settings", what)
        with left_as_found():
            signals = Signals()
            signals.listen()
            code = main(["config"], signals)
            afterwards()
        return code

    return run


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_breaks_off_on_the_way_out_is_not_told(
    meet: Meeting, capsys: pytest.CaptureFixture[str], number: signal.Signals, code: int
) -> None:
    def stopped() -> None:
        try:
            signal.raise_signal(number)
        finally:
            raise Gone("the database went away")

    assert meet(stopped) == code
    assert capsys.readouterr().err == STOPPED


def test_a_second_signal_does_not_keep_from_tidying_up(
    meet: Meeting, capsys: pytest.CaptureFixture[str]
) -> None:
    done = []

    def stopped() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
            done.append("tidied up")

    assert (meet(stopped), done) == (130, ["tidied up"])
    assert capsys.readouterr().err == STOPPED


def test_a_signal_that_python_has_to_swallow_is_taken_all_the_same(
    meet: Meeting, capsys: pytest.CaptureFixture[str]
) -> None:
    class Finalized:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    def stopped() -> None:
        Finalized()
        Event().wait(PATIENCE)
        pytest.fail("it went on")

    assert meet(stopped) == 143
    assert capsys.readouterr().err == STOPPED


def test_after_the_verb_signals_come_too_late(
    meet: Meeting, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> None:
        raise Misuse("write it so")

    assert meet(refused, lambda: signal.raise_signal(signal.SIGTERM)) == 2
    assert capsys.readouterr().err == "chandlery: write it so\n"


def test_what_is_to_be_ignored_stays_so() -> None:
    """As a shell has it that starts somebody in the background."""
    with left_as_found():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        Signals().listen()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert callable(signal.getsignal(signal.SIGTERM))


def test_that_a_rollback_failed_too_is_not_told(
    meet: Meeting, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped() -> None:
        logging.getLogger("psycopg").warning("error ignored in rollback")
        signal.raise_signal(signal.SIGTERM)

    assert meet(stopped) == 143
    assert capsys.readouterr().err == STOPPED


def test_who_calls_it_without_a_process_of_its_own_has_its_signals_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main(["no-such-verb"]) == 2
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
