"""What a source was seen to lack, put to what was known of it, and when it is asked again.

Emptiness is asked about again an hour after it was first seen, and then only once a week: the first
time may have been too early, or our own fault. What failed is asked for by the next run.

A source that is sparse leaves hours out in which nothing traded, and of a small coin these are
thousands. A hole between its candles is asked about again after a day. It is settled if it is there
again, within one answer, and the source had another coin's candles in its hours. A page that is
short by mistake would have to lack the same hours twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter

from chandlery import store
from chandlery.engine.evidence import EMPTY, FRAMED, LACKED, Sighting, sightings
from chandlery.engine.result import Failure
from chandlery.engine.source_batch import SourceBatch
from chandlery.model import HOUR, Window, overlapping
from chandlery.store import Absence

SURE_AFTER = timedelta(minutes=30)
SHORT_REST, LONG_REST = HOUR, timedelta(days=7)
SPARSE_REST = timedelta(days=1)
SETTLED_AFTER = timedelta(hours=12)
"""Between two looks at a hole of a sparse source: longer than a venue is ill, or a cache is old."""
LOST = "an answer lacks hours that the venue is known to have"
ALIKE = timedelta(days=1)
"""Touching hours whose next attempts are less apart are kept as one: asked again with the first."""


def keep(batch: SourceBatch, key: int) -> None:
    """Put what the batch was not given among the absences, and how the source fared.

    `key` is the source's in the database.
    """
    asked, seen = _seen(batch, key)
    batch.one_by_one(asked, lambda some: batch.context.database.do(_put, batch, key, some, seen))
    batch.failures.extend(
        Failure(coin, batch.source.name, each.window, f"{batch.source.name}: {LOST}")
        for coin, found in seen.items()
        for each in found
        if each.outcome == "lost"
    )


def _put(
    connection: store.Connection,
    batch: SourceBatch,
    key: int,
    asked: Mapping[int, Sequence[Window]],
    seen: Mapping[int, Sequence[Sighting]],
) -> None:
    now = batch.spec.now
    merge = partial(merged, now=now, sparse=batch.source.sparse)
    # Another run may have other hours of a coin, of which all that is known is read and replaced.
    with store.alone(connection, "absences"):
        known = defaultdict(list)
        for each in store.absences(connection, key, asked):
            known[each.coin].append(each)
        changed = {
            coin: merge(coin, known[coin], windows, seen.get(coin, ()))
            for coin, windows in asked.items()
            if known[coin] or seen.get(coin)
        }
        store.replace_absences(
            connection,
            key,
            [coin for coin, each in changed.items() if each != known[coin]],
            [one for coin, each in changed.items() if each != known[coin] for one in each],
        )
        if batch.answers or batch.failures:
            failed = next((each for each in reversed(batch.failures) if not each.refused), None)
            store.note_health(
                connection,
                key,
                answered_at=now if batch.answers else None,
                failed_at=now if failed else None,
                words=failed.words if failed else None,
            )


def _seen(
    batch: SourceBatch, key: int
) -> tuple[dict[int, list[Window]], defaultdict[int, list[Sighting]]]:
    """By coin: the windows that were asked for, and what did not come."""
    asked: dict[int, list[Window]] = {}
    seen: defaultdict[int, list[Sighting]] = defaultdict(list)
    held = batch.context.database.do(store.held_from, key, batch.beyond())
    for listing, answers in batch.answers.items():
        asked.setdefault(listing.coin, []).extend(each.page for each in answers)
        found = sightings(
            answers, {hour for coin, hour in held if coin == listing.coin}, listing.start
        )
        others = [
            part
            for other, more in batch.answers.items()
            if other.coin == listing.coin and other != listing
            for each in more
            for part in each.page.without(each.holes)
        ]
        seen[listing.coin] += [
            each._replace(window=part) for each in found for part in each.window.without(others)
        ]
    for failure in batch.failures:
        asked.setdefault(failure.coin, []).append(failure.window)
        outcome = "refused" if failure.refused else "failed"
        seen[failure.coin].append(Sighting(failure.window, outcome, failure.words))
    return asked, seen


def merged(  # noqa: PLR0913  what was known, what is seen, and when
    coin: int,
    known: Sequence[Absence],
    asked: Sequence[Window],
    seen: Iterable[Sighting],
    now: datetime,
    *,
    sparse: bool = False,
) -> list[Absence]:
    """What is known of a coin at a source, once it was asked for these windows: disjoint, in order.

    What was known of the windows asked gives way to what was seen now. `known` is disjoint and in
    order too; `sparse` is the source's.
    """
    by_window = attrgetter("window")
    ordered = _apart(asked)
    rest = [
        each._replace(window=part)
        for each in known
        for part in each.window.without(overlapping(ordered, each.window, lambda it: it))
    ]
    fresh: list[Absence] = []
    taken: list[Window] = []
    for sighting in seen:
        before = overlapping(known, sighting.window, by_window)
        # One listing's sightings are in order, and most coins have one: few have to be looked at.
        told = taken if taken and sighting.window.start < taken[-1].end else ()
        for window in sighting.window.without(told):
            part = sighting._replace(window=window)
            fresh += _sighted(coin, part, before, now, sparse=sparse)
        taken = _apart([*taken, sighting.window])
    return _joined(sorted([*rest, *fresh], key=lambda each: each.window.start))


def _apart(windows: Iterable[Window]) -> list[Window]:
    """The same hours in windows that are disjoint and in order."""
    found: list[Window] = []
    for each in sorted(windows, key=attrgetter("start")):
        if found and each.start < found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return found


def _sighted(
    coin: int, sighting: Sighting, known: Iterable[Absence], now: datetime, *, sparse: bool
) -> Iterable[Absence]:
    before = [each for each in known if each.window.clip(sighting.window)]
    after = partial(_after, sparse=sparse and sighting.outcome in FRAMED)
    for part in sighting.window.without(each.window for each in before):
        yield after(Absence(coin, part, sighting.outcome, sighting.words, now, now, 1, None))
    for each in before:
        alike = (each.outcome in EMPTY) == (sighting.outcome in EMPTY)
        framed = sighting.outcome in FRAMED
        again = each._replace(
            outcome=sighting.outcome,
            words=sighting.words,
            first_at=min(each.first_at, now) if alike else now,
            last_at=max(each.last_at, now),
            attempts=each.attempts + 1,
            retry_at=None,
            others=each.others if framed else None,
            other=each.other if framed else None,
        )
        settled = sparse and each.outcome in LACKED and _is_settled(again)
        for part in _shared(each.window, sighting.window):
            yield after(again._replace(window=part, settled=settled))


def _is_settled(absence: Absence) -> bool:
    """Whether a sparse source's hole was seen in one answer, again, and is its coin's alone."""
    is_old = absence.last_at - absence.first_at >= SETTLED_AFTER
    return absence.outcome == "hole" and absence.others == "have" and is_old


def _shared(one: Window, other: Window) -> list[Window]:
    both = one.clip(other)
    return [] if both is None else [both]


def _after(absence: Absence, *, sparse: bool) -> Absence:
    """The same with the time before which nobody asks again; `sparse` of a sparse source's hole."""
    if absence.outcome not in EMPTY or absence.settled:
        return absence
    since, rest = absence.first_at, SPARSE_REST if sparse else SHORT_REST
    if absence.last_at - absence.first_at >= (SETTLED_AFTER if sparse else SURE_AFTER):
        since, rest = absence.last_at, LONG_REST
    return absence._replace(retry_at=since + rest)


def _joined(parts: Iterable[Absence]) -> list[Absence]:
    """Touching hours that are known alike, as one."""
    joined: list[Absence] = []
    for part in parts:
        if joined and _are_alike(joined[-1], part):
            joined[-1] = _as_one(joined[-1], part)
        else:
            joined.append(part)
    return joined


def _are_alike(one: Absence, next_: Absence) -> bool:
    if one.window.end != next_.window.start or _said(one) != _said(next_):
        return False
    if one.retry_at is None or next_.retry_at is None:
        return one.retry_at is next_.retry_at
    if _is_sure(one) != _is_sure(next_):
        return False
    near = abs(one.retry_at - next_.retry_at) < ALIKE
    return near if _is_sure(one) else one.first_at == next_.first_at


def _said(absence: Absence) -> tuple[object, ...]:
    return absence.outcome, absence.words, absence.others, absence.other, absence.settled


def _is_sure(absence: Absence) -> bool:
    """Whether it was seen again, long enough after it was first seen."""
    return absence.last_at - absence.first_at >= SURE_AFTER


def _as_one(one: Absence, next_: Absence) -> Absence:
    retries = [each.retry_at for each in (one, next_) if each.retry_at is not None]
    return one._replace(
        window=Window(one.window.start, next_.window.end),
        first_at=min(one.first_at, next_.first_at),
        last_at=max(one.last_at, next_.last_at),
        attempts=max(one.attempts, next_.attempts),
        retry_at=min(retries, default=None),
    )
