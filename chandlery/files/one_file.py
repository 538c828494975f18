"""One file, or standard output, of all series one after the other.

A form of file says how rows are put into it: `Form` opens that in a stream, for a schema.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import polars as pl

from chandlery.files.series import Series
from chandlery.files.target import Opening, Place, Target, nothing
from chandlery.files.whole import whole
from chandlery.model import Window

Put = Callable[[pl.DataFrame], None]
Form = Callable[[BinaryIO, pl.Schema], AbstractContextManager[Put]]


def opening(form: Form, piped: Form | None = None) -> Opening:
    """What opens a place for a form of file; `piped` is the form on standard output."""
    return partial(_open, form, piped or form)


@contextmanager
def _open(form: Form, piped: Form, place: Place) -> Iterator[Target]:
    """Nothing is written before there is a candle: a header alone would be a file of none."""
    used = piped if place.path is None else form
    with _sink(place.path) as file, ExitStack() as stack:
        puts: list[Put] = []

        def put(_: Series, frame: pl.DataFrame, __: Window | None) -> None:
            chosen = frame.select(place.columns)
            if not puts:
                puts.append(stack.enter_context(used(file, chosen.schema)))
            puts[0](chosen)

        yield Target(put, nothing)


@contextmanager
def _sink(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole(path) as part, part.open("wb") as file:
        yield file
