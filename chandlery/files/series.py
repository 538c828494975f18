"""One coin's candles of one timeframe, and the mark in a file that says whose they are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import pyarrow as pa

from chandlery.errors import ChandleryError
from chandlery.model import Coin, Window

MARK = b"chandlery"
DURATIONS: Mapping[str, str] = {"1h": "1h", "4h": "4h", "1d": "1d", "1w": "1w", "1M": "1mo"}
"""By timeframe, as polars writes them."""


class Refused(ChandleryError):
    """A series cannot go there: another's file is in the way, or its numbers have no room."""


@dataclass(frozen=True)
class Series:
    """What goes into one file, or into one row of files.

    `adjusted` are the moments and factors by which prices are adjusted; None: as they were.
    """

    coin: Coin
    timeframe: str
    adjusted: Sequence[tuple[datetime, float]] | None = None

    @property
    def ends(self) -> pl.Expr:
        """When its candles are over; the column `timestamp` says when they open."""
        return pl.col("timestamp").dt.offset_by(DURATIONS[self.timeframe])

    def mark(self) -> dict[bytes, bytes]:
        """The metadata that a file of it bears."""
        told = {"coin_id": self.coin.id, "timeframe": self.timeframe, "adjusted": self._factors()}
        return {MARK: json.dumps(told).encode()}

    def _factors(self) -> list[list[object]] | None:
        if self.adjusted is None:
            return None
        return [[at.isoformat(), factor] for at, factor in self.adjusted]

    def is_of(
        self, metadata: Mapping[bytes, bytes] | None, ids: Mapping[str, int], name: str
    ) -> bool:
        """Whether a file's metadata say that its candles can be gone on with.

        False where they were adjusted by other factors: all of it is to be written anew. Refused
        where they are of another coin, or nobody knows of which. `ids` has the keys of all coins
        by the ids that they have or had.
        """
        told = _read(metadata)
        if told is None:
            raise Refused(f"{name} is there and was not exported by chandlery: move it away")
        if ids.get(str(told.get("coin_id"))) != self.coin.key:
            raise Refused(f"{name} holds another coin, {told.get('coin_id')}: move it away")
        factors = self._factors()
        if (told.get("adjusted") is None) != (factors is None):
            raise Refused(f"{name} has prices that are {_words(told)}: export to another folder")
        return bool(told.get("adjusted") == factors)


def _read(metadata: Mapping[bytes, bytes] | None) -> Mapping[str, object] | None:
    try:
        told = json.loads((metadata or {}).get(MARK, b""))
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _words(told: Mapping[str, object]) -> str:
    return "not adjusted" if told.get("adjusted") is None else "adjusted"


def table(frame: pl.DataFrame, series: Series | None = None) -> pa.Table:
    """A frame in types that every reader of Arrow knows, with the series' mark."""
    made: pa.Table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    return made if series is None else made.replace_schema_metadata(series.mark())


def merged(
    old: pl.DataFrame | None, new: pl.DataFrame, window: Window | None, time: str = "timestamp"
) -> pl.DataFrame:
    """What was there outside of `window` (None: all time), and what is new, by time."""
    if old is None or window is None:
        return new
    inside = pl.col(time).is_between(window.start, window.end, closed="left")
    return pl.concat([old.filter(~inside), new]).unique(time, keep="last").sort(time)
