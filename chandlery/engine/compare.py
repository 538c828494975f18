"""Whether the venue was down, or one coin halted: its holes held against the most traded coin.

The database tells where other coins of the venue are held. Where none is, the venue is asked for
bitcoin in the same hours, or for ethereum where the hole is bitcoin's; what comes is not stored.

    ETH lacks 02:00..06:00, and so does BTC   an outage: BTC was asked for 01:00..07:00 and has
                                              01:00 and 06:00, with nothing between
    ETH lacks 02:00..06:00, and BTC has it    no trades of ETH

A hole is compared by the run that was told of it, and again when it is asked for again. Hours in
which the other coin has candles are settled: nobody asks for it again.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from chandlery import store, venues
from chandlery.engine.context import RunContext
from chandlery.engine.evidence import FRAMED, Answer, sightings, told_by
from chandlery.engine.result import RunResult
from chandlery.engine.spec import RunSpec
from chandlery.errors import SourceError
from chandlery.model import HOUR, Listing, Window, whole_hour
from chandlery.store import Hole
from chandlery.venues import Source, fetch

log = logging.getLogger(__name__)

MOST_TRADED = ("bitcoin", "ethereum")
"""By CoinGecko's ids. Every venue lists them, since its first days, and an hour without a trade of
them is hard to imagine."""


def tell_outages(context: RunContext, spec: RunSpec, result: RunResult) -> None:
    """Tell the venues' outages in the spec's window, once the holes of this run are compared."""
    database = context.database
    database.do(store.find_outages, spec.window)
    if not result.pages:
        return  # a run that asked for nothing was told of no hole
    known = [name for name in context.sources if name not in result.off]
    holes = database.do(store.uncompared_holes, known, MOST_TRADED, spec.now)
    if not holes:
        return
    listings = database.do(store.listings, database.do(store.find, MOST_TRADED))
    for (name, other), some in groupby(holes, attrgetter("source", "other")):
        source = context.sources[name]
        its = [each for each in listings if (each.source, each.coin) == (source.listings, other)]
        _compare(context, spec, result, source, its, list(some))
    database.do(store.find_outages, spec.window)


def _compare(  # noqa: PLR0913, PLR0917  what is asked, of whom, for whom
    context: RunContext,
    spec: RunSpec,
    result: RunResult,
    source: Source,
    listings: Sequence[Listing],
    holes: Sequence[Hole],
) -> None:
    """Ask for another coin, by its listings, in the hours of the holes, and keep what it has."""
    answers, has = list[Answer](), list[Window]()
    try:
        for listing, page in _pages(source, spec, listings, holes):
            found = fetch(context.client, source, listing, page, spec.now)
            result.pages += 1
            if each := told_by(page, page, found):
                answers.append(each)
                has += each.page.without(each.holes)
    except SourceError as error:
        log.info("%s: holes are not compared: %s", source.name, error)
    asked = [each.page for each in answers]
    lacks = [each.window for each in sightings(answers, (), None) if each.outcome in FRAMED]
    told = [hole for hole in holes if not hole.window.without(asked)]
    context.database.do(store.note_compared, told, has, lacks)


def _pages(
    source: Source, spec: RunSpec, listings: Sequence[Listing], holes: Iterable[Hole]
) -> Iterator[tuple[Listing, Window]]:
    """What to ask for: each hole an hour wider on both sides, near ones by one request."""
    for hull in _hulls((hole.window for hole in holes), source.page_hours):
        wider = Window(hull.start - HOUR, min(hull.end + HOUR, whole_hour(spec.now)))
        for page in venues.pages(source, wider, spec.now):
            lives = [(each, life) for each in listings if (life := each.clip(page)) is not None]
            yield from lives[:1]


def _hulls(windows: Iterable[Window], page_hours: int) -> Iterator[Window]:
    """Windows that are in order, as few: those that fit into one page together, as one."""
    hull: Window | None = None
    for window in windows:
        both = window if hull is None else Window(hull.start, max(hull.end, window.end))
        if hull is not None and both.hours + 2 > page_hours:
            yield hull
            both = window
        hull = both
    if hull is not None:
        yield hull
