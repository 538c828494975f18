"""Plays what is odd: gives a request its answer, and writes down what befell it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sandbox import odd_coins, odd_errors, odd_files, odd_lists, odd_pages
from sandbox.facts import facts
from sandbox.known import COINGECKO
from sandbox.odd import FOREVER, HOURLY, LASTING, Dice, Event, Events
from sandbox.odd_lives import RENAMED, Span, static_events
from sandbox.odd_met import Met, Play, Played, body, fine, house, put, role, symbol, with_body
from sandbox.odd_met import at as lies_at
from sandbox.odd_rows import LONGEST, first_told, opened, restated
from sandbox.venue import Answer, Ask, Venue
from sandbox.words import HOUR, Market, hour_of

# What each kind can befall; what is not named here can befall any request.
_MEETS: Mapping[str, str] = {
    **dict.fromkeys(odd_lists.PLAYS, "list"),
    **dict.fromkeys(odd_coins.PLAYS, "coins"),
    **dict.fromkeys(odd_pages.PLAYS, "candles"),
    **dict.fromkeys(odd_files.PLAYS, "file"),
    "wrong coin": "tickers",
}
_PLAYS: Mapping[str, Play] = {
    **odd_lists.PLAYS,
    **odd_coins.PLAYS,
    **odd_files.PLAYS,
    **odd_pages.PLAYS,
    **odd_errors.PLAYS,
}
# How long an answer stays odd; what is neither here nor about a file lasts one request.
_LENGTHS = {**dict.fromkeys(HOURLY, HOUR), "short list": 6 * HOUR}


Give = Callable[["Ask"], "Answer"]


class Watch(NamedTuple):
    """An event that lasts, from and until when it shows, and the ids by which a coin is asked."""

    event: Event
    shown: tuple[int, int]
    ids: tuple[str, ...] = ()


def _watches(dice: Dice, spans: Sequence[Span], market: Market) -> list[Watch]:
    """Return all that is known beforehand."""
    static = [Watch(event, (0, FOREVER)) for event in static_events(market, dice)]
    planned = [
        Watch(s.event(), s.shown, (s.listing.symbol, s.detail) if s.kind == RENAMED else ())
        for s in spans
    ]
    return [*static, *planned]


@dataclass
class Oddities:
    """What is odd in the sandbox, over its market and a plan."""

    dice: Dice
    spans: Sequence[Span]
    market: Market
    events: Events = field(default_factory=Events)
    _hour: int = 0
    _counts: Counter[tuple[object, ...]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Write down what is known beforehand."""
        self._watched = _watches(self.dice, self.spans, self.market)
        for watch in self._watched:
            self.events.add(watch.event)

    def answer(self, venue: Venue, ask: Ask) -> Answer:
        """Answer a request, as oddly as it is its turn; an answer that is a refusal stays one."""
        if not self.dice.rates and not self.spans:
            return venue.answer(ask)
        real = self._right(venue, ask, venue.answer, noted=True)
        for watch in self._watched:
            if _touches(watch, venue, ask):
                watch.event.meet(ask.now)
        if not fine(real) or not self.dice.within(ask.now):
            return real
        return self._odd(venue, ask, real) or real

    def _odd(self, venue: Venue, ask: Ask, real: Answer) -> Answer | None:
        """Play the first kind whose turn it is, if any."""
        turn = self._turn(venue, ask)
        for kind, play in _PLAYS.items():
            if _MEETS.get(kind, role(ask)) != role(ask):
                continue
            about = self._about(kind, venue, ask, turn)
            if self.dice.hits(kind, *about):
                number = self.dice.number(kind, "which", *about)
                met = Met(venue, ask, real, number, self.dice, self.market, self._again(venue))
                if played := play(met):
                    self._note(kind, venue, ask, played)
                    return played.answer
        return None

    def _turn(self, venue: Venue, ask: Ask) -> tuple[object, ...]:
        """Return what one request of many alike is known by: the hour, and its number in it."""
        hour = hour_of(ask.now)
        if hour != self._hour:
            self._hour = hour
            self._counts.clear()
        same = house(venue), symbol(venue, ask), ask.path, *sorted(ask.query.items())
        self._counts[same] += 1
        return (*same, hour, self._counts[same])

    def _about(
        self, kind: str, venue: Venue, ask: Ask, turn: tuple[object, ...]
    ) -> tuple[object, ...]:
        """Return by what it is decided whether a request meets a kind, and how."""
        if kind in LASTING:
            return (ask.path.removesuffix(".CHECKSUM"),)
        if kind in _LENGTHS:
            return house(venue), ask.path, ask.now // _LENGTHS[kind]
        return turn

    def _again(self, venue: Venue) -> Give:
        """Return what gives right answers for nothing."""
        return lambda ask: self._right(venue, ask, lambda inner: venue.endpoint(inner)(inner))

    def _right(self, venue: Venue, ask: Ask, give: Give, *, noted: bool = False) -> Answer:
        """Return the right answer at its time: as the plan shows it, hours as told at first."""
        shown = [s for s in self.spans if s.shows(ask.now)]
        if house(venue) == COINGECKO:
            return _of_coins(ask, give, shown)
        real = give(ask)
        if fine(real) and role(ask) == "list":
            return odd_lists.shown(
                house(venue), real, [s for s in shown if s.listing.source == house(venue)]
            )
        if fine(real) and role(ask) == "candles" and "restated" in self.dice.rates:
            return self._first_told(venue, ask, real, noted=noted)
        return real

    def _first_told(self, venue: Venue, ask: Ask, real: Answer, *, noted: bool) -> Answer:
        """Return a page with its newest hours as they are told at first."""
        name, source = symbol(venue, ask) or "", house(venue)
        newest = [hour_of(ask.now) - i * HOUR for i in range(1, LONGEST + 1)]
        hours = {t for t in newest if restated(self.dice, source, name, t, ask.now)}
        layout = facts()[source].layout
        if layout is None or not any(str(t // layout.unit).encode() in real.body for t in hours):
            return real
        told = body(real)
        rows = lies_at(told, layout.keys)
        new = [first_told(row, layout) if opened(row, layout) in hours else row for row in rows]
        for row, old in zip(new, rows, strict=True):
            if noted and row != old:
                hour = opened(row, layout)
                played = Played(real, "as told at first", start=hour, end=hour + HOUR)
                self._note("restated", venue, ask, played)
        return with_body(real, put(told, layout.keys, new))

    def _note(self, kind: str, venue: Venue, ask: Ask, played: Played) -> None:
        """Write down what befell a request."""
        source, length = played.source or house(venue), _LENGTHS.get(kind, HOUR)
        name = played.symbol or symbol(venue, ask)
        if source == COINGECKO:
            name, coin = None, played.coin or name
        else:
            coin = played.coin or self._coin(source, name, ask.now)
        begun = ask.now // length * length
        start = begun if played.start is None else played.start
        end = begun + length if played.end is None else played.end
        event = Event(kind, source, name, coin, start, end, None, 0, played.detail)
        if kind in LASTING or kind in _LENGTHS:
            self.events.meet(event, ask.now)
        else:
            event.meet(ask.now)
            self.events.add(event)

    def _coin(self, source: str, name: str | None, now: int) -> str | None:
        """Return the coin that a symbol means at that time."""
        venue = source.removesuffix("_archive")
        found = (x for x in self.market.listings(venue) if x.symbol == name and x.since <= now)
        return next((x.coin for x in found if x.trades_at(now) or x.until), None)

    def told(self, now: int) -> list[dict[str, Any]]:
        """Return what befell, as JSON has it."""
        return self.events.told(now)


def _of_coins(ask: Ask, give: Give, shown: Sequence[Span]) -> Answer:
    """Return CoinGecko's right answer: by its newest ids, without what is off its venue's list."""
    names = {s.listing.symbol: s.detail for s in shown if s.kind == RENAMED}
    real = give(odd_coins.asked(ask, names))
    if not fine(real):
        return real
    if role(ask) == "tickers":
        source = odd_coins.exchange(ask)
        real = odd_coins.without(real, [s for s in shown if s.listing.source == source])
    return odd_coins.renamed(ask, real, names) if names else real


def _touches(watch: Watch, venue: Venue, ask: Ask) -> bool:
    """Tell whether what lasts shows in the answer to a request."""
    event, what = watch.event, role(ask)
    if not watch.shown[0] <= ask.now < watch.shown[1]:
        return False
    if watch.ids:
        return house(venue) == COINGECKO and (
            what in {"coins", "ids", "tickers"} or symbol(venue, ask) in watch.ids
        )
    if house(venue) == COINGECKO:
        return what == "tickers" and odd_coins.exchange(ask) == event.source
    return house(venue) == event.source and (
        what == "list" or (what == "candles" and symbol(venue, ask) == event.symbol)
    )
