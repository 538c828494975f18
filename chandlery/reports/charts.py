"""Pictures out of frames: SVG in a data: address, so that a page shows them without asking anyone.

Colours are told apart by people who see few of them (Okabe and Ito's for sources, a diverging map
from red to blue for completeness).
"""

import base64
import io
import math
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime

import matplotlib as mpl
import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from chandlery.model import one_line
from chandlery.words import counted

INK = "#7b838c"  # is read on white and on black alike: more than 3.8 to 1 on either
# Nobody else draws in this process.
mpl.rcParams.update(
    {
        "svg.fonttype": "none",  # text stays text: small, and in whatever letters a name has
        "svg.hashsalt": "chandlery",
        "text.parse_math": False,  # a ticker may have a $
        "font.size": 10,
        # On whatever the page is: white, or the dark of a UI at night.
        **dict.fromkeys(
            ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK
        ),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"),
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)
WIDTH = 9.0  # inches; a page is about as wide
NAME = 12  # signs of a ticker
MOST_COINS = 60  # that have a row, and a name beside it
SHOWN = {"hour": "%d %b %H:%M", "day": "%d %b", "month": "%b %Y"}

BEFORE = -1.0  # of a step before the coin's first candle: nobody fetched it yet
DEGREES = {  # by what the part of a step that is there is less than, and its colour
    0.0: ("not fetched yet", "#8b929b66"),
    0.0001: ("none", "#a50026"),
    0.5: ("under 50 %", "#f46d43"),
    0.9: ("under 90 %", "#fdae61"),
    0.99: ("under 99 %", "#fee090"),
    0.99999: ("99 % and more", "#abd9e9"),
    1.0001: ("all", "#4575b4"),
}
COLOURS = [colour for _, colour in DEGREES.values()]
OUTSIDE = ("not listed", "none")
MAIN = "#0072b2"
OTHER = "#999999"


def heat_map(held: pl.DataFrame, step: str) -> str:
    """How complete each coin is, step by step: `held` as a Survey has it. A data: address.

    At most MOST_COINS, a row each.
    """
    steps = sorted(held["at"].unique())
    column = {at: place for place, at in enumerate(steps)}
    names, grid = _rows(held, column)
    figure, axes = _canvas(1.5 + 0.2 * len(grid))
    axes.imshow(
        grid,
        cmap=ListedColormap(COLOURS).with_extremes(bad=OUTSIDE[1]),
        norm=BoundaryNorm([BEFORE, *DEGREES], len(COLOURS)),
        aspect="auto",
        interpolation="none",
    )
    axes.spines[:].set_visible(False)
    _label_steps(axes, steps, step)
    axes.set_yticks(range(len(grid)), names, fontsize=9)
    labels = [*DEGREES.values(), OUTSIDE]
    _legend(
        axes,
        [Patch(facecolor=colour, edgecolor=INK, linewidth=0.3) for _, colour in labels],
        [name for name, _ in labels],
    )
    return _address(figure)


def _rows(
    held: pl.DataFrame, column: Mapping[datetime, int]
) -> tuple[list[str], list[list[float]]]:
    """The coins' names, and of each the part of every step that is there; nan outside its life."""
    begun = (pl.col("present") > 0).cum_max().over("id")
    parts = held.with_columns(
        part=pl.when(begun).then(pl.col("present") / pl.col("expected")).otherwise(BEFORE)
    )
    names: dict[str, str] = {}
    grid: dict[str, list[float]] = {}
    for key, symbol, at, part in parts.select("id", "symbol", "at", "part").iter_rows():
        names[key] = one_line(symbol, NAME)
        grid.setdefault(key, [math.nan] * len(column))[column[at]] = part
    return list(names.values()), list(grid.values())


def shares(shared: pl.DataFrame, step: str, colours: Mapping[str, str]) -> str:
    """Hours by source, step by step, one upon the other: `shared` as a Survey has it.

    The same source has the same colour every morning: `colours` is by the source's name.
    """
    steps = sorted(shared["at"].unique())
    totals = shared.group_by("source").agg(pl.col("hours").sum()).sort("hours", "source")
    figure, axes = _canvas(3.2)
    below = [0] * len(steps)
    names = totals["source"].to_list()[::-1]
    for name in names:
        of = dict(shared.filter(source=name).select("at", "hours").iter_rows())
        heights = [of.get(at, 0) for at in steps]
        colour = colours.get(name, OTHER)
        axes.bar(range(len(steps)), heights, 0.92, bottom=below, color=colour, label=name)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    axes.set_ylabel(f"candles each {step}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(-0.5, len(steps) - 0.5)
    _label_steps(axes, steps, step)
    _legend(axes, *axes.get_legend_handles_labels())
    return _address(figure)


def reasons(by_reason: Mapping[str, Mapping[str, int]]) -> str:
    """Missing hours by reason: bars with their numbers."""
    names = list(by_reason)[::-1]
    hours = [by_reason[name]["hours"] for name in names]
    figure, axes = _canvas(0.4 + 0.32 * len(names))
    bars = axes.barh(names, hours, color=MAIN, height=0.6)
    told = [
        f" {counted(each['hours'], 'hour')}, {counted(each['gaps'], 'gap')}"
        for each in map(by_reason.__getitem__, names)
    ]
    axes.bar_label(bars, told, fontsize=9)
    axes.set_xlim(0, max(hours) * 1.25)
    axes.spines[["bottom"]].set_visible(False)
    axes.set_xticks([])
    axes.tick_params(left=False)
    return _address(figure)


def trend(checked: pl.DataFrame) -> str:
    """Missing hours at the last check of each day: `checked` as store.trend gives it."""
    missing = (checked["expected"] - checked["present"]).to_list()
    first, last = checked["day"][0], checked["day"][-1]
    figure, axes = _canvas(2.2)
    places = (checked["day"] - first).dt.total_days().to_list()
    axes.plot(places, missing, color=MAIN, marker="o", markersize=4)
    room = max(max(missing) - min(missing), 10) * 0.2
    axes.set_ylim(max(min(missing) - room, 0), max(missing) + room)
    axes.set_ylabel("hours missing")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    days = pl.datetime_range(first, last, "1d", eager=True).to_list()
    _label_steps(axes, days, "day")
    return _address(figure)


def _canvas(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _label_steps(axes: Axes, steps: list[datetime], step: str) -> None:
    """Some ten of the steps, by their time."""
    every = max(1, -(-len(steps) // 10))
    places = range(0, len(steps), every)
    axes.set_xticks(places, [f"{steps[place]:{SHOWN[step]}}" for place in places], fontsize=9)


def _legend(axes: Axes, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=len(labels),
        frameon=False,
        fontsize=8,
        handlelength=1.0,
        columnspacing=1.2,
    )


def _address(figure: Figure) -> str:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # Whoever shows the picture has the letters that are missing here.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
