"""What is odd in the venues' lists of symbols: their size, their entries, what the plan shows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.facts import Shape, facts
from sandbox.known import BYBIT
from sandbox.odd_lives import Span
from sandbox.odd_met import Met, Play, Played, at, body, house, put, with_body
from sandbox.venue import Answer

Entry = dict[str, Any]

_NINES = 253_402_300_799_000  # the last second of the year 9999
_BEFORE = -1


_ONE = ("symbol", "symbols", "instId")  # by which single symbols are asked for


def shape(met: Met) -> Shape | None:
    """Return the shape of a whole list, None where single symbols were asked for."""
    one = any(name in met.ask.query for name in _ONE)
    return None if one else facts()[house(met.venue)].shape


def _kept(met: Met, keep: Sequence[bool] | None, what: str) -> Played | None:
    """Keep some entries of a list; with None, none."""
    found = shape(met)
    if found is None:
        return None
    told = body(met.real)
    entries = at(told, found.keys)
    left = [x for x, kept in zip(entries, keep or [False] * len(entries), strict=True) if kept]
    if len(left) == len(entries):
        return None
    told = put(told, found.keys, left)
    if keep is None and house(met.venue) == BYBIT:
        told = put(told, ("result", "nextPageCursor"), "")
    detail = f"{what}: {len(left)} of {len(entries)}"
    return Played(with_body(met.real, told), detail)


def _entries(met: Met) -> list[Entry]:
    """Return the entries of a list, none where it is not a whole one."""
    found = shape(met)
    return at(body(met.real), found.keys) if found else []


def _empty(met: Met) -> Played | None:
    """Leave out everything."""
    return _kept(met, None, "empty")


def _half(met: Met) -> Played | None:
    """Leave out the second half."""
    count = len(_entries(met))
    return _kept(met, [i < count / 2 for i in range(count)], "first half")


def _short(met: Met) -> Played | None:
    """Leave out 10 to 60 %, at random."""
    gone = 10 + met.dice % 51
    found = shape(met)
    names = [x[found.name] for x in _entries(met)] if found else []
    return _kept(met, [met.number("short", x) % 100 >= gone for x in names], f"{gone} % left out")


def _odd_entries(told: Shape, like: Entry) -> Iterable[Entry]:
    """Give entries like a real one, each odd in its own way and of its own name."""

    def date(ms: int) -> str | int:
        return told.dates(ms // told.unit)

    def named(name: object, **odd: object) -> Entry:
        return {**like, told.name: name, told.base: f"ODD{name}", **odd}

    yield named("LISTING-SPOT-ODDEMPTY", **{told.base: "", told.state: "preopen"})
    yield {key: value for key, value in named("ODDSTATEUSDT").items() if key != told.state}
    yield named("ODDNUMBERUSDT", **{told.base: 7})
    if told.begins and told.ends:
        yield named("ODDBEFOREUSDT", **{told.begins: date(_BEFORE)})
        yield named("ODDNINESUSDT", **{told.ends: date(_NINES)})


def _odd_entry(met: Met) -> Played | None:
    """Add odd entries to the real ones: none of them is in a real one's place."""
    found = shape(met)
    entries = _entries(met)
    if found is None or not entries:
        return None
    odd = list(_odd_entries(found, entries[0]))
    told = put(body(met.real), found.keys, [*odd, *entries])
    names = ", ".join(str(x[found.name]) for x in odd)
    return Played(with_body(met.real, told), f"beside the real ones: {names}")


PLAYS: Mapping[str, Play] = {
    "empty list": _empty,
    "half list": _half,
    "short list": _short,
    "odd entry": _odd_entry,
}


def shown(source: str, real: Answer, spans: Sequence[Span]) -> Answer:
    """Return a venue's list as the spans that show now leave it."""
    form = facts()[source].shape
    if form is None:
        return real
    gone = {s.listing.symbol for s in spans if s.leaves_out}
    halted = {s.listing.symbol for s in spans if s.kind == "break"}
    told = body(real)
    entries = at(told, form.keys)
    left = [
        {**x, form.state: "BREAK"} if x[form.name] in halted else x
        for x in entries
        if x[form.name] not in gone
    ]
    return real if left == entries else with_body(real, put(told, form.keys, left))
