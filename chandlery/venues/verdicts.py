"""What venues say, made fit for one line, and what HTTP's own statuses mean."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html import unescape

import httpx

from chandlery.errors import Blocked, Malformed, Rejected, SourceError, Unavailable
from chandlery.model import one_line

log = logging.getLogger(__name__)

MOST_BYTES = 4000  # of a body are looked at for what to say of it
SHORTEST_BAN = timedelta(minutes=2)
"""Binance's bans last from two minutes to three days; of an untold one the shortest is assumed."""

TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL | re.IGNORECASE)
S3_ERROR = re.compile(r"<Error>\s*<Code>(.*?)</Code>\s*(?:<Message>(.*?)</Message>)?", re.DOTALL)
"""What a refusal says of itself: a page in HTML, or S3, which serves files, by code and message."""
PAIRS = ((b"[", b"]"), (b"{", b"}"))

Meaning = Callable[[httpx.Response, str], SourceError]


def excerpt(response: httpx.Response) -> str:
    """The beginning of a body, for people."""
    text = response.content[:MOST_BYTES].decode(errors="replace")
    told = re.search(TITLE, text) or re.search(S3_ERROR, text)
    words = unescape(" ".join(filter(None, told.groups()))) if told else text
    return one_line(words) or "an empty body"


def broken(response: httpx.Response) -> SourceError | None:
    """A successful answer that cannot be JSON at a glance: a page for people, or half of a body."""
    body = response.content.strip()
    if (body[:1], body[-1:]) in PAIRS:
        return None
    return Malformed(f"not JSON: {excerpt(response)}")


def date(response: httpx.Response) -> datetime | None:
    """When the venue says it answered."""
    return _http_date(response.headers.get("date", ""))


def retry_after(response: httpx.Response) -> timedelta | None:
    """How long the venue asks to be left alone, told in seconds or as a date."""
    told = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,7}(\.\d*)?", told):
        return timedelta(seconds=float(told))
    until, now = _http_date(told), date(response)
    return max(until - now, timedelta(0)) if until and now else None


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def later(response: httpx.Response, words: str) -> SourceError:
    """Try again, after what the venue asks for."""
    return Unavailable(words, after=retry_after(response))


def too_many(rest: timedelta) -> Meaning:
    """Try again when the venue says, or after this rest where it does not."""
    return lambda response, words: Unavailable(words, after=retry_after(response) or rest)


def banned(response: httpx.Response, words: str) -> SourceError:
    """This address is shut out for a while."""
    return Blocked(words, after=retry_after(response) or SHORTEST_BAN)


def closed(_: httpx.Response, words: str) -> SourceError:
    """This source is off from here."""
    return Blocked(words)


def refused(_: httpx.Response, words: str) -> SourceError:
    """Asking again will not help."""
    return Rejected(words)


def astray(_: httpx.Response, words: str) -> SourceError:
    """This is not the API that was asked."""
    return Malformed(words)


STATUSES: Mapping[int, Meaning] = {
    401: closed,
    403: closed,
    408: later,
    418: banned,
    425: later,
    429: later,
    451: closed,
}
CLASSES: Mapping[int, Meaning] = {3: astray, 4: later, 5: later}
"""A status alone is no word on a symbol: any proxy on the way may answer 400 or 404."""


def by_status(response: httpx.Response, words: str | None = None) -> SourceError | None:
    """What the status alone means; None where it is a success."""
    if response.is_success:
        return None
    meaning = STATUSES.get(response.status_code, CLASSES.get(response.status_code // 100, astray))
    return meaning(response, f"HTTP {response.status_code} {words or excerpt(response)}")


@contextmanager
def said_by(name: str, about: str | None = None) -> Iterator[None]:
    """Put who said it, and about what, around the words of any failure within."""
    try:
        yield
    except SourceError as error:
        error.args = (said(name, str(error), about),)
        raise


def said(name: str, words: str, about: str | None = None) -> str:
    """`words` with who said them, and about what."""
    return f"{name}: {words} ({one_line(about)})" if about else f"{name}: {words}"


@lru_cache(maxsize=1000)
def warn_once(words: str) -> None:
    """Log what is the same at every answer once in a process."""
    log.warning("%s", words)
