"""Numbers as venues write them, and pages of rows kept as written.

Writing a row costs far more than finding it, so rows are written by the column, a chunk of the
time line at a time, and kept; a page is then a slice of strings.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Mapping
from decimal import Decimal

import polars as pl

from sandbox.words import Candles

_CHUNK = 8192
_KEPT = 48
_SMALL = 32
_EXACT = 2.0**50  # up to here a product is off by far less than a half

Render = Callable[[pl.DataFrame, Candles], list[str]]
Rows = tuple[list[int], list[str]]


def plain(value: float, zeros: int = 0) -> str:
    """Write the shortest decimal that reads back as this number, with at least so many decimals."""
    whole, _, fraction = format(Decimal(repr(value)), "f").partition(".")
    fraction = fraction.rstrip("0").ljust(zeros, "0")
    return f"{whole}.{fraction}" if fraction else whole


def written(columns: Mapping[str, tuple[pl.Series, int]], zeros: int) -> pl.DataFrame:
    """Write columns of numbers, none of them negative, each with so many decimals.

    They are written by arithmetic on the columns and filled up with zeros to `zeros`; those for
    which that is not exact are written one by one. What is written always is the shortest that
    reads back as the very same number.
    """
    frame = pl.DataFrame({name: column for name, (column, _) in columns.items()})
    digits = {name: digits for name, (_, digits) in columns.items()}
    if len(frame) < _SMALL:
        return frame.select(_singly(frame[name], max(d, zeros)) for name, d in digits.items())
    # By a column: dividing by a number, polars multiplies by its inverse, which is not exact.
    one = pl.int_range(pl.len()) * 0 + 1
    units = [(pl.col(n) * 10**d).round().cast(pl.Int64, strict=False) for n, d in digits.items()]
    again = frame.select(units).select(
        [(pl.col(n) / (one * 10**d)).alias(n) for n, d in digits.items()]
    )
    text = frame.select(units).select([_decimal(n, d, zeros) for n, d in digits.items()])
    return text.with_columns(
        _mended(text[name], frame[name], again[name], max(d, zeros)) for name, d in digits.items()
    )


def _singly(column: pl.Series, zeros: int) -> pl.Series:
    """Write numbers one by one, which is quicker for a few."""
    return pl.Series(column.name, [plain(x, zeros) for x in column.to_list()], dtype=pl.String)


def _mended(text: pl.Series, column: pl.Series, again: pl.Series, zeros: int) -> pl.Series:
    """Write those numbers anew that were not exact, one by one."""
    exact = (again == column).fill_null(value=False) & (column * 10**zeros < _EXACT)
    if exact.all():
        return text
    kept = text.to_list()
    for place in (~exact).arg_true():
        kept[place] = plain(column[place], zeros)
    return pl.Series(text.name, kept, dtype=pl.String)


def _decimal(name: str, digits: int, zeros: int) -> pl.Expr:
    """Write whole units of the last of so many decimals."""
    units, scale = pl.col(name), 10**digits
    whole: pl.Expr = (units // scale).cast(pl.String)
    if not max(digits, zeros):
        return whole
    padding = pl.lit("0" * max(0, zeros - digits))
    fraction = (units % scale).cast(pl.String).str.zfill(digits) if digits else pl.lit("")
    return pl.concat_str(whole, pl.lit("."), fraction, padding).alias(name)


def shortest(columns: Mapping[str, tuple[pl.Series, int]]) -> pl.DataFrame:
    """Write columns of numbers without zeros at the end."""
    tail = pl.all().str.strip_chars_end("0").str.strip_chars_end(".")
    text = written(columns, 0)
    return text.select(
        pl.when(pl.all().str.contains(".", literal=True)).then(tail).otherwise(pl.all())
    )


class Pages:
    """The written rows of a venue's candles, by page; candles must live as long as their pages."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._kept: OrderedDict[tuple[int, int], Rows] = OrderedDict()

    def page(  # noqa: PLR0913 - what a page is asked for by
        self,
        candles: Candles,
        start: int | None,
        end: int,
        limit: int,
        now: int,
        *,
        newest: bool = False,
    ) -> list[str]:
        """Return the rows opening in [start, end], both included, ascending, at most `limit`.

        With a start they are the first from it, without one the `newest`. The last may be the bar
        that is open now; what opens later does not exist yet.
        """
        live = now // candles.step * candles.step
        begins = candles.first if start is None else max(start, candles.first)
        ends = min(end, candles.last, live - candles.step)
        is_open = begins <= live <= min(end, candles.last)
        if start is None or newest:
            last = self._open(candles, now) if is_open else []
            return [*self._newest(candles, begins, ends, limit - len(last)), *last]
        rows = self._oldest(candles, begins, ends, limit)
        return [*rows, *self._open(candles, now)] if is_open and len(rows) < limit else rows

    def _open(self, candles: Candles, now: int) -> list[str]:
        """Return the row of the bar that is open now, if there is one."""
        return self._render(candles.so_far(now), candles)

    def _oldest(self, candles: Candles, begins: int, ends: int, limit: int) -> list[str]:
        """Collect rows onwards from the start."""
        rows: list[str] = []
        found = [""]
        span = _CHUNK * candles.step
        while begins <= ends and len(rows) < limit:
            stop = min(ends, begins // span * span + span - candles.step)
            if found:  # after a hole, look at the whole chunk
                stop = min(stop, begins + (limit - len(rows) - 1) * candles.step)
            found = self._between(candles, begins, stop)
            rows += found[: limit - len(rows)]
            begins = stop // candles.step * candles.step + candles.step
        return rows

    def _newest(self, candles: Candles, begins: int, ends: int, limit: int) -> list[str]:
        """Collect rows backwards from the end."""
        pieces: list[list[str]] = []
        span = _CHUNK * candles.step
        while begins <= ends and limit > 0:
            start = max(begins, ends // span * span)
            if not pieces or pieces[-1]:  # after a hole, look at the whole chunk
                start = max(start, ends - (limit - 1) * candles.step)
            pieces.append(self._between(candles, start, ends)[-limit:])
            limit -= len(pieces[-1])
            ends = -(-start // candles.step) * candles.step - candles.step
        return [row for piece in reversed(pieces) for row in piece]

    def _between(self, candles: Candles, start: int, end: int) -> list[str]:
        """Return the rows opening in [start, end], which lie in one chunk."""
        span = _CHUNK * candles.step
        key = (id(candles), start // span)
        if key not in self._kept and (end - start) // candles.step < _SMALL:
            return self._render(candles.frame(start, end + 1), candles)
        times, rows = self._chunk(candles, key)
        return rows[bisect_left(times, start) : bisect_left(times, end + 1)]

    def _chunk(self, candles: Candles, key: tuple[int, int]) -> Rows:
        """Return a chunk's rows, written now or earlier."""
        if key not in self._kept:
            span = _CHUNK * candles.step
            frame = candles.frame(key[1] * span, key[1] * span + span)
            self._kept[key] = frame["open_time"].to_list(), self._render(frame, candles)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
