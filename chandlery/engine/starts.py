"""When a listing's candles begin: a guess with a date, until candles on both sides agree.

A venue tells a day (`told_start`), some tell the first candle, and either can be wrong: the day is
not quite that of the first candle for old contracts, a symbol may have been another coin before
it, and a cache may answer with yesterday's candle. So the hours before a beginning are looked at.

    nothing before it                     it stands, and is looked at again in a month
    candles right up to it                candles win: it began earlier (Bybit's BTCUSDT, by 5 days)
    a hole, and another price behind it   another coin's: the told day stands (LITUSDT, Litentry to
                                          2025-01, Lighter since 2025-12)
    a hole, and a price that is another   the same coin, redenominated: candles win (BNXUSDT,
    by a power of ten within days         1:100 over 149 hours)
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log10

import polars as pl

from chandlery import store
from chandlery.engine.evidence import first_after_emptiness
from chandlery.engine.source_batch import SourceBatch
from chandlery.errors import Rejected, SourceError, Unavailable
from chandlery.model import HOUR, Listing, Window, empty, whole_hour
from chandlery.store.findings import POWER_OF_TEN, REDENOMINATED
from chandlery.venues import Source, fetch, first_candle, page_before, pages

GUESS_LASTS = timedelta(days=30)
TOLD_NEARLY = timedelta(days=1)
"""A contract is onboarded some hours before its first trade."""
HOLE = timedelta(hours=24)
OTHER_PRICE = log10(1.5)
MOST_PAGES = 300
PROBES = 3


@dataclass(frozen=True)
class Asker:
    """How the venue is asked for one listing."""

    batch: SourceBatch
    source: Source
    listing: Listing

    def first(self) -> datetime | None:
        """Its word for when the first candle opened."""
        now = self.batch.spec.now
        return first_candle(self.batch.context.client, self.source, self.listing, now)

    def candles(self, window: Window) -> pl.DataFrame:
        """A page of candles that is not stored."""
        spec, client = self.batch.spec, self.batch.context.client
        return fetch(client, self.source, self.listing, window, spec.now).frame

    def until(self, end: datetime) -> tuple[Window, pl.DataFrame] | None:
        """The page of candles that ends at `end`; None where the venue reaches that far no more."""
        page = page_before(self.source, end, self.batch.spec.now)
        return None if page is None else (page, self.candles(page))

    def before(self, at: datetime) -> pl.DataFrame:
        """The page of candles that ends with the one that opens at `at`."""
        found = self.until(at + HOUR)
        return empty() if found is None else found[1]


def known(batch: SourceBatch, listings: Sequence[Listing]) -> list[Listing]:
    """The listings with their starts, as far as they matter for the window and are not known.

    One that has no candle yet, or of which the venue did not say, is left out.
    """
    source = batch.context.sources[
        batch.source.listings
    ]  # a second way has its first one's listings
    due = [each for each in listings if _is_due(batch, source, each)]
    futures = {each: batch.context.workers.submit(_beginning, batch, source, each) for each in due}
    found = [
        _learnt(batch, each, futures[each]) if each in futures else _as_the_venue_says(each)
        for each in listings
    ]
    return [each for each in found if each is not None]


def _as_the_venue_says(listing: Listing) -> Listing:
    """The listing as the venue tells it, where nobody can ask its candles: its API may be closed.

    Its files have the hours of what the symbol was before, too.
    """
    known = listing.start is not None or listing.told_start is None
    return listing if known else replace(listing, start=listing.told_start)


def _is_due(batch: SourceBatch, source: Source, listing: Listing) -> bool:
    """Whether asking through emptiness, or passing over hours, would cost more than two pages."""
    spec = batch.spec
    if batch.off is not None or spec.window.hours <= source.page_hours:
        return False
    if source.name in batch.result.off or not batch.claim.covers(listing.coin, spec.window):
        return False
    if listing.start is None:
        return source.first is not None
    asked = listing.start_checked_at
    is_old = asked is None or not timedelta(0) <= spec.now - asked < GUESS_LASTS
    return is_old and spec.window.start < listing.start <= spec.now - HOUR


def _learnt(
    batch: SourceBatch, listing: Listing, future: Future[datetime | None]
) -> Listing | None:
    """The listing with its start; None where it has no candle yet, or the venue did not say."""
    try:
        start = future.result()
    except Rejected as error:
        if listing.start is not None and listing.end is not None:
            return listing  # the API knows it no more: its files have what was learnt
        batch.note(listing, batch.spec.window, error)
        return None
    except SourceError as error:
        batch.note(listing, batch.spec.window, error)
        return None
    if start is None:
        return None
    batch.context.database.do(store.note_start, listing, start, batch.spec.now)
    return replace(listing, start=start, start_checked_at=batch.spec.now)


def _beginning(batch: SourceBatch, source: Source, listing: Listing) -> datetime | None:
    asker = Asker(batch, source, listing)
    if source.first is not None:
        return _by_the_first_candle(asker)
    return listing.start and _earlier(asker, listing.start)


def _by_the_first_candle(asker: Asker) -> datetime | None:
    """Hold the venue's word for the first candle against the candles before it, and the told day.

    None where there is no candle yet.
    """
    first = asker.first() or asker.first()
    if first is None:
        _refuse_if_there_are_candles(asker)
        return None
    told = asker.listing.told_start
    if told is not None and first < told - TOLD_NEARLY:
        return _after_another_coin(asker, told) or first
    for _ in range(PROBES):
        found = asker.before(first)["open_time"].min()
        if found == first:
            return first
        earlier = [each for each in (found, asker.first()) if isinstance(each, datetime)]
        first = min([first, *earlier])
    raise Unavailable(f"{asker.source.name}: tells several first candles ({asker.listing.symbol})")


def _refuse_if_there_are_candles(asker: Asker) -> None:
    """Unavailable where it tells no first candle, and has some all the same."""
    end = whole_hour(asker.batch.spec.now)
    if not asker.before(end - HOUR).is_empty():
        words = f"{asker.source.name}: tells no first candle, and has candles"
        raise Unavailable(f"{words} ({asker.listing.symbol})")


def _earlier(asker: Asker, start: datetime) -> datetime:
    """Go back from a start for as long as there are candles of this coin before it."""
    for _ in range(MOST_PAGES):
        page = asker.before(start)
        older = page.filter(pl.col("open_time") < start)
        if older.is_empty() or _is_another_coin(page, start):
            return start
        start = min(older["open_time"])
    return start


def _after_another_coin(asker: Asker, told: datetime) -> datetime | None:
    """When the candles begin after the told day, if those before it are of another coin."""
    told, now = whole_hour(told), asker.batch.spec.now
    half = asker.source.page_hours // 2 * HOUR
    page = next(
        iter(pages(asker.source, Window(told, min(told + half, whole_hour(now))), now)), None
    )
    after = empty() if page is None else asker.candles(page)
    if after.is_empty():
        return told
    begins = after["open_time"].min()
    last = _last_before(asker, told)
    if not isinstance(begins, datetime) or last is None:
        return None
    return begins if _is_another_coin(pl.concat([last, after.head(1)]), begins) else None


def _last_before(asker: Asker, at: datetime) -> pl.DataFrame | None:
    """The newest candle before `at`: a page back at a time."""
    for _ in range(MOST_PAGES):
        found = asker.until(at)
        if found is None:
            return None
        page, candles = found
        if not candles.is_empty():
            return candles.tail(1)
        at = page.start
    return None


def _is_another_coin(candles: pl.DataFrame, start: datetime) -> bool:
    """Whether what lies before `start` is not what begins with it: a hole, and another price."""
    before = candles.filter(pl.col("open_time") < start).tail(1)
    after = candles.filter(pl.col("open_time") >= start).head(1)
    if before.is_empty() or after.is_empty():
        return False
    hole = after["open_time"][0] - before["open_time"][0] - HOUR
    jump = abs(log10(after["open"][0] / before["close"][0]))
    is_redenomination = (
        hole <= REDENOMINATED and round(jump) >= 1 and abs(jump - round(jump)) <= POWER_OF_TEN
    )
    return hole >= HOLE and jump >= OTHER_PRICE and not is_redenomination


def learn(batch: SourceBatch, listings: list[Listing]) -> None:
    """Where a venue tells of no beginning: it is where the first candle came after emptiness.

    A file that is not there is no word on a listing: it may be late.
    """
    if batch.source.first is not None or batch.source.in_files:
        return
    failed = {failure.coin for failure in batch.failures}
    for listing in listings:
        if listing.start is None and listing.coin not in failed:
            start = first_after_emptiness(batch.answers.get(listing, ()), batch.spec.window.start)
            if start is not None:
                batch.context.database.do(store.note_start, listing, start, batch.spec.now)


def doubt(batch: SourceBatch) -> None:
    """Candles that are older than a listing's start are the end of that guess."""
    older = [
        listing
        for listing, answers in batch.answers.items()
        if listing.start is not None
        and any(each.first is not None and each.first < listing.start for each in answers)
    ]
    if older:
        batch.context.database.do(store.doubt_starts, older)
