"""A coin's candles as a picture: bars, volume, what is missing and why, whose each bar is.

A PNG is on white. An SVG follows the reader's light or dark, and tells what is under the pointer.
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC

import matplotlib as mpl
import polars as pl
from matplotlib import dates
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.typing import RcKeyType

from chandlery.model import one_line
from chandlery.reports import chart_panels
from chandlery.reports.chart_panels import (
    MARKERS,
    ODD,
    REASONS,
    Panels,
    at,
    by_kind,
    dollars,
    parts,
)
from chandlery.reports.charts import OTHER
from chandlery.reports.coin_facts import Facts
from chandlery.reports.letters import OWN, families
from chandlery.reports.svg import GROUND, INK, Titles, themed
from chandlery.reports.thinned import Span, pieces, spans
from chandlery.venues import colours
from chandlery.words import counted

SIZE = (13.0, 7.4)  # inches
DOTS = 130  # an inch, of a PNG
STYLE: dict[RcKeyType, object] = {
    "svg.fonttype": "none",  # text stays text, in whatever letters a name has
    "svg.hashsalt": "chandlery",
    "text.parse_math": False,  # a ticker may have a $
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": GROUND,
    "savefig.facecolor": GROUND,
}
MOST_BODIES = 400  # of more, none is wide enough to be seen
FEWEST = 24  # bars that there is room for: a single one is not to fill the picture
LEAST = 500  # the part of a chart's width that the shortest gap is drawn with
NAME = 40  # signs of a ticker or a name
ROW = 5  # entries of the legend in a row
OFFSETS = ["UTC", "%Y UTC", "%Y-%m UTC", *["%Y-%m-%d UTC"] * 3]
"""What the times below leave out, for years, months, days, hours, minutes and seconds."""


def png(facts: Facts) -> bytes:
    """The chart as a PNG. A name whose letters no font here has gives way to the coin's id."""
    fonts = families(heading(facts) + summary(facts))
    if fonts is None:
        coin = facts.asked.coin
        facts = replace(
            facts, asked=facts.asked._replace(coin=replace(coin, symbol=coin.id, name=""))
        )
    buffer = io.BytesIO()
    with mpl.rc_context({**STYLE, "font.family": fonts or [OWN]}):
        figure, _ = _drawn(facts)
        figure.savefig(buffer, format="png", dpi=DOTS)
    return buffer.getvalue()


def svg(facts: Facts, *, is_headed: bool = True) -> str:
    """The chart as an SVG element: for a file of its own, or for a page that has its heading."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # Whoever shows the picture has the letters that are missing here.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure, titles = _drawn(facts, is_headed=is_headed)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return themed(buffer.getvalue(), heading(facts), titles)


def heading(facts: Facts) -> str:
    """The coin and the timeframe in one line."""
    adjusted = ", adjusted" if facts.asked.adjusted else ""
    return f"{one_line(facts.asked.coin.symbol, NAME)} {facts.asked.timeframe}{adjusted}"


def summary(facts: Facts) -> str:
    """What the chart is of, in one line."""
    name = one_line(facts.asked.coin.name, NAME)
    hours = sum(gap.window.hours for gap in facts.missing)
    told = (
        name,
        str(facts.window),
        counted(facts.bars.height, "bar"),
        f"closed at {dollars(facts.bars['close_price'][-1])}",
        f"{counted(hours, 'hour')} missing" if hours else "no hour missing",
    )
    return ", ".join(filter(None, told))


def _drawn(facts: Facts, *, is_headed: bool = True) -> tuple[Figure, Titles]:
    """The figure, and what its shapes are told to be."""
    figure = Figure(figsize=SIZE, layout=ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.15, hspace=0))
    figure.patch.set_gid("ground")
    panels = Panels(*figure.subplots(3, 1, sharex=True, height_ratios=(6.2, 1.6, 0.55)))
    least = (facts.window.end - facts.window.start) / LEAST
    is_line = facts.bars.height > MOST_BODIES
    bars = pieces(facts.bars, least) if is_line else facts.bars
    shaded = spans(facts.gaps, least)
    titles = {
        **(
            chart_panels.line(panels.price, bars)
            if is_line
            else chart_panels.candles(panels.price, bars)
        ),
        **chart_panels.marks(panels.price, facts.marks, bars),
        **chart_panels.gaps(panels, shaded, least),
        **chart_panels.sources(panels.bands, bars),
    }
    chart_panels.scale(panels.price, bars)
    chart_panels.volume(panels.volume, bars, is_line=is_line)
    _times(panels, facts)
    if is_headed:
        _head(panels.price, facts)
    _legend(figure, _entries(facts, bars, shaded))
    return figure, titles


def _times(panels: Panels, facts: Facts) -> None:
    locator = dates.AutoDateLocator(tz=UTC, minticks=5, maxticks=12)  # type: ignore[no-untyped-call]
    panels.bands.xaxis.set_major_locator(locator)
    panels.bands.xaxis.set_major_formatter(
        dates.ConciseDateFormatter(locator, tz=UTC, offset_formats=OFFSETS)  # type: ignore[no-untyped-call]
    )
    start, end = at(facts.window.start), at(facts.window.end)
    widest = (at(facts.bars["ends"][0]) - at(facts.bars["timestamp"][0])) * FEWEST
    room = max(widest - (end - start), 0) / 2
    panels.bands.set_xlim(start - room, end + room)
    for axes in panels[:2]:
        axes.tick_params(axis="x", length=0)


def _head(axes: Axes, facts: Facts) -> None:
    axes.set_title(heading(facts), loc="left", fontsize=16, weight="bold", pad=28)
    axes.annotate(
        summary(facts), (0, 1), (0, 10), xycoords="axes fraction", textcoords="offset points"
    )


def _entries(facts: Facts, bars: pl.DataFrame, shaded: Sequence[Span]) -> dict[str, Artist]:
    """The legend: whose bars there are, why hours are missing, and what is odd."""
    known = colours()
    named = sorted({part for source in bars["source"].unique() for part in parts(source)})
    found: dict[str, Artist] = {name: Patch(color=known.get(name, OTHER)) for name in named}
    for reason in dict.fromkeys(span.reason for span in shaded):
        hours = sum(span.hours for span in shaded if span.reason == reason)
        label = f"{reason}: {counted(hours, 'hour')}"
        found[label] = Patch(color=REASONS.get(reason, OTHER))
    for kind, marked in by_kind(facts.marks).items():
        marker, colour = MARKERS.get(kind, ODD)
        found[f"{kind}: {len(marked):,}"] = Line2D(
            [], [], color=colour, marker=marker, linestyle=""
        )
    return found


def _legend(figure: Figure, entries: Mapping[str, Artist]) -> None:
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside lower left",
        ncols=min(ROW, len(entries)),
        frameon=False,
        fontsize=9,
        handlelength=1.2,
    )
