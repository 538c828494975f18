"""What a source is asked for: what is missing, and what is to be seen again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from chandlery import store, venues
from chandlery.engine.claimed import Claim
from chandlery.engine.context import RunContext
from chandlery.engine.spec import RunSpec
from chandlery.model import HOUR, KINDS, Listing, Window, whole_hour
from chandlery.store import Absence
from chandlery.venues import Source

SLACK = timedelta(seconds=50)
"""A run that comes every hour is not to miss its turn for having started some seconds sooner."""


class Page(NamedTuple):
    """Hours wanted of a listing, and the window asked for: the same, or an hour wider."""

    listing: Listing
    window: Window
    asked: Window


def pages(  # noqa: PLR0913, PLR0917  what a plan is made from
    context: RunContext,
    spec: RunSpec,
    source: Source,
    key: int,
    listings: Iterable[Listing],
    claim: Claim,
) -> list[Page]:
    """What to ask `source` (`key` in the database) for of its listings, by listing and time.

    That is what is missing in their lives, less the absences that need not be asked for yet; and
    what is held from this very source, where the spec wants it seen again. Where the spec is to
    fetch anew, it is what is held from this source without what it tells, and nothing else. What
    another run is at work on is left to it.
    """
    lives = [(each, life) for each in listings if (life := each.clip(spec.window)) is not None]
    known = _known(context, key, lives)
    found = []
    wanted = (
        _wanted(context, spec, source, key, lives, known)
        if spec.refetch is None
        else _lacking(context, key, lives)
    )
    for listing, window in wanted:
        for page in venues.pages(source, window, spec.now):
            awake = _awake(page, known[listing.coin], spec)
            for part in [] if awake is None else claim.cut(listing.coin, awake):
                asked = _framed(part, listing, source, known[listing.coin], spec.now)
                found.append(Page(listing, part, asked))
    return found


def _known(
    context: RunContext, key: int, lives: Sequence[tuple[Listing, Window]]
) -> Mapping[int, list[Absence]]:
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
    lives: Sequence[tuple[Listing, Window]],
    known: Mapping[int, list[Absence]],
) -> Iterable[tuple[Listing, Window]]:
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
    for asks, without in ((plain, replaced), (seen, [*replaced, key])):
        hours = [(listing.coin, window) for listing, window in asks]
        runs = context.database.do(store.missing, hours, without=without)
        for (listing, _), windows in zip(asks, runs, strict=True):
            for window in windows:
                yield listing, window


def _lacking(
    context: RunContext, key: int, lives: Sequence[tuple[Listing, Window]]
) -> Iterable[tuple[Listing, Window]]:
    """The hours held from this source (`key`) that lack what takers bought."""
    hours = [(listing.coin, life) for listing, life in lives]
    runs = context.database.do(store.lacking_taker, hours, key)
    for (listing, _), windows in zip(lives, runs, strict=True):
        for window in windows:
            yield listing, window


def _again(
    context: RunContext,
    spec: RunSpec,
    lives: Sequence[tuple[Listing, Window]],
    known: Mapping[int, list[Absence]],
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
        again[coin] = [spec.recheck]
        for each in known[coin]:
            again[coin] += each.window.without(again[coin])
    for coin, hour in context.database.do(store.suspects, coins, spec.window):
        again[coin] += Window(hour, hour + HOUR).without(again[coin])
    return again


def _replaced(context: RunContext, source: Source) -> list[int]:
    """The sources (by key) whose candles this one's are to replace: those of a worse kind."""
    worse = KINDS[KINDS.index(source.kind) + 1 :]
    names = [name for name, each in context.sources.items() if each.kind in worse]
    return [context.database.do(store.source_key, name) for name in names]


def _awake(page: Window, known: Iterable[Absence], spec: RunSpec) -> Window | None:
    """The page without the hours, at either end, that need not be asked for yet."""
    if not spec.patient:
        return page
    quiet = [each.window for each in known if _is_quiet(each, spec.now)]
    left = page.without(quiet)
    return Window(left[0].start, left[-1].end) if left else None


def _is_quiet(absence: Absence, now: datetime) -> bool:
    due = absence.retry_at
    return due is not None and absence.last_at <= now < due - SLACK


def _framed(
    page: Window, listing: Listing, source: Source, known: Iterable[Absence], now: datetime
) -> Window:
    """The page, an hour wider on both sides where some of it did not come before.

    Candles on both sides then show that the answer is whole. Files and price points show no such.
    """
    if source.pages is not None or source.reach is not None or page.hours + 2 > source.page_hours:
        return page
    if not any(each.window.clip(page) for each in known):
        return page
    # Also ahead of where the listing begins: a candle there says that it began earlier.
    wider = Window(page.start - HOUR, max(page.end, min(page.end + HOUR, whole_hour(now))))
    return replace(listing, start=None).clip(wider) or page
