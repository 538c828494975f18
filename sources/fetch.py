"""Asking a source: send, refuse by verdict, parse, and hold the answer to everyone's rules."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import polars as pl

from candles import HOUR, Listing, Malformed, Window, check, clock, whole_hour
from candles.frame import PRICES
from sources.source import CATALOGUE, Source, Venue, nameable
from sources.words import date, said_by

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
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


def _reached(reach: timedelta, window: Window, now: datetime) -> Window:
    since = whole_hour(now - reach) + HOUR
    return Window(since, max(window.end, since))


def fetch(
    client: httpx.Client, source: Source, listing: Listing, page: Window, now: datetime
) -> pl.DataFrame:
    """The closed candles of `page` in plain coins; a SourceError says why there are none."""
    hours = -((page.start - page.end) // HOUR)
    if not 0 < hours <= source.page_hours:
        raise ValueError(f"{source.name} serves 1 to {source.page_hours} hours, not {hours}")
    with said_by(source.name, listing.symbol):
        response = _sealed(client, source, source.request(listing, page))
        frame = source.parse(response)
        if source.pages is None:  # a file has other hours as well
            _refuse_astray(frame, page, source.page_hours)
        return _held(frame, listing, page, _closed_by(response, now))


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
    closed_by, frames = _closed_by(response, now), {}
    for listing in listings:
        if listing.symbol in parsed:
            with suppress(Malformed):  # one that makes no sense does not cost the others
                frames[listing] = _held(parsed[listing.symbol], listing, window, closed_by)
    return frames


def _sealed(client: httpx.Client, source: Source, request: httpx.Request) -> httpx.Response:
    """The answer, once what lies beside it has vouched for it."""
    response = send(client, source.venue, request)
    if source.seal is not None and response.is_success:
        seal = send(client, source.venue, source.seal.request(request))
        source.seal.check(response, seal)
    return response


def _refuse_astray(frame: pl.DataFrame, page: Window, reach: int) -> None:
    """Malformed where all candles are of another time: that is no word on the hours asked for.

    Coinbase gives candles from before as well where it lacks some, at most a page.
    """
    first, last = frame["open_time"].min(), frame["open_time"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return
    if last < page.start - reach * HOUR or first > page.end:
        raise Malformed(f"its candles are of {Window(first, last + HOUR)}, asked for was {page}")


def _held(frame: pl.DataFrame, listing: Listing, page: Window, closed_by: datetime) -> pl.DataFrame:
    """What is closed and within the page, in order and in plain coins, held to the rules."""
    within = _within(frame, page, closed_by)
    return check(_in_coins(_in_order(within), listing.multiple))


def first_candle(
    client: httpx.Client, source: Source, listing: Listing, now: datetime
) -> datetime | None:
    """When the very first candle opened; None if there is none yet, or the source cannot tell."""
    if source.first is None:
        return None
    with said_by(source.name, listing.symbol):
        response = send(client, source.venue, source.first(listing))
        opened = source.parse(response)["open_time"].min()
    closed = isinstance(opened, datetime) and opened + HOUR <= _closed_by(response, now)
    return opened if isinstance(opened, datetime) and closed else None


def catalogue(client: httpx.Client, source: Source) -> pl.DataFrame:
    """What `source` lists, as CATALOGUE; empty where it has no list."""
    if source.catalogue is None:
        return CATALOGUE.to_frame()
    frames: list[pl.DataFrame] = []
    response, asked = None, set[httpx.URL]()
    with said_by(source.name, "catalogue"):
        while request := source.catalogue.request(response):
            if request.url in asked:
                raise Malformed(f"its page {len(frames)} is to be followed by one that came before")
            asked.add(request.url)
            response = send(client, source.venue, request)
            frames.append(source.catalogue.parse(response))
            if len(frames) > MOST_ANSWERS:
                raise Malformed(f"no end after {MOST_ANSWERS} pages")
    found = pl.concat(frames).match_to_schema(CATALOGUE) if frames else CATALOGUE.to_frame()
    return found.filter(nameable("symbol", "asset", "base", "quote"))


def send(client: httpx.Client, venue: Venue, request: httpx.Request) -> httpx.Response:
    """`request` under the manners of `venue`; any answer but data raises what it means."""
    request.extensions = {**request.extensions, "venue": venue}
    response = client.send(request)
    if error := venue.verdict(response):
        raise error
    return response


def _closed_by(response: httpx.Response, now: datetime) -> datetime:
    """Of two clocks the slower: a candle still open on either is left for the next time."""
    answered = date(response)
    return now if answered is None else min(now, answered)


def _within(frame: pl.DataFrame, page: Window, now: datetime) -> pl.DataFrame:
    # By number: three times as literals cost polars as much as all the rest.
    opened = pl.col("open_time").to_physical()
    closed_until = min(_us(page.end), _us(now - HOUR) + 1)
    return frame.filter((opened >= _us(page.start)) & (opened < closed_until))


def _us(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """By time, the same row told twice but once; two rows for one hour are left to the rules."""
    opened = frame["open_time"]
    ordered = frame if opened.is_sorted() else frame.sort("open_time")
    doubled = opened.n_unique() != frame.height
    return ordered.unique(maintain_order=True) if doubled else ordered


def _in_coins(frame: pl.DataFrame, multiple: int) -> pl.DataFrame:
    """Prices of one coin and amounts in coins, where the symbol is of `multiple` coins."""
    if multiple == 1:
        return frame
    # By a whole column: polars divides by a single number through its inverse, which rounds twice.
    divisors = pl.repeat(float(multiple), frame.height, eager=True)
    prices = pl.col(PRICES) / pl.lit(divisors)
    return frame.with_columns(prices, pl.col("volume") * multiple)
