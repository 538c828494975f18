"""The bucket that Binance's files are in: which there are, as Amazon S3 lists them.

Described at docs.aws.amazon.com, "ListObjects". A page has 1,000 names at most, folders and files
together; `NextMarker` is the last of them where there are more. Only months are listed here, and
only those of 1h.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html import escape

from sandbox.venue import Answer, Ask
from sandbox.words import Market

PAGE = 1000


def _months(first: int, last: int) -> Iterator[tuple[datetime, datetime]]:
    """Give the months, beginning and end, in which these times lie."""
    at = datetime.fromtimestamp(first / 1000, UTC).replace(day=1, hour=0, minute=0, second=0)
    while at.timestamp() * 1000 <= last:
        after = (at + timedelta(days=31)).replace(day=1)
        yield at, after
        at = after


class Bucket:
    """What there is of a market's files; `roots` has the source of each folder of symbols."""

    def __init__(
        self,
        market: Market,
        roots: Mapping[str, str],
        published: Callable[[datetime, str], datetime],
    ) -> None:
        self._market = market
        self._roots = roots
        self._published = published

    def listing(self, ask: Ask) -> Answer:
        """Answer what lies below a prefix."""
        prefix, marker = ask.query.get("prefix", ""), ask.query.get("marker", "")
        names = sorted(name for name in self._below(prefix, ask.now) if prefix + name > marker)
        page, more = names[:PAGE], len(names) > PAGE
        told = [
            f"<CommonPrefixes><Prefix>{escape(prefix + name)}</Prefix></CommonPrefixes>"
            if name.endswith("/")
            else f"<Contents><Key>{escape(prefix + name)}</Key><Size>1</Size></Contents>"
            for name in page
        ]
        goes_on = f"<NextMarker>{escape(prefix + page[-1])}</NextMarker>" if more else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>data.binance.vision</Name><Prefix>{escape(prefix)}</Prefix>"
            f"<Marker>{escape(marker)}</Marker>{goes_on}<MaxKeys>{PAGE}</MaxKeys>"
            f"<Delimiter>/</Delimiter><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{''.join(told)}</ListBucketResult>"
        )
        return Answer(200, body.encode(), media="application/xml")

    def _below(self, prefix: str, now: int) -> Iterator[str]:
        """Give the names below a prefix, folders with a slash at their end."""
        for root, source in self._roots.items():
            if prefix == root:
                known = {x.symbol for x in self._market.listings(source) if x.since <= now}
                yield from (f"{name}/" for name in known if [*self._files(source, name, now)])
            elif prefix.startswith(root) and prefix.endswith("/1h/"):
                symbol = prefix.removeprefix(root).removesuffix("/1h/")
                yield from self._files(source, symbol, now)

    def _files(self, source: str, symbol: str, now: int) -> Iterator[str]:
        """Give the months of a symbol that are out by now."""
        candles = self._market.candles(source, symbol, "1h")
        if candles is None:
            return
        for begin, end in _months(candles.first, min(candles.last, now)):
            if self._published(end, "monthly").timestamp() * 1000 <= now:
                name = f"{symbol}-1h-{begin:%Y-%m}.zip"
                yield from (name, f"{name}.CHECKSUM")
