"""Prefect's server is busy, or is started anew: it is asked again, for two minutes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential

from chandlery.venues import Timepiece

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 120.0
LONGEST_WAIT = 10.0
REAL = Timepiece()
UNDONE = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})
"""What a server says that did nothing: 503 is Prefect's word while its SQLite file is locked."""
PASSING = UNDONE | {
    httpx.codes.REQUEST_TIMEOUT,
    httpx.codes.BAD_GATEWAY,
    httpx.codes.GATEWAY_TIMEOUT,
}


def passes(error: BaseException) -> bool:
    """Whether the same request may be answered a little later, done or not this time."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in PASSING
    return isinstance(
        error, httpx.NetworkError | httpx.TimeoutException | httpx.RemoteProtocolError
    )


def undone(error: BaseException) -> bool:
    """Whether that is so, and nothing came of the request."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in UNDONE
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


@dataclass(frozen=True)
class Patience:
    """For how long a server is asked again, and by which clock."""

    seconds: float = SECONDS
    time: Timepiece = REAL

    def ask(
        self,
        again: Callable[[BaseException], bool],
        call: Callable[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`call(…)`, once more as long as its error is one to ask `again` on, and time is left."""
        began = self.time.monotonic()

        def is_enough(_: RetryCallState) -> bool:
            return self.time.monotonic() - began >= self.seconds

        retrying = Retrying(
            retry=retry_if_exception(again),
            stop=is_enough,
            wait=wait_exponential(max=LONGEST_WAIT),
            sleep=self.time.sleep,
            reraise=True,
        )
        answer: T = retrying(call, *args, **kwargs)
        return answer


PATIENT = Patience()
"""Two minutes, by this machine's clock."""


def why(error: httpx.HTTPError) -> str:
    """What to say of a server that was asked for long enough, in a few words."""
    if isinstance(error, httpx.HTTPStatusError):
        answer = error.response
        words = f"{answer.status_code} {answer.reason_phrase}".strip()
        return words if passes(error) else f"{words}: {answer.text[:200]}"
    return str(error) or type(error).__name__
