"""Threads that ask venues, and do not keep a process that is to end.

An answer may take half a minute, and the threads of a ThreadPoolExecutor are waited for when the
process ends: whoever cancels a run would wait as long.
"""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

GRACE_SECONDS = 0.5


class Workers:
    """So many threads that call what they are given, in order."""

    def __init__(self, many: int) -> None:
        self._asks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            Thread(target=self._work, name=f"fetch_{number}", daemon=True) for number in range(many)
        ]
        self._ended = False
        for thread in self._threads:
            thread.start()

    def submit(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have it called by the next worker that is free."""
        future = Future[T]()
        self._asks.put(partial(self._answer, future, partial(call, *args, **kwargs)))
        return future

    def end(self) -> bool:
        """Call nothing more; say whether all were done, a moment after."""
        self._ended = True
        for _ in self._threads:
            self._asks.put(None)
        until = monotonic() + GRACE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (ask := self._asks.get()) is not None:
            ask()

    def _answer(self, future: Future[T], call: Callable[[], T]) -> None:
        if self._ended or not future.set_running_or_notify_cancel():
            future.cancel()
            return
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  it is raised where the result is asked for
            future.set_exception(error)
