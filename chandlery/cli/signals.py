"""Ctrl-C and SIGTERM, from the first line of a verb's process to its last.

While modules load there is nothing to tidy up: the process leaves at once. At work the first signal
raises `Stopped`, once: what is under way tidies up, and a second signal, which whoever started us
may well pass on beside the terminal's own, changes nothing. A third one leaves at once. After the
verb has ended signals are ignored: Python, as it ends, puts the deadly defaults in the place of any
handler.
"""

import os
import signal
import sys
from threading import Thread
from time import sleep
from types import FrameType
from typing import Any

STOPPED = "chandlery: stopped; what was written stays, the same command goes on\n"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
BASE = 128  # what shells add to a signal's number
IMPATIENT = 3  # signals
SOON = 0.01  # seconds


class Stopped(KeyboardInterrupt):
    """Somebody wants the verb to end."""


class Signals:
    """What a signal does now, and which one was the first."""

    def __init__(self) -> None:
        self._loading, self._at_work = True, False
        self._first: int | None = None
        self._count = 0
        self._taken: dict[signal.Signals, Any] = {}  # and what was there before
        self._swallowed = False
        self._sender: Thread | None = None
        self._unraisable = sys.unraisablehook

    def listen(self) -> None:
        """Take them from now on, but for one that whoever started us wants to be ignored."""
        found = {each: signal.getsignal(each) for each in SIGNALS}
        self._taken = {each: it for each, it in found.items() if it is not signal.SIG_IGN}
        for number in self._taken:
            signal.signal(number, self._take)
        sys.unraisablehook = self._again

    def begin(self) -> None:
        """All is loaded: from now on there may be something to tidy up."""
        self._loading, self._at_work = False, True

    def end(self) -> None:
        """Nothing is left that could be stopped."""
        self._loading, self._at_work = False, False
        for number in self._taken:
            signal.signal(number, signal.SIG_IGN)

    def leave(self) -> None:
        """All is as it was before."""
        for number, before in self._taken.items():
            signal.signal(number, before)
        sys.unraisablehook = self._unraisable

    @property
    def came(self) -> bool:
        """Whether one has stopped the verb."""
        return self._first is not None

    @property
    def code(self) -> int:
        """The exit code of who was stopped."""
        return BASE + (self._first or signal.SIGINT)

    @property
    def words(self) -> str:
        """The line for it, below the ^C of a terminal."""
        return f"\n{STOPPED}" if self.code == BASE + signal.SIGINT and os.isatty(2) else STOPPED

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._swallowed:
            if not self._is_in_hook(frame):  # there it would be swallowed again
                self._swallowed = False
                raise Stopped
            return
        self._count += 1
        if self._loading:
            self._first = number
            os.write(2, self.words.encode())
            os._exit(self.code)
        if self._count >= IMPATIENT:
            os._exit(BASE + number)
        if self._at_work and self._first is None:
            self._first = number
            raise Stopped

    def _again(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """Take it once more where Python had to swallow it: in a finalizer, in a callback."""
        if not isinstance(unraisable.exc_value, Stopped):
            self._unraisable(unraisable)
            return
        self._swallowed = True
        if self._sender is None:
            self._sender = Thread(target=self._send, daemon=True)
            self._sender.start()

    def _send(self) -> None:
        """Send it again, until it is taken: on a busy machine the hook may take its time."""
        while self._at_work:
            sleep(SOON)
            if self._swallowed:
                os.kill(os.getpid(), self._first or signal.SIGINT)

    def _is_in_hook(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code is self._again.__code__:
                return True
            frame = frame.f_back
        return False
