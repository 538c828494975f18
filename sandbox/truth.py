"""What the venues really have, told to tests: every listing, and every candle as it is in the end.

Hours that are lost for good (an outage, a halt, what comes after a delisting) are not there. What a
venue told wrongly for a while is there as it is. Prices are as the venue writes them: of one unit
of the symbol, which is `multiple` coins.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sandbox.facts import facts
from sandbox.faults import Fault
from sandbox.lifecycle import Lived
from sandbox.odd import FOREVER
from sandbox.odd_lives import RENAMED, Span
from sandbox.words import COLUMNS, HOUR, BadOption, Listing, Market, hour_of

_WHILE = ("wrong", "apart")  # faults that are not the truth


def true(market: Market, faults: Iterable[Fault]) -> Market:
    """Return a market as it is in the end, of the faults that are switched on now."""
    lasting = [replace(f, zombie=False) for f in faults if f.kind not in _WHILE]
    return Lived(market, lasting)


def listings(market: Market, spans: Sequence[Span], now: int) -> list[dict[str, Any]]:
    """Return all listings there ever were by now.

    `coin` is the id CoinGecko has for it now, None for what is no coin; `ids` all that it ever
    had, each with the milliseconds from and until which it had it.
    """
    return [
        _told(x, spans, now)
        for source in facts()
        for x in market.listings(source)
        if x.since <= now
    ]


def _told(x: Listing, spans: Sequence[Span], now: int) -> dict[str, Any]:
    """Return a listing as JSON has it."""
    coin = x.coin if x.underlying == "COIN" else None
    ids = [{"id": coin, "since": 0, "until": FOREVER}] if coin else []
    change = next((s for s in spans if s.kind == RENAMED and s.listing.coin == coin), None)
    if change and coin:
        ids[0]["until"] = change.start
        ids.append({"id": change.detail, "since": change.start, "until": FOREVER})
        coin = change.detail if change.shows(now) else coin
    until = x.until if x.until is None or x.until <= now else None
    named = {"source": x.source, "symbol": x.symbol, "coin": coin, "ids": ids}
    return {**named, "multiple": x.multiple, "since": x.since, "until": until}


def rows(
    market: Market, spans: Sequence[Span], query: Mapping[str, str], now: int
) -> list[list[float | None]]:
    """Return a symbol's closed hours opening in [start, end), ascending; ends are milliseconds."""
    old = {s.detail: s.listing.symbol for s in spans if s.kind == RENAMED}
    source, symbol = query.get("source", ""), query.get("symbol", "")
    try:
        start, end = int(query.get("start", 0)), int(query.get("end", now))
    except ValueError as error:
        raise BadOption(f"truth: not milliseconds: {error}") from error
    candles = market.candles(source.removesuffix("_archive"), old.get(symbol, symbol), "1h")
    if candles is None:
        return []
    frame = candles.frame(max(start, 0), min(end, hour_of(now) - HOUR + 1))
    return [list(row) for row in frame.select(COLUMNS).iter_rows()]
