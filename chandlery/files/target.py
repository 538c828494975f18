"""Where an export goes, and what a layout makes of it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from chandlery.files.series import Series
from chandlery.model import Window


class Place(NamedTuple):
    """What is to be written where: `path` is a file or a folder, None is standard output.

    `ids` has the keys of all coins by the ids that they have or had, `columns` those of market_data
    that were chosen, in their order.
    """

    path: Path | None
    columns: Sequence[str]
    ids: Mapping[str, int]


class Target(NamedTuple):
    """A place that is open.

    `put` takes a series' candles, as store.read has them, in place of what the target has of the
    series in the window (None: at all). `newest` is the opening time of the last one it has. Both
    raise Refused where a file is there that is not the series'.
    """

    put: Callable[[Series, pl.DataFrame, Window | None], None]
    newest: Callable[[Series], datetime | None]


Opening = Callable[[Place], AbstractContextManager[Target]]


class Layout(NamedTuple):
    """How candles lie in one file, or in a folder, and what is to be known of it.

    `file` and `folder` open it as one or the other, None where there is no such form. `own_columns`
    where they are its reader's and not to be chosen. `without_volume` is what its reader takes an
    unknown volume for.
    """

    name: str
    file: Opening | None = None
    folder: Opening | None = None
    suffixes: tuple[str, ...] = ()
    own_columns: bool = False
    without_volume: str | None = None


def nothing(_: Series) -> None:
    """The newest candle of a file that is always written anew."""
    return
