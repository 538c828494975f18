"""Which symbols an archive has files of, and of which months: the listing of a bucket at Amazon S3.

docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html. What is known of it:

- With `delimiter=/` what lies below `prefix` comes as CommonPrefixes, a folder each, and as
  Contents, a file each, in the order of their names. A folder that is not there is an empty list.
- An answer has at most 1,000 of both. Then IsTruncated is true, and NextMarker is where to go on.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape

import httpx

from chandlery.errors import Malformed
from chandlery.model import Window
from chandlery.venues.fetch import MOST_ANSWERS, send
from chandlery.venues.source import Folders, Source, is_nameable
from chandlery.venues.verdicts import excerpt, said_by

BELOW = re.compile(r"<(?:Prefix|Key)>([^<]*)</(?:Prefix|Key)>")
PART = re.compile(r"<(CommonPrefixes|Contents)>(.*?)</\1>", re.DOTALL)
GOES_ON = re.compile(r"<IsTruncated>\s*true\s*</IsTruncated>")
MARKER = re.compile(r"<NextMarker>([^<]+)</NextMarker>")
MONTH = re.compile(r".+-1h-(\d{4}-(?:0[1-9]|1[0-2]))\.zip")
LIST = "ListBucketResult"


def symbols(client: httpx.Client, source: Source) -> list[str]:
    """The symbols that a source has files of, as the venue writes them."""
    folders = source.folders
    if folders is None:
        return []
    with said_by(source.name, "folders"):
        return list(filter(is_nameable, _names(client, folders, folders.root)))


def months(client: httpx.Client, source: Source, symbol: str) -> Window | None:
    """From the first month to the end of the last one that there is a file of; None: of none.

    There may be months between without a file.
    """
    folders = source.folders
    if folders is None:
        return None
    with said_by(source.name, symbol):
        names = _names(client, folders, f"{folders.root}{symbol}/1h/")
        found = sorted(match[1] for match in map(MONTH.fullmatch, names) if match)
    if not found:
        return None
    first, last = (datetime.fromisoformat(f"{month}-01T00:00Z") for month in (found[0], found[-1]))
    return Window(first, (last + timedelta(days=31)).replace(day=1))


def _names(client: httpx.Client, folders: Folders, prefix: str) -> Iterator[str]:
    """What lies in a folder, page after page."""
    marker = ""
    for _ in range(MOST_ANSWERS):
        asked = {"delimiter": "/", "prefix": prefix} | ({"marker": marker} if marker else {})
        request = httpx.Request("GET", folders.bucket, params=asked)
        text = _listing(send(client, folders.venue, request))
        for _, part in PART.findall(text):
            for path in BELOW.findall(part):
                yield unescape(path).removeprefix(prefix).strip("/")
        if not GOES_ON.search(text):
            return
        found = MARKER.search(text)
        before, marker = marker, unescape(found[1]) if found else ""
        if marker <= before:
            raise Malformed(f"its listing does not go on after {before or 'its beginning'}")
    raise Malformed(f"no end after {MOST_ANSWERS} pages")


def _listing(response: httpx.Response) -> str:
    text = response.content.decode(errors="replace")
    if f"<{LIST}" not in text or f"</{LIST}>" not in text:
        raise Malformed(f"not a listing but {excerpt(response)}")
    return text
