"""Keys that have so many requests a month: what is spent is kept, and the rest is what there is."""

from datetime import datetime

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.venues import Source


def keep(context: RunContext, now: datetime) -> None:
    """Put what was sent since the last time to the month's account."""
    for source in context.sources.values():
        if _is_counted(context, source) and (requests := context.sent.pop(source.name, 0)):
            context.database.do(store.note_spent, source.name, now, requests)


def used_up(context: RunContext, source: Source, now: datetime) -> str | None:
    """Why a source may not be asked again this month, if so."""
    if not _is_counted(context, source):
        return None
    keep(context, now)
    most, sent = source.venue.credits or 0, context.database.do(store.spent, source.name, now)
    if sent < most:
        return None
    return f"{source.name}: the key's {most:,} requests of {now:%B} are used up"


def _is_counted(context: RunContext, source: Source) -> bool:
    return source.venue.credits is not None and bool(context.keys.get(source.name))
