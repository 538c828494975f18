"""What is odd in a row of a page: as it is, or as it was told for the first hours."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.facts import Layout
from sandbox.odd import Dice
from sandbox.words import HOUR

Row = list[Any]
Number = str | int | float

_OFF = 17 * 60_000
LONGEST = 4  # hours for which an hour that will be restated is told otherwise


def opened(row: Row, layout: Layout) -> int:
    """Return when a candle opened, in milliseconds."""
    return int(row[0]) * layout.unit


def moved(row: Row, layout: Layout, by: int) -> Row:
    """Return a row at another time, written as the venue writes times."""
    by //= layout.unit
    return [type(x)(int(x) + by) if place in layout.times else x for place, x in enumerate(row)]


def swapped(row: Row, layout: Layout) -> Row:
    """Return a row with its two volumes in each other's place."""
    base, quote = layout.volumes
    told = [*row]
    told[base], told[quote] = row[quote], row[base]
    return told


def _zeros(row: Row, layout: Layout) -> Row:
    """Return a row of which price, volumes and trades are zero."""
    numbers = {*layout.prices, *layout.volumes, layout.trades}
    return [type(x)(0) if place in numbers else x for place, x in enumerate(row)]


def _nulls(row: Row, layout: Layout) -> Row:
    """Return a row without volume and trades."""
    gone = {layout.volumes[0], layout.trades}
    return [None if place in gone else x for place, x in enumerate(row)]


def _upside_down(row: Row, layout: Layout) -> Row:
    """Return a row whose high is below its low."""
    told, (_, high, low, _) = [*row], layout.prices
    told[high], told[low] = row[low], _like(row[high], _decimal(row[high]) * 2)
    return told


def _decimal(told: Number) -> Decimal:
    """Return the very number that is told."""
    return Decimal(str(told))


def _like(told: Number, number: Decimal) -> Number:
    """Return a number told as another one is: as text, or as a number."""
    return type(told)(format(number, "f"))


BAD: Mapping[str, Callable[[Row, Layout], Row]] = {
    "off the hour": lambda row, layout: moved(row, layout, _OFF),
    "all zeros": _zeros,
    "null volume and trades": _nulls,
    "high below low": _upside_down,
}


def _times(told: Number, by: str) -> Number:
    """Return a number so many times as high, with as many decimals."""
    number = _decimal(told)
    return _like(told, (number * Decimal(by)).quantize(number))


def first_told(row: Row, layout: Layout) -> Row:
    """Return a row as it was told at first: less volume, and a close between open and close."""
    told = [*row]
    for place in layout.volumes:
        told[place] = _times(row[place], "0.97")
    first, _, _, last = layout.prices
    close, number = _decimal(row[last]), _decimal(row[first])
    told[last] = _like(row[last], (close + (number - close) * Decimal("0.2")).quantize(close))
    return told


def restated(dice: Dice, source: str, symbol: str, hour: int, now: int) -> bool:
    """Tell whether an hour is told otherwise than it will be: for one to four hours after it."""
    age = now - hour - HOUR
    if not dice.within(now) or not 0 <= age < LONGEST * HOUR:
        return False
    hours = 1 + dice.number("restated", "hours", source, symbol, hour) % LONGEST
    return age < hours * HOUR and dice.hits("restated", source, symbol, hour)
