"""The command line: the exit code of a verb, and what it prints.

To start Python and import everything takes a second of CPU: most verbs run in this process. What is
about the process itself, a signal, its memory, its imports, gets one.
"""

import io
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from chandlery.cli.main import main
from chandlery.cli.signals import SIGNALS

ROOT = Path(__file__).resolve().parents[1]


def chandlery(
    *words: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    alone: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a verb here, in a folder, with these variables on top of ours, or with them alone."""
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as stdout,
        redirect_stderr(io.StringIO()) as stderr,
        left_as_found(),
    ):
        for name in list(os.environ) if alone else ():
            patch.delenv(name)
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        if folder:
            patch.chdir(folder)
        code = main(words)
    return subprocess.CompletedProcess(words, code, stdout.getvalue(), stderr.getvalue())


def process(
    *words: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    alone: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a verb in a process of its own."""
    inherited = {} if alone else os.environ
    return subprocess.run(
        [sys.executable, "-m", "chandlery", *words],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def left_as_found() -> Iterator[None]:
    """No handlers of pytest's for what is logged, and our own signals and handlers gone after."""
    root, hook = logging.getLogger(), sys.unraisablehook
    handlers, level = root.handlers[:], root.level
    taken = {number: signal.getsignal(number) for number in SIGNALS}
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.unraisablehook = hook
        for number, handler in taken.items():
            signal.signal(number, handler)
