"""What venues' monthly files in a bucket at Amazon S3 have in common."""

from datetime import datetime, timedelta

import httpx

from chandlery.errors import Malformed, SourceError
from chandlery.model import Window
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.verdicts import by_status, excerpt

GONE = 404
NO_FILE = b"NoSuchKey"
DAY = timedelta(days=1)
FILES = Metering((Budget(24_000, 60),), under_way=32)
"""Nobody meters: these are our own manners. Binance's maintainers say that there is no limit on its
files (binance-public-data issue 9: they lie in a cloud's store); of Gate's nobody says [U]."""
LARGEST = 2**20
"""A month of hours has some 130 KB; what unpacks to more is not one."""


def month_of(at: datetime) -> Window:
    """The month, UTC, in which an instant lies."""
    start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Window(start, (start + 31 * DAY).replace(day=1))


def verdict(response: httpx.Response) -> SourceError | None:
    """By the status; a file that is not there is an answer too, and any other 404 a proxy's."""
    if response.status_code == GONE and NO_FILE in response.content:
        return None
    if response.is_success and response.content.lstrip().startswith(b"<"):
        return Malformed(f"not a file but {excerpt(response)}")
    return by_status(response)
