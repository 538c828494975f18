"""The parts of a coin's chart: bars, volume, what is missing and why, whose each bar is.

Each draws into axes whose x is in days since 1970, and returns what its shapes are told to be.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from chandlery.model import Window, price, utc_text
from chandlery.reports.charts import OTHER
from chandlery.reports.coin_facts import UNIT, Mark
from chandlery.reports.svg import GROUND, Titles
from chandlery.reports.thinned import Span, source_runs
from chandlery.venues import colours
from chandlery.words import counted

STEEP = 15  # the highest price is so many times the lowest: equal changes are to be equally high
UP, DOWN, LINE = "#1b9e77", "#d95f02", "#3d85c6"
REASONS: Mapping[str, str] = {
    "outage at the venue": "#b04fa8",
    "no trades": "#d9a800",
    "malformed at the venue": "#e7298a",
    "no source has it": "#6b9bd1",
    "fetch failed": "#d7301f",
    "not tried": "#80a030",
    "not listed yet": "#a3abb3",
    "delisted": "#79828b",
    "not wanted": "#8e99a8",
}
"""The colour of each reason for which hours are missing: the same in every chart."""
MARKERS: Mapping[str, tuple[str, str]] = {
    "restated": ("o", "#e0559a"),
    "splice": ("D", "#7570b3"),
    UNIT: ("^", "#c2410c"),
    "suspected reuse": ("X", "#c2410c"),
}
ODD = ("v", "#b8860b")
"""The marker and the colour of a kind of mark, and those of every other kind."""
BAND = 0.44  # of the height of two bands, each
FAINTEST = 0.25  # of a colour
BODY = 0.7  # of a bar's width
PRICES = ("open", "high", "low", "close")
SHORT = {1e12: "T", 1e9: "B", 1e6: "M", 1e3: "K"}


class Panels(NamedTuple):
    """One below the other, with one axis of time."""

    price: Axes
    volume: Axes
    bands: Axes


def candles(axes: Axes, bars: pl.DataFrame) -> Titles:
    """A wick and a body a bar, and over its whole height what says so under the pointer."""
    sides = list(zip(_x(bars["timestamp"]), _x(bars["ends"]), strict=True))
    prices = bars.select("open_price", "high_price", "low_price", "close_price").rows()
    paint = [UP if close >= opened else DOWN for opened, _, _, close in prices]
    wicks, bodies = [], []
    for (start, end), (opened, high, low, close) in zip(sides, prices, strict=True):
        middle, half = (start + end) / 2, (end - start) * BODY / 2
        wicks.append([(middle, low), (middle, high)])
        bodies.append(_box(middle - half, middle + half, opened, close))
    axes.add_collection(LineCollection(wicks, colors=paint, linewidths=0.9, gid="wicks"))
    axes.add_collection(
        PolyCollection(bodies, facecolors=paint, edgecolors=paint, linewidths=0.7, gid="bodies")
    )
    return _columns(axes, bars, sides)


def _columns(axes: Axes, bars: pl.DataFrame, sides: Sequence[tuple[float, float]]) -> Titles:
    """What nobody sees, and the pointer meets."""
    boxes = [_box(start, end, 0, 1) for start, end in sides]
    unseen = [(0.0, 0.0, 0.0, 0.0)]
    where = axes.get_xaxis_transform()
    axes.add_collection(
        PolyCollection(
            boxes, facecolors=unseen, linewidths=0, transform=where, gid="bars", zorder=3
        )
    )
    columns = ("timestamp", "volume", "source", *(f"{name}_price" for name in PRICES))
    return {"bars": [_words(*row) for row in bars.select(columns).iter_rows()]}


def _words(opens: datetime, volume: float | None, source: str, *prices: float) -> str:
    told = ", ".join(f"{name} {dollars(value)}" for name, value in zip(PRICES, prices, strict=True))
    amount = "unknown" if volume is None else f"{volume:,.8g}"
    return f"{utc_text(opens)}\n{told}\nvolume {amount}\n{source}"


def line(axes: Axes, bars: pl.DataFrame) -> Titles:
    """The closing price, on the range from low to high; broken where bars are missing."""
    runs = bars.partition_by("run", maintain_order=True)
    ranges, closes = [], []
    for run in runs:
        start, ends = _x(run["timestamp"]), _x(run["ends"])
        lows, highs, closed = (run[f"{name}_price"].to_list() for name in ("low", "high", "close"))
        closes.append([(start[0], run["open_price"][0]), *zip(ends, closed, strict=True)])
        upper = [*zip(start, highs, strict=True), (ends[-1], highs[-1])]
        lower = [*zip(start, lows, strict=True), (ends[-1], lows[-1])]
        ranges.append([*upper, *reversed(lower)])
    axes.add_collection(
        PolyCollection(ranges, facecolors=LINE, alpha=0.3, linewidths=0, gid="ranges")
    )
    axes.add_collection(LineCollection(closes, colors=LINE, linewidths=1.0, gid="closes"))
    return {}


def scale(axes: Axes, bars: pl.DataFrame) -> None:
    """Prices from the lowest to the highest with some room, by powers where they are far apart."""
    low, high = bars.select(pl.min("low_price"), pl.max("high_price")).row(0)
    if high > STEEP * low:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        room = (high / low) ** 0.06
        axes.set_ylim(low / room, high * room)
    else:
        room = (high - low or high * 0.1) * 0.06
        axes.set_ylim(low - room, high + room)
    axes.yaxis.set_major_formatter(lambda value, _: dollars(value))
    axes.set_ylabel("price in dollars")
    axes.grid(axis="y", alpha=0.15)


def volume(axes: Axes, bars: pl.DataFrame, *, is_line: bool) -> None:
    """Volumes in the colours of the bars; nothing where they are unknown."""
    known = bars.filter(pl.col("volume").is_not_null())
    rose = known["close_price"] >= known["open_price"]
    sides = zip(_x(known["timestamp"]), _x(known["ends"]), known["volume"], strict=True)
    boxes = [_box(start, end, 0, volume) for start, end, volume in sides]
    paint = [LINE if is_line else UP if each else DOWN for each in rose]
    axes.add_collection(PolyCollection(boxes, facecolors=paint, alpha=0.6, gid="volumes"))
    axes.set_ylim(0, 1.08 * max(known["volume"], default=0) or 1)
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.set_ylabel("volume")
    if known.is_empty():
        axes.set_yticks([])
        axes.text(0.5, 0.5, "volume is unknown", transform=axes.transAxes, ha="center", va="center")


def gaps(panels: Panels, shaded: Sequence[Span], least: timedelta) -> Titles:
    """Missing hours: shaded above, and in a band of their own.

    Where several are drawn as one, the more of its hours are missing, the stronger its colour.
    """
    titles: Titles = {}
    for reason in dict.fromkeys(span.reason for span in shaded):
        of = [span for span in shaded if span.reason == reason]
        windows = [_seen(span.window, least) for span in of]
        shares = [max(span.hours / span.window.hours, FAINTEST) for span in of]
        for place, (axes, bottom, alpha) in {
            "gap": (panels.price, 0.0, 0.25),
            "volume-gap": (panels.volume, 0.0, 0.25),
            "band-gap": (panels.bands, 1 - BAND, 1.0),
        }.items():
            gid = f"{place}-{reason.replace(' ', '-')}"
            boxes = [_box(*window, bottom, 1) for window in windows]
            where = axes.get_xaxis_transform()
            paint = [to_rgba(REASONS.get(reason, OTHER), alpha * part) for part in shares]
            axes.add_collection(
                PolyCollection(
                    boxes, facecolors=paint, linewidths=0, transform=where, gid=gid, zorder=0.5
                )
            )
            titles[gid] = [_gap_words(span) for span in of]
    return titles


def _seen(window: Window, least: timedelta) -> tuple[float, float]:
    """From where to where a window is drawn: one too short to be seen, around its middle."""
    short = max(least - (window.end - window.start), timedelta()) / 2
    return at(window.start - short), at(window.end + short)


def _gap_words(span: Span) -> str:
    many = "" if span.gaps == 1 else f" in {span.gaps:,} gaps"
    return f"{span.reason}: {counted(span.hours, 'hour')}{many}\n{span.window}"


def sources(axes: Axes, bars: pl.DataFrame) -> Titles:
    """Whose each bar is, as a band; those of one bar one above the other."""
    known, boxes, paint, words = colours(), [], [], []
    for window, source in source_runs(bars):
        names = parts(source)
        for place, part in enumerate(names):
            low, high = (BAND * each / len(names) for each in (place, place + 1))
            boxes.append(_box(at(window.start), at(window.end), low, high))
            paint.append(known.get(part, OTHER))
            words.append(f"{source}\n{window}")
    axes.add_collection(PolyCollection(boxes, facecolors=paint, linewidths=0, gid="sources"))
    axes.set_ylim(0, 1)
    axes.set_yticks([BAND / 2, 1 - BAND / 2], ["source", "missing"])
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    return {"sources": words}


def parts(source: str) -> list[str]:
    """The sources of a bar that is built from several: binance_spot+okx."""
    return sorted(set(source.split("+")))


def marks(axes: Axes, odd: Sequence[Mark], bars: pl.DataFrame) -> Titles:
    """What is odd, at the close of the bar that it is in; a line for what changes all prices."""
    titles: Titles = {}
    shown = bars.select("timestamp", "ends", "close_price").rows()
    for kind, marked in by_kind(odd).items():
        words: dict[tuple[float, float], list[str]] = {}
        for mark in marked:
            words.setdefault(_spot(mark.open_time, shown), []).append(mark.words)
        _scatter(axes, list(words), kind)
        titles[_mark_id(kind)] = ["\n".join(each) for each in words.values()]
        for mark in marked if kind == UNIT else ():
            axes.axvline(at(mark.open_time), color=MARKERS[UNIT][1], linestyle="--", linewidth=1)
    return titles


def _spot(hour: datetime, bars: Sequence[tuple[datetime, datetime, float]]) -> tuple[float, float]:
    """The middle of the bar that an hour is in; where no bar has it, its own time."""
    start, end, close = bars[max(bisect_right(bars, hour, key=lambda bar: bar[0]) - 1, 0)]
    return (at(start + (end - start) / 2) if start <= hour < end else at(hour)), close


def _scatter(axes: Axes, spots: Sequence[tuple[float, float]], kind: str) -> None:
    marker, colour = MARKERS.get(kind, ODD)
    axes.scatter(
        [time for time, _ in spots],
        [price for _, price in spots],
        s=46,
        marker=marker,
        color=colour,
        edgecolor=GROUND,
        linewidth=0.8,
        zorder=5,
        clip_on=False,
        gid=_mark_id(kind),
    )


def _mark_id(kind: str) -> str:
    return f"mark-{kind.replace(' ', '-')}"


def by_kind(odd: Sequence[Mark]) -> dict[str, list[Mark]]:
    """The marks of each kind, in their order."""
    found: dict[str, list[Mark]] = {}
    for mark in odd:
        found.setdefault(mark.kind, []).append(mark)
    return found


def _box(left: float, right: float, low: float, high: float) -> list[tuple[float, float]]:
    return [(left, low), (right, low), (right, high), (left, high)]


def _x(times: pl.Series) -> list[float]:
    """Times as matplotlib counts them, in days since 1970."""
    return (times.dt.epoch("us") / 86_400_000_000).to_list()


def at(time: datetime) -> float:
    """A time as matplotlib counts it, in days since 1970."""
    return time.timestamp() / 86_400


def dollars(value: float) -> str:
    """A price as people write it: 61,234.5 and 0.00000123."""
    whole, point, rest = price(value).partition(".")
    return f"{int(whole):,}{point}{rest}"


def _short(value: float) -> str:
    """An amount in few signs: 1.2 M."""
    for size, letter in SHORT.items():
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"
