"""Manners, in one place for all venues: budgets, retries, bans, mirrors, whole answers.

A request carries its Venue in `extensions["venue"]`. What comes back is an answer with its body
read, or a SourceError: Unavailable after the retries, Blocked while a ban or a closed region
lasts longer than patience does. Redirects are not followed. Certificates are checked, always:
there is no setting for it.

A venue answers "too many, come again in 7 s", then has a bad gateway, then answers:

>>> from chandlery.rate_limit.budget import Budget, Metering
>>> from chandlery.venues.verdicts import by_status
>>> said = [
...     httpx.Response(429, headers={"retry-after": "7"}),
...     httpx.Response(502),
...     httpx.Response(200, json=[1]),
... ]
>>> slept = []
>>> def seconds():
...     return sum(slept)
>>> pace = Timepiece(monotonic=seconds, wall=seconds, sleep=slept.append, stopwatch=seconds)
>>> venue = Venue("venue", "https://venue.example", Metering((Budget(10, 1),)), by_status)
>>> network = httpx.MockTransport(lambda _: said.pop(0))
>>> with client(transport=network, timepiece=pace) as way:
...     way.get(venue.url, extensions={"venue": venue}).json()
[1]
>>> slept[0]  # as told, and whoever else asks this host waits as long
7.0
>>> 2 <= slept[1] <= 3  # the second attempt's backoff, 2 s and up to 1 s of jitter
True
"""

import logging
import math
import re
import ssl
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from hashlib import sha256
from ipaddress import ip_address
from threading import Lock
from types import MappingProxyType

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from chandlery.errors import Blocked, Malformed, Misuse, SourceError, Unavailable
from chandlery.model import one_line
from chandlery.rate_limit.account import Accounts, Memory
from chandlery.rate_limit.gate import REAL, TOO_MANY, Gate, Timepiece
from chandlery.venues.clocks import Clocks
from chandlery.venues.deadline import bounded
from chandlery.venues.per_thread import PerThread
from chandlery.venues.source import Venue
from chandlery.venues.unpack import ASKED, unpacked

log = logging.getLogger(__name__)

ATTEMPTS = 5
PATIENCE = 120.0
ADDRESS = "here"
SHORTEST = 1.0
LARGEST = 32 * 2**20
"""Three times the largest there is, spot's exchangeInfo. All workers may hold one at a time."""
LONGEST = 120.0
"""Seconds in which a whole answer must have come, however steadily it trickles."""
SHORTEST_KEY = 8
"""Fewer signs than any venue's key has: what is shorter is no secret, and may be in any answer."""
TIMEOUT = httpx.Timeout(30.0, connect=10.0, pool=60.0)
LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=30.0)
"""Of each thread, which has one request under way, and asks one venue after the other."""
HEADERS = MappingProxyType(
    {"user-agent": "chandlery", "accept": "application/json", "accept-encoding": ASKED}
)
_WRAPPING = ("content-encoding", "content-length", "transfer-encoding")
_backoff = wait_exponential_jitter(initial=1.0, max=30.0, jitter=1.0)


class _Again(Exception):
    """Trouble that may pass in seconds. `shut`: the gate does the waiting."""

    def __init__(self, error: SourceError, *, shut: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.shut = shut


def _pause(state: RetryCallState) -> float:
    again = state.outcome.exception() if state.outcome else None
    return 0.0 if isinstance(again, _Again) and again.shut else _backoff(state)


class Manners(httpx.BaseTransport):
    """Wraps the transport that does the sending. One for each client, shared by its threads."""

    def __init__(  # noqa: PLR0913 - each is named, and has its default
        self,
        inner: httpx.BaseTransport,
        *,
        timepiece: Timepiece,
        venues_url: str | None = None,
        patience: float = PATIENCE,
        keys: Mapping[str, str] = MappingProxyType({}),
        address: str = ADDRESS,
        accounts: Accounts | None = None,
        sent: Counter[str] | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        self._inner = inner
        self._time = timepiece
        self._venues_url = venues_url.rstrip("/") if venues_url else None
        self._patience = patience
        self._keys = keys
        self._address = address
        ahead = timepiece.wall() - timepiece.monotonic()
        self._accounts = Memory(ahead) if accounts is None else accounts
        self._sent = Counter[str]() if sent is None else sent
        self._clocks = Clocks(timepiece.monotonic) if clocks is None else clocks
        self._gates: dict[str, Gate] = {}
        self._mirrored: set[str] = set()
        self._keyless: set[str] = set()
        self._lock = Lock()
        self._retrying = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            sleep=self._nap,
            reraise=True,
        )

    def _nap(self, seconds: float) -> None:
        if seconds:
            self._time.sleep(seconds)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send with manners; the answer comes whole."""
        venue: Venue = request.extensions["venue"]
        if venue.key_required and not self._keys.get(venue.name):
            raise self._unconfigured(venue)
        try:
            return self._retrying(self._attempt, venue, request, _Patience(self._patience))
        except _Again as again:
            if not again.shut:
                self._gate(venue, mirrored=venue.name in self._mirrored).failed()
            raise again.error from again.__cause__

    def _unconfigured(self, venue: Venue) -> Blocked:
        words = f"not configured: set {venue.name.upper()}_API_KEY"
        with self._lock:
            known = venue.name in self._keyless
            self._keyless.add(venue.name)
        if not known:
            log.warning("%s: %s", venue.name, words)
        return Blocked(words)

    def _attempt(
        self, venue: Venue, request: httpx.Request, patience: "_Patience"
    ) -> httpx.Response:
        mirrored = venue.name in self._mirrored
        try:
            return self._once(venue, request, patience, mirrored=mirrored)
        except Blocked as error:
            if mirrored or venue.mirror is None or error.after is not None:
                raise
            self._turn_to_mirror(venue)
        return self._attempt(venue, request, patience)

    def _once(
        self, venue: Venue, request: httpx.Request, patience: "_Patience", *, mirrored: bool
    ) -> httpx.Response:
        gate = self._gate(venue, mirrored=mirrored)
        patience.left = gate.enter(request, patience.left)
        with self._lock:
            self._sent[venue.name] += 1
        addressed = self._addressed(venue, request, mirrored=mirrored)
        response = gate.sent(partial(self._send, addressed))
        gate.hear(response)
        self._clocks.hear(venue.name, response)
        if error := venue.verdict(response):
            raise self._learned(venue, gate, response, error)
        return response

    def _gate(self, venue: Venue, *, mirrored: bool) -> Gate:
        host = _origin(_base(venue, mirrored=mirrored)).host
        with self._lock:
            if host not in self._gates:
                place = self._place(venue, host)
                self._gates[host] = Gate(place, venue.metering, self._accounts, self._time)
            return self._gates[host]

    def _place(self, venue: Venue, host: str) -> str:
        """Whom the venue counts: the key where a request bears one, else whence it comes."""
        key = self._keys.get(venue.name) if venue.key_header else None
        who = f"key {_digest(key)}" if key else self._address
        return f"{host} ({who}{f', {self._venues_url}' if self._venues_url else ''})"

    def _turn_to_mirror(self, venue: Venue) -> None:
        with self._lock:
            known = venue.name in self._mirrored
            self._mirrored.add(venue.name)
        if not known:
            log.warning("%s: %s is asked instead", venue.name, venue.mirror)

    def _learned(
        self, venue: Venue, gate: Gate, response: httpx.Response, error: SourceError
    ) -> Exception:
        """What to raise, after the gate is told how long the venue wants nothing."""
        after = error.after if isinstance(error, Unavailable | Blocked) else None
        if after is None and response.status_code == TOO_MANY:
            # Untold: by then everything spent is given back.
            after = timedelta(seconds=venue.metering.period)
            error = Unavailable(str(error), after=after)
        if after is not None:
            gate.shut(error, max(after.total_seconds(), SHORTEST))
            return _Again(error, shut=True)
        if isinstance(error, Blocked):
            gate.shut(error, math.inf)
        # What is no answer of the API at all may be one the next time.
        again = isinstance(error, Unavailable | Malformed)
        return _Again(error, shut=False) if again else error

    def _addressed(self, venue: Venue, request: httpx.Request, *, mirrored: bool) -> httpx.Request:
        url = self._url(venue, request.url, mirrored=mirrored)
        headers = {**HEADERS, **request.headers}
        headers.pop("host", None)
        if venue.key_header and self._keys.get(venue.name) and not mirrored:
            headers[venue.key_header] = venue.key_form.format(self._keys[venue.name])
        return httpx.Request(request.method, url, headers=headers, extensions=request.extensions)

    def _url(self, venue: Venue, url: httpx.URL, *, mirrored: bool) -> httpx.URL | str:
        path = url.raw_path.decode("ascii")
        if self._venues_url:
            return f"{self._venues_url}/{venue.name}{'-mirror' if mirrored else ''}{path}"
        origin = _origin(_base(venue, mirrored=mirrored))
        if (url.scheme, url.netloc) == (origin.scheme, origin.netloc):
            return url  # as it is: httpx takes its time over a new one
        return f"{origin.scheme}://{origin.netloc.decode('ascii')}{path}"

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = self._inner.handle_request(request)
            try:
                body = _body(answer)
            finally:
                answer.close()
        except httpx.RequestError as error:
            log.debug("%s: %r", request.url.host, error)
            raise _Again(Unavailable(_words(error)), shut=False) from error
        headers = [(name, value) for name, value in answer.headers.items() if name not in _WRAPPING]
        body = self._unsaid(request, body)
        return httpx.Response(answer.status_code, headers=headers, content=body, request=request)

    def _unsaid(self, request: httpx.Request, body: bytes) -> bytes:
        """The answer without our key: the venue's words go into errors, logs and the database."""
        key = self._keys.get(request.extensions["venue"].name, "").encode("ascii")
        return body if len(key) < SHORTEST_KEY else body.replace(key, b"***")


def _body(answer: httpx.Response) -> bytes:
    """All of the body, decoded: read here, so that one cut short counts as a failure."""
    body = bytearray()
    try:
        for chunk in unpacked(_stream(answer), answer.headers.get("content-encoding", "")):
            body += chunk
            if len(body) > LARGEST:
                raise Malformed(f"its answer is larger than {LARGEST >> 20} MB")
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from error
    return bytes(body)


def _stream(answer: httpx.Response) -> Iterator[bytes]:
    """What came, as it came."""
    if not isinstance(answer.stream, httpx.SyncByteStream):
        raise TypeError("the transport that does the sending is not one for threads")
    yield from answer.stream


def _words(error: httpx.RequestError) -> str:
    """The error in a line; of a certificate that does not hold, what is wrong with it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate does not hold, nothing was sent: {one_line(cause.verify_message)}"
            )
        cause = cause.__cause__ or cause.__context__
    return one_line(f"{type(error).__name__} {error}")


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Patience:
    """Seconds that one call may still wait for what a venue forbids."""

    left: float


def _base(venue: Venue, *, mirrored: bool) -> str:
    return venue.mirror if mirrored and venue.mirror else venue.url


@cache
def _origin(base: str) -> httpx.URL:
    return httpx.URL(base)


def _is_open(url: str) -> bool:
    """Whether others between here and there can read what is sent."""
    parts = httpx.URL(url)
    if parts.scheme == "https" or parts.host == "localhost":
        return False
    try:
        return not ip_address(parts.host).is_loopback
    except ValueError:
        return True


def _connections(
    trusted: ssl.SSLContext, proxy: str | None, timepiece: Timepiece
) -> httpx.HTTPTransport:
    plain = httpx.HTTPTransport(limits=LIMITS, proxy=proxy, verify=trusted)
    return bounded(plain, LONGEST, timepiece)


def client(  # noqa: PLR0913 - each is named, and has its default
    venues_url: str | None = None,
    *,
    timepiece: Timepiece = REAL,
    transport: httpx.BaseTransport | None = None,
    patience: float = PATIENCE,
    keys: Mapping[str, str] = MappingProxyType({}),
    proxy: str | None = None,
    address: str = ADDRESS,
    accounts: Accounts | None = None,
    sent: Counter[str] | None = None,
    clocks: Clocks | None = None,
) -> httpx.Client:
    """The one way out, to be shared by threads.

    With `venues_url` every request goes to /<source>/<the venue's path> there, to
    /<source>-mirror/… where its mirror is asked. `keys` holds API keys by source. `patience` is
    how many seconds a call waits for what a venue forbids before it raises. Clients with the same
    `accounts` share what venues meter by `address`, the name of the one that requests come from:
    a proxy has its own. In `sent` requests are counted by venue, in `clocks` is what theirs say.
    """
    if venues_url is not None and not re.match(r"https?://[^/\s]+", venues_url):
        raise Misuse(f"the venues' address {venues_url!r} is none: write http://127.0.0.1:8000")
    if venues_url is not None and any(keys.values()) and _is_open(venues_url):
        raise Misuse(
            "CHANDLERY_VENUES_URL would send API keys to another machine for all to read:"
            " write https://, or unset the keys"
        )
    manners = Manners(
        # Whose certificates hold is read once, and not for each thread.
        transport or PerThread(partial(_connections, httpx.create_ssl_context(), proxy, timepiece)),
        timepiece=timepiece,
        venues_url=venues_url,
        patience=patience,
        keys=keys,
        address=f"proxy {_digest(proxy)}" if proxy else address,
        accounts=accounts,
        sent=sent,
        clocks=clocks,
    )
    return httpx.Client(transport=manners, timeout=TIMEOUT, follow_redirects=False)
