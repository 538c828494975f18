"""CSV: a header, times as 2024-01-31T05:00:00Z, numbers as people write them, null as nothing.

Floats have 15 digits, all that a double can promise: 0.1 + 0.2 is 0.3, and a price of 1000PEPE by a
thousand is 0.000012345. Neither has an exponent, which not every reader takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import polars as pl
import polars.selectors as cs

from chandlery.files.one_file import Put, opening
from chandlery.files.target import Layout

DIGITS = 15


@contextmanager
def _rows(file: BinaryIO, schema: pl.Schema) -> Iterator[Put]:
    file.write(schema.to_frame().write_csv().encode())

    def put(frame: pl.DataFrame) -> None:
        rounded = frame.with_columns(cs.float().round_sig_figs(DIGITS))
        # By way of a text: an error in writing it is Python's own then, which has a number.
        text = rounded.write_csv(
            include_header=False,
            datetime_format="%Y-%m-%dT%H:%M:%SZ",
            float_scientific=False,
        )
        file.write(text.encode())

    yield put


LAYOUT = Layout("csv", file=opening(_rows), suffixes=(".csv",))
