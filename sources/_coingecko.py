"""What all of CoinGecko's API has in common: where it is, what it allows, what it refuses.

https://docs.coingecko.com. What is known of it:

- Without a key the limit is shared and unstated; what was seen is 429 with `retry-after: 53`, and
  the same body with HTTP 200. Ten requests a minute are gentle enough; a demo key's 30 a minute
  [U: another page says 100] and 10,000 a month are not made use of, nor counted.
- What lies further back than the free 365 days is HTTP 401 with error_code 10012: a refusal of
  the request, not of the caller.
- What a plan does not have is error_code 10005 [U: its status; the same for every coin]: no word on
  one coin, and asking for the next one does not help.
- An unknown coin is HTTP 404 `{"error":"coin not found"}` [U]. Any other 404 says nothing of one.
"""

from collections.abc import Mapping
from datetime import timedelta

import httpx
import orjson

from chandlery.errors import SourceError
from chandlery.model import one_line
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.source import Venue
from chandlery.venues.verdicts import (
    Meaning,
    broken,
    by_status,
    closed,
    excerpt,
    later,
    refused,
    too_many,
)

URL = "https://api.coingecko.com/api/v3"
MISSING = 404
UNKNOWN = "coin not found"
MINUTE = timedelta(minutes=1)


_too_many = too_many(MINUTE)
CODES: Mapping[int, Meaning] = {
    429: _too_many,
    10002: closed,  # API key missing
    10005: closed,  # the endpoint is for other plans
    10010: closed,  # a pro key at the demo's address
    10011: closed,  # a demo key at the pro address
    10012: refused,  # further back than the plan reaches
}
_TOLD = (b'{"status"', b'{"error"')


def verdict(response: httpx.Response) -> SourceError | None:
    """By CoinGecko's own code where there is one, whatever the status; else by the status."""
    told = response.content[:64].translate(None, b" \r\n\t").startswith(_TOLD)
    if response.is_success and not told:
        return broken(response)
    code, words = _said(response)
    if code in CODES:
        return CODES[code](response, words)
    if response.status_code == MISSING and words == UNKNOWN:
        return refused(response, f"HTTP {MISSING} {words}")
    return by_status(response, words) or later(response, words)


def _said(response: httpx.Response) -> tuple[int, str]:
    """Code and words of `{"status": …}`, `{"error": {"status": …}}` or `{"error": "…"}`."""
    try:
        body = orjson.loads(response.content)
        error = body.get("error", body)
        if isinstance(error, str):
            return 0, one_line(error)
        told = error | error["status"]  # of a key at the wrong address the code is beside it
        code = int(told["error_code"])
        return code, one_line(f"{code} {told['error_message']}")
    except (ValueError, AttributeError, KeyError, TypeError, OverflowError):
        return 0, excerpt(response)


VENUE = Venue(
    name="coingecko",
    url=URL,
    metering=Metering((Budget(10, 60),)),
    verdict=verdict,
    key_header="x-cg-demo-api-key",
    credits=10_000,
)
