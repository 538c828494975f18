"""`chandlery gaps`: which hours are missing, and why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
import psycopg
from rich.markup import escape
from rich.table import Table

from chandlery import store
from chandlery.cli.console import NO_CANDLES, errors, output, print_json
from chandlery.cli.options import (
    END,
    JSON,
    MAX_COINS,
    NOW,
    START,
    START_YEAR,
    SYMBOLS,
    at,
    options,
    since,
)
from chandlery.engine.chosen import choose
from chandlery.engine.spec import few
from chandlery.model import Coin, Window, utc_text, window
from chandlery.settings import settings
from chandlery.store.gaps import NOT_MISSING, Gap, Outage
from chandlery.words import counted

SCREEN = 40  # lines, where no more are asked for
ASKED = {
    "hole": "has none between candles that it has",
    "between": "has none between candles that it has",
    "edge": "gave none",
    "lost": "left out hours that it is known to have",
    "failed": "did not answer",
    "refused": "refused",
    "malformed": "has a candle that breaks a rule",
}
"""What came of asking, in words."""
OTHERS = {
    None: "",
    "have": ", and has {whose}",
    "lack": ", nor has it {whose}",
    "alone": ", only this coin was asked",
}
"""What the source had of other coins in the same hours, in words."""


@click.command()
@click.argument("coin", required=False)
@click.option(
    "--most",
    default=SCREEN,
    show_default=True,
    type=click.IntRange(1),
    help="Lines to show at most.",
)
@options(SYMBOLS, MAX_COINS, START, START_YEAR, END, NOW, JSON)
def gaps(  # noqa: PLR0913  a verb's options
    *,
    coin: str | None,
    most: int,
    symbols: list[str] | None,
    max_coins: int | None,
    start: str | None,
    start_year: int | None,
    end: str | None,
    now: str | None,
    as_json: bool,
) -> int:
    """Which hours are missing, why, and when they are asked for again.

    Of COIN (a ticker or a CoinGecko id), or of all; within --start and --end, or since listing.
    Exit code 1: hours that were stored are gone, and what is missing cannot be told.
    """
    moment, asked = at(now), [*(symbols or ()), *([coin] if coin else ())]
    start = since(start, start_year)
    within, best = window(start, end, moment), few(max_coins)
    with store.connect(settings()) as connection:
        store.migrate(connection)
        if now is None:  # a moment of the past that is named may be looked at
            store.refuse_clock_behind(connection, moment)
        refresh(connection)
        chosen = choose(connection, asked or None, best) if asked or best else None
        coins = None if chosen is None else [each.key for each in chosen]
        found = store.gaps(connection, coins, within, moment, before=start is not None)
        without = None if found else _without_candles(connection, chosen, moment)
        outages = store.outages(connection, within)
        lost = store.lost_days(connection, coins)
    if as_json:
        print_json(as_object(found, outages) | {"lost": span_of_lost(lost)})
    elif without is not None:
        output.print(without, highlight=False, markup=False)
    else:
        _print(found, [] if chosen else outages, most, moment)
    return tell_lost(lost)


def tell_lost(lost: Window | None) -> int:
    """Say that days count hours which are gone; give the exit code."""
    if lost is None:
        return 0
    errors.print(
        f"hours from {utc_text(lost.start)} to {utc_text(lost.end)} were stored and are gone, so"
        " what is missing cannot be told: `chandlery maintain` finds them, and says what fetches"
        " them again",
        highlight=False,
        soft_wrap=True,
    )
    return 1


def span_of_lost(lost: Window | None) -> dict[str, str] | None:
    """Part of a JSON object."""
    if lost is None:
        return None
    return {"start": lost.start.isoformat(), "end": lost.end.isoformat()}


def _without_candles(
    connection: store.Connection, coins: Sequence[Coin] | None, now: datetime
) -> str | None:
    """What to say where there is nothing that hours could be missing of."""
    held = {each.key for each in store.held(connection, now)}
    if coins is None:
        return None if held else NO_CANDLES
    lacking = ",".join(coin.symbol for coin in coins if coin.key not in held)
    fetch = f"`chandlery backfill --symbols {lacking}` fetches some"
    return f"no candles of {lacking} yet: {fetch}" if lacking else None


def refresh(connection: store.Connection) -> None:
    """As the database's reader one sees what a writer has refreshed."""
    try:
        store.refresh(connection)
    except psycopg.errors.InsufficientPrivilege:
        click.echo(
            "some candles wait for a refresh, which this user may not do:"
            " hours may be told as missing that are there",
            err=True,
        )


def as_object(found: Sequence[Gap], outages: Iterable[Outage]) -> dict[str, object]:
    """One JSON object: totals, every gap, the venues' outages."""
    real = [gap for gap in found if gap.reason not in NOT_MISSING]
    hours = Counter[str]()
    for gap in found:
        hours[gap.reason] += gap.window.hours
    return {
        "total_gaps": len(real),
        "missing_hours": sum(gap.window.hours for gap in real),
        "hours_by_reason": dict(hours.most_common()),
        "gaps": [
            {
                "symbol": gap.symbol,
                "coin_id": gap.coin_id,
                "start": gap.window.start.isoformat(),
                "end": gap.window.end.isoformat(),
                "hours": gap.window.hours,
                "reason": gap.reason,
                "evidence": gap.evidence,
                "attempts": gap.attempts,
                "first_asked": _iso(gap.first_asked),
                "last_asked": _iso(gap.last_asked),
                "next_attempt": _iso(gap.next_attempt),
                "asked_by": gap.asked_by,
            }
            for gap in found
        ],
        "outages": [
            {
                "source": outage.source,
                "start": outage.window.start.isoformat(),
                "end": outage.window.end.isoformat(),
                "hours": outage.window.hours,
                "coins": outage.coins,
            }
            for outage in outages
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _print(found: Sequence[Gap], outages: Sequence[Outage], most: int, now: datetime) -> None:
    """Outages once each and, of all coins, only gaps that have another reason."""
    for outage in outages[-most:]:
        hours, coins = counted(outage.window.hours, "hour"), counted(outage.coins, "coin")
        output.print(
            f"outage of {outage.source}: {_span(outage.window)}, {hours}, {coins}",
            highlight=False,
            markup=False,
        )
    shown = [gap for gap in found if not outages or gap.reason != "outage at the venue"]
    table = Table("coin", "start", "end", "hours", "reason", "evidence", "asked again", box=None)
    table.columns[3].justify = "right"
    for gap in shown[:most]:
        table.add_row(*map(escape, _cells(gap, now)))
    if shown:
        output.print(table)
    if len(shown) > most:
        output.print(f"and {len(shown) - most:,} more: --most shows them", highlight=False)
    output.print(_total(found), highlight=False)


def _total(found: Sequence[Gap]) -> str:
    real = [gap for gap in found if gap.reason not in NOT_MISSING]
    if not real:
        return "no hour is missing"
    reasons = Counter[str]()
    for gap in real:
        reasons[gap.reason] += gap.window.hours
    listing = ", ".join(f"{reason} {hours:,}" for reason, hours in reasons.most_common())
    hours = sum(reasons.values())
    return f"{counted(len(real), 'gap')}, {counted(hours, 'hour')}: {listing}"


def _cells(gap: Gap, now: datetime) -> list[str]:
    return [
        gap.symbol,
        utc_text(gap.window.start),
        utc_text(gap.window.end),
        f"{gap.window.hours:,}",
        gap.reason,
        "; ".join(evidence(gap)),
        _again(gap, now),
    ]


def evidence(gap: Gap) -> list[str]:
    """Who was asked and what came of it, a line a source; what is alike is said once."""
    told: dict[str, int] = {}
    for each in gap.evidence:
        words = said(each)
        told[words] = max(told.get(words, 0), int(each["attempts"]))
    return [f"{words} (asked {times(number)})" for words, number in told.items()]


def said(each: Mapping[str, Any]) -> str:
    """What a source said, in words: a piece of evidence, without how often."""
    words = f": {each['words']}" if each["words"] else ""
    whose = f"{each['other']}'s" if each["other"] else "others'"
    others = OTHERS[each["others"]].format(whose=whose)
    return f"{each['source']} {ASKED[str(each['outcome'])]}{others}{words}"


def times(number: int) -> str:
    """How often, in words."""
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def _again(gap: Gap, now: datetime) -> str:
    """When, and by which deployment's schedule; a backfill has none."""
    if gap.asked_by is None:
        return "never"
    due = gap.next_attempt is None or gap.next_attempt <= now
    at = "" if due else f" from {utc_text(gap.next_attempt)}"
    return f"by a backfill{at}" if gap.asked_by == "backfill" else f"by {gap.asked_by}{at}"


def _span(hours: Window) -> str:
    return f"{utc_text(hours.start)} to {utc_text(hours.end)}"
