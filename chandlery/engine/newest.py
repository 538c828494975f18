"""The newest hours of many coins in one request, where a source serves them so."""

import logging
from collections.abc import Iterator

import polars as pl

from chandlery.engine.plan import Page
from chandlery.engine.source_batch import SourceBatch
from chandlery.errors import SourceError
from chandlery.model import Listing, Window, within
from chandlery.venues import fetch_many

log = logging.getLogger(__name__)

FEWEST = 2  # for one listing its own request is as cheap, and surer


def newest(batch: SourceBatch, pages: list[Page]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Take off `pages` what one request for many listings can give, and give it.

    What such an answer does not hold stays in `pages`, to be asked for one by one.
    """
    many = batch.source.many
    if many is None or batch.off is not None:
        return
    since = batch.spec.now - many.reach
    wanted: dict[Listing, list[Window]] = {}
    for page in pages:
        if page.window.start >= since:
            wanted.setdefault(page.listing, []).append(page.window)
    if len(wanted) < FEWEST:
        return
    listings = list(wanted)
    for first in range(0, len(listings), many.most):
        group = listings[first : first + many.most]
        yield from _group(batch, pages, {listing: wanted[listing] for listing in group})


def _group(
    batch: SourceBatch, pages: list[Page], wanted: dict[Listing, list[Window]]
) -> Iterator[tuple[int, pl.DataFrame]]:
    windows = [window for each in wanted.values() for window in each]
    hull = Window(min(each.start for each in windows), max(each.end for each in windows))
    batch.result.pages += 1
    try:
        frames = fetch_many(batch.context.client, batch.source, list(wanted), hull, batch.spec.now)
    except SourceError as error:
        log.warning("%s coins are asked for one by one: %s", len(wanted), error)
        return
    for listing, frame in frames.items():
        for window in wanted[listing]:
            part = within(frame, window)
            if part.height == window.hours:
                pages.remove(Page(listing, window, window))
                batch.course.came(window.hours, part.height)
                yield listing.coin, part
