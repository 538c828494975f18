"""What a source is asked for: what is missing, and what is to be seen again."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from chandlery import store, venues
from chandlery.engine.claimed import Claim
from chandlery.engine.context import RunContext
from chandlery.engine.spec import RunSpec
from chandlery.model import HOUR, KINDS, Listing, Window, overlapping, whole_hour
from chandlery.store import Absence
from chandlery.venues import Source

SLACK = timedelta(seconds=50)
"""A run that comes every hour is not to miss its turn for having started some seconds sooner."""


class Page(NamedTuple):
    """Hours wanted of a listing, and the window asked for: the same, or wider.

    Pages with one `asked` in a row are answered by one request.
    """

    listing: Listing
    window: Window
    asked: Window


Life = tuple[Listing, Window]
"""A part of a listing's life that is asked for. A listing may have several, in order."""


def lives(listings: Iterable[Listing], window: Window) -> list[Life]:
    """The listings that live in the window, each with when."""
    return [(each, life) for each in listings if (life := each.clip(window)) is not None]


def pages(  # noqa: PLR0913, PLR0917  what a plan is made from
    context: RunContext,
    spec: RunSpec,
    source: Source,
    key: int,
    lives: Sequence[Life],
    claim: Claim,
) -> list[Page]:
    """What to ask `source` (`key` in the database) for of its listings, by listing and time.

    That is what is missing in these lives, less the absences that need not be asked for yet; and
    what is held from this very source, where the spec wants it seen again. Where the spec is to
    fetch anew, it is what is held from this source without what it tells, and nothing else. What
    another run is at work on is left to it. Of a sparse source hours that fit into one page are
    asked for together, with whatever else is missing between them.
    """
    known = _known(context, key, lives)
    found = []
    lacked = (
        _wanted(context, spec, source, key, lives, known)
        if spec.refetch is None
        else _lacking(context, key, lives)
    )
    for listing, windows in lacked:
        lacking = known[listing.coin]
        tiles = [tile for window in windows for tile in venues.pages(source, window, spec.now)]
        awake = [part for tile in tiles if (part := _awake(tile, lacking, spec)) is not None]
        parts = [cut for part in awake for cut in claim.cut(listing.coin, part)]
        ours = partial(claim.has_all, listing.coin)
        for hull in _hulls(parts, source, spec.now, ours) if source.sparse else parts:
            asked = _framed(hull, listing, source, lacking, spec.now)
            inside = [tile.clip(hull) for tile in overlapping(tiles, hull, _itself)]
            wanted = [part for each in inside if each for part in claim.cut(listing.coin, each)]
            found += [Page(listing, part, asked) for part in wanted]
    return found


def _itself(window: Window) -> Window:
    return window


def _hulls(
    parts: Iterable[Window], source: Source, now: datetime, ours: Callable[[Window], bool]
) -> Iterator[Window]:
    """As few windows as have these parts, which are in order: those of one page together.

    None spans hours that are not `ours`.
    """
    hull: Window | None = None
    for part in parts:
        both = part if hull is None else Window(hull.start, part.end)
        if hull is not None and not (_is_one_page(both, source, now) and ours(both)):
            yield hull
            both = part
        hull = both
    if hull is not None:
        yield hull


def _is_one_page(window: Window, source: Source, now: datetime) -> bool:
    """Whether one request has all of it, and an hour on both sides.

    A file is not asked for in parts, and price points lie the further apart the longer a page is.
    """
    if source.in_files or source.kind == "indicative":
        return False
    wider = Window(window.start - HOUR, window.end + HOUR)
    return next(iter(venues.pages(source, wider, now)), None) == wider


def _known(context: RunContext, key: int, lives: Sequence[Life]) -> Mapping[int, list[Absence]]:
    """Each coin's absences at this source."""
    known = defaultdict(list)
    for each in context.database.do(store.absences, key, [listing.coin for listing, _ in lives]):
        known[each.coin].append(each)
    return known


def _wanted(  # noqa: PLR0913, PLR0917  what a plan is made from
    context: RunContext,
    spec: RunSpec,
    source: Source,
    key: int,
    lives: Sequence[Life],
    known: Mapping[int, Sequence[Absence]],
) -> Iterable[tuple[Listing, list[Window]]]:
    """The missing hours of the listings' lives; those to be seen again count as missing."""
    again = _again(context, spec, lives, known)
    replaced = _replaced(context, source)
    plain = [(each, part) for each, life in lives for part in life.without(again[each.coin])]
    seen = [
        (each, part)
        for each, life in lives
        for window in again[each.coin]
        if (part := life.clip(window)) is not None
    ]
    found: dict[Listing, list[Window]] = {each: [] for each, _ in lives}
    for asks, without in ((plain, replaced), (seen, [*replaced, key])):
        hours = [(listing.coin, window) for listing, window in asks]
        runs = context.database.do(store.missing, hours, without=without)
        for (listing, _), windows in zip(asks, runs, strict=True):
            found[listing] += windows
    for listing, windows in found.items():
        yield listing, sorted(windows, key=attrgetter("start"))


def _lacking(
    context: RunContext, key: int, lives: Sequence[Life]
) -> Iterable[tuple[Listing, Sequence[Window]]]:
    """The hours held from this source (`key`) that lack what takers bought."""
    hours = [(listing.coin, life) for listing, life in lives]
    runs = context.database.do(store.lacking_taker, hours, key)
    for (listing, _), windows in zip(lives, runs, strict=True):
        yield listing, windows


def _again(
    context: RunContext,
    spec: RunSpec,
    lives: Sequence[Life],
    known: Mapping[int, Sequence[Absence]],
) -> Mapping[int, list[Window]]:
    """By coin: the newest hours, which venues restate, and those that look wrong; disjoint.

    And those that were not given when they were last asked for, though they are held: they were to
    be seen again then, and were not.
    """
    again: dict[int, list[Window]] = defaultdict(list)
    if spec.recheck is None:
        return again
    coins = [listing.coin for listing, _ in lives]
    for coin in coins:
        lacking = [each.window for each in known[coin] if not _is_quiet(each, spec)]
        older = [part for each in lacking for part in each.without([spec.recheck])]
        again[coin] = [*older, spec.recheck]
    for coin, hour in context.database.do(store.suspects, coins, spec.window):
        again[coin] += Window(hour, hour + HOUR).without(again[coin])
    return again


def _replaced(context: RunContext, source: Source) -> list[int]:
    """The sources (by key) whose candles this one's are to replace: those of a worse kind."""
    worse = KINDS[KINDS.index(source.kind) + 1 :]
    names = [name for name, each in context.sources.items() if each.kind in worse]
    return [context.database.do(store.source_key, name) for name in names]


def _awake(page: Window, known: Sequence[Absence], spec: RunSpec) -> Window | None:
    """The page without the hours, at either end, that need not be asked for yet."""
    there = overlapping(known, page, attrgetter("window"))
    left = page.without(each.window for each in there if _is_quiet(each, spec))
    return Window(left[0].start, left[-1].end) if left else None


def _is_quiet(absence: Absence, spec: RunSpec) -> bool:
    """Whether it need not be asked for yet, or not at all any more."""
    if not spec.patient or absence.last_at > spec.now:
        return False
    due = absence.retry_at
    return absence.settled or (due is not None and spec.now < due - SLACK)


def _framed(
    page: Window, listing: Listing, source: Source, known: Sequence[Absence], now: datetime
) -> Window:
    """The page, an hour wider on both sides where some of it did not come before.

    Candles on both sides then show that the answer is whole. Files and price points show no such.
    """
    if not overlapping(known, page, attrgetter("window")) or not _is_one_page(page, source, now):
        return page
    # Also ahead of where the listing begins: a candle there says that it began earlier.
    wider = Window(page.start - HOUR, max(page.end, min(page.end + HOUR, whole_hour(now))))
    return replace(listing, start=None).clip(wider) or page
