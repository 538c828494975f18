"""Asking a source: send, refuse by verdict, parse, and hold the answer to everyone's rules."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import TypeVar

import httpx
import polars as pl

from chandlery.errors import Malformed
from chandlery.model import HOUR, Listing, Window, check, clock, empty, whole_hour
from chandlery.model.frame import PRICES
from chandlery.venues.clocks import APART as CLOCKS_APART
from chandlery.venues.parsing.malformed import Fetched, MalformedRows, merged, sifted, windows
from chandlery.venues.source import Source, Venue
from chandlery.venues.verdicts import date, said, said_by

PageRead = TypeVar("PageRead")

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
READING = Lock()
"""One page is read at a time, though many are under way.

polars lets go of the interpreter's lock at each of some hundred steps. Eight threads that hand it
around spent 6.6 ms of processor time on a page of 1,000 rows, and 2.7 ms one after the other.
Files are read in few and long steps, which gain by more than one processor.
"""
MOST_ANSWERS = 1000
"""A catalogue that has more pages than this is going round in circles."""


def pages(source: Source, window: Window, now: datetime | None = None) -> Iterable[Window]:
    """`window`, as far as `source` reaches back from now, in the pages it serves, in order."""
    now = now or clock()
    reached = window if source.reach is None else window.clip(_reached(source.reach, window, now))
    if reached is None:
        return ()
    tiles = source.pages
    return reached.tiles(source.page_hours) if tiles is None else tiles(reached, now)


def page_before(source: Source, end: datetime, now: datetime) -> Window | None:
    """The page that ends at `end`, as long as `source` serves one of that age; None beyond reach.

    Where the length changes within it, it is as long as the older part has them.
    """
    longest = Window(end - source.page_hours * HOUR, end)
    first = next(iter(pages(source, longest, now)), None)
    return None if first is None else Window(end - first.hours * HOUR, end)


def _reached(reach: timedelta, window: Window, now: datetime) -> Window:
    since = whole_hour(now - reach) + HOUR
    return Window(since, max(window.end, since))


def fetch(  # noqa: PLR0913  of whom, what, when, and what was asked for already
    client: httpx.Client,
    source: Source,
    listing: Listing,
    page: Window,
    now: datetime,
    *,
    seal: Callable[[], httpx.Response] | None = None,
) -> Fetched:
    """The closed candles of `page` in plain coins, and its hours whose rows are no candles.

    A SourceError says why there are none at all. `seal` is what `seal_of` this page returns, where
    it was asked for before.
    """
    hours = -((page.start - page.end) // HOUR)
    if not 0 < hours <= source.page_hours:
        raise ValueError(f"{source.name} serves 1 to {source.page_hours} hours, not {hours}")
    with said_by(source.name, listing.symbol):
        ask = partial(_page, client, source, listing, now=now)
        whole = ask(page, seal=seal)
        parts = list(_parts(source, page, now, whole, ask))
        found = merged([whole, *parts]) if parts else whole
    return found._replace(
        closed_by=whole.closed_by,
        malformed=tuple(
            each._replace(words=said(source.name, each.words, listing.symbol))
            for each in found.malformed
        ),
    )


def seal_of(client: httpx.Client, source: Source, listing: Listing, page: Window) -> httpx.Response:
    """What vouches for the answer to this page, of a source that has such."""
    if source.seal is None:
        raise ValueError(f"{source.name} has nothing that vouches for an answer")
    return send(client, source.venue, source.seal.request(source.request(listing, page)))


def _page(  # noqa: PLR0913, PLR0917  as fetch
    client: httpx.Client,
    source: Source,
    listing: Listing,
    page: Window,
    now: datetime,
    seal: Callable[[], httpx.Response] | None = None,
) -> Fetched:
    response = _sealed(client, source, source.request(listing, page), seal)
    if source.in_files:
        return _held(source.parse(response), response, listing, page, now)
    with READING:
        frame = source.parse(response)
        _refuse_astray(frame, page, source)
        found = _held(frame, response, listing, page, now)
        return found._replace(market_caps=_market_caps(source, response))


def _held(
    frame: pl.DataFrame, response: httpx.Response, listing: Listing, page: Window, now: datetime
) -> Fetched:
    closed_by = _closed_by(response, now, frame, page)
    return held_to_rules(frame, listing, page, closed_by)._replace(closed_by=closed_by)


def _market_caps(source: Source, response: httpx.Response) -> pl.DataFrame | None:
    """What the answer tells beside its candles, which it does not cost them."""
    with suppress(Malformed):
        return None if source.market_caps is None else source.market_caps(response)
    return None


def _parts(
    source: Source, page: Window, now: datetime, whole: Fetched, ask: Callable[[Window], Fetched]
) -> Iterator[Fetched]:
    """What the source's smaller pages have of the hours that the whole one lacks."""
    if source.parts is None or whole.frame.height >= page.hours:
        return
    lacking = page.without(windows(whole.frame["open_time"]))
    for run in source.parts(page, lacking, now):
        for part in run:
            try:
                found = ask(part)
            except Malformed as error:  # costs its own hours, not those of the whole
                found = Fetched(empty(), (MalformedRows(part, str(error)),))
            yield found
            if found.frame.is_empty() and not found.malformed:
                break


def fetch_many(
    client: httpx.Client, source: Source, listings: Sequence[Listing], window: Window, now: datetime
) -> dict[Listing, pl.DataFrame]:
    """The closed candles in `window` of many listings by one request.

    A listing that is left out, because the answer leaves it out or tells nothing sure of it, is
    to be asked for by `fetch`. So are hours older than `source.many.reach`.
    """
    many = source.many
    if many is None or not 0 < len(listings) <= many.most:
        raise ValueError(f"{source.name} does not serve {len(listings)} listings at once")
    with said_by(source.name, f"{len(listings)} listings"):
        response = send(client, source.venue, many.request(listings))
        parsed = many.parse(response)
    frames = {}
    for listing in listings:
        if listing.symbol in parsed:
            frame = parsed[listing.symbol]
            closed_by = _closed_by(response, now, frame, window)
            with suppress(Malformed):  # one that makes no sense does not cost the others
                frames[listing] = check(_of(frame, listing, window, closed_by))
    return frames


def _sealed(
    client: httpx.Client,
    source: Source,
    request: httpx.Request,
    seal: Callable[[], httpx.Response] | None,
) -> httpx.Response:
    """The answer, once what lies beside it has vouched for it."""
    response = send(client, source.venue, request)
    if source.seal is not None and response.is_success:
        ask = partial(send, client, source.venue, source.seal.request(request))
        source.seal.check(response, (seal or ask)())
    return response


def _refuse_astray(frame: pl.DataFrame, page: Window, source: Source) -> None:
    """Malformed where candles are of another time: that is no word on the hours asked for.

    Beyond an end that is exact one such candle is enough; beyond another all must be elsewhere.
    Coinbase gives candles from before the page where it lacks some, at most a page.
    """
    first, last = frame["open_time"].min(), frame["open_time"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return
    longest = source.page_hours * HOUR
    before = first < page.start if source.exact_start else last < page.start - longest
    after = last >= page.end if source.exact_end else first > page.end
    if before or after:
        raise Malformed(f"its candles are of {Window(first, last + HOUR)}, asked for was {page}")


def held_to_rules(
    frame: pl.DataFrame, listing: Listing, page: Window, closed_by: datetime
) -> Fetched:
    """What is closed and within the page, in order, in plain coins, and keeps every rule.

    Malformed where half of the rows or more do not.
    """
    frame = _of(frame, listing, page, closed_by)
    try:
        return Fetched(check(frame))
    except Malformed:
        closed = min(page.end, whole_hour(closed_by))
        return sifted(frame, Window(page.start, max(page.start, closed)))


def _of(frame: pl.DataFrame, listing: Listing, page: Window, closed_by: datetime) -> pl.DataFrame:
    """What is closed and within the page, in order and in plain coins."""
    return _in_coins(_in_order(_within(frame, page, closed_by)), listing.multiple)


def first_candle(
    client: httpx.Client, source: Source, listing: Listing, now: datetime
) -> datetime | None:
    """When the very first candle opened; None if there is none yet, or the source cannot tell."""
    if source.first is None:
        return None
    frame, closed_by = _one(client, source, listing, source.first(listing), now)
    opened = frame["open_time"].min()
    return opened if isinstance(opened, datetime) and opened + HOUR <= closed_by else None


def last_candle(
    client: httpx.Client, source: Source, listing: Listing, now: datetime
) -> datetime | None:
    """When the very last candle opened; None if there is none, or the source cannot tell.

    Of a symbol that trades it is the one that is open.
    """
    if source.last is None:
        return None
    frame, _ = _one(client, source, listing, source.last(listing), now)
    opened = frame["open_time"].max()
    return opened if isinstance(opened, datetime) else None


def _one(
    client: httpx.Client, source: Source, listing: Listing, request: httpx.Request, now: datetime
) -> tuple[pl.DataFrame, datetime]:
    """The few candles that a request of its own asks for, and until when they are closed."""
    with said_by(source.name, listing.symbol):
        response = send(client, source.venue, request)
        frame = check(_in_coins(_in_order(source.parse(response)), listing.multiple))
    return frame, _closed_by(response, now, frame, Window(EPOCH, max(now, EPOCH)))


def paged(
    client: httpx.Client,
    venue: Venue,
    after: Callable[[httpx.Response | None], httpx.Request | None],
    parse: Callable[[httpx.Response], PageRead],
) -> Iterator[PageRead]:
    """What `parse` makes of each page of a list; `after` an answer comes the next request."""
    response, asked = None, set[httpx.URL]()
    while request := after(response):
        if request.url in asked:
            raise Malformed(f"its page {len(asked)} is to be followed by one that came before")
        if len(asked) == MOST_ANSWERS:
            raise Malformed(f"no end after {MOST_ANSWERS} pages")
        asked.add(request.url)
        response = send(client, venue, request)
        yield parse(response)


def send(client: httpx.Client, venue: Venue, request: httpx.Request) -> httpx.Response:
    """`request` under the manners of `venue`; any answer but data raises what it means."""
    request.extensions = {**request.extensions, "venue": venue}
    response = client.send(request)
    if error := venue.verdict(response):
        raise error
    return response


def _closed_by(
    response: httpx.Response, now: datetime, frame: pl.DataFrame, page: Window
) -> datetime:
    """Of two clocks the slower: a candle still open on either is left for the next time.

    Where the venue's is further behind than clocks differ, nobody knows which of them is wrong. A
    candle that two others follow has closed, whatever they say; one may be told ahead of its time.
    """
    answered = date(response)
    if answered is None:
        return now
    if answered < now - CLOCKS_APART:
        inside = frame["open_time"].filter(frame["open_time"] < page.end)
        newest = inside.max()
        answered = max(answered, newest - HOUR) if isinstance(newest, datetime) else answered
    return min(now, answered)


def _within(frame: pl.DataFrame, page: Window, now: datetime) -> pl.DataFrame:
    if _is_within(frame, page, now):
        return frame
    # By number: three times as literals cost polars as much as all the rest.
    opened = pl.col("open_time").to_physical()
    closed_until = min(_us(page.end), _us(now - HOUR) + 1)
    wanted = (opened >= _us(page.start)) & (opened < closed_until)
    return frame.filter(wanted | opened.is_null() if frame["open_time"].null_count() else wanted)


def _is_within(frame: pl.DataFrame, page: Window, now: datetime) -> bool:
    """Whether nothing is to be left out, as of nearly every page: a tenth of the filter's time."""
    first, last = frame["open_time"].min(), frame["open_time"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return False
    return page.start <= first and last < page.end and last + HOUR <= now


def _us(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """By time, the same row told twice but once; two rows for one hour are left to the rules."""
    opened = frame["open_time"]
    ordered = frame if opened.is_sorted() else frame.sort("open_time")
    if opened.n_unique() == frame.height:
        return ordered
    timeless = ordered.filter(pl.col("open_time").is_null())  # no two are known to be the same
    return pl.concat([timeless, ordered.drop_nulls("open_time").unique(maintain_order=True)])


def _in_coins(frame: pl.DataFrame, multiple: int) -> pl.DataFrame:
    """Prices of one coin and amounts in coins, where the symbol is of `multiple` coins."""
    if multiple == 1:
        return frame
    # By a whole column: polars divides by a single number through its inverse, which rounds twice.
    divisors = pl.repeat(float(multiple), frame.height, eager=True)
    prices = pl.col(PRICES) / pl.lit(divisors)
    return frame.with_columns(prices, pl.col("volume", "taker_buy_volume") * multiple)
