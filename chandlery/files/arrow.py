"""Arrow IPC: a file (Feather v2) that can be mapped into memory, on standard output a stream."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from chandlery.files.one_file import Form, Put, opening
from chandlery.files.series import table
from chandlery.files.target import Layout

LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")


def _batches(new: Callable[..., pa.RecordBatchStreamWriter]) -> Form:
    @contextmanager
    def form(file: BinaryIO, schema: pl.Schema) -> Iterator[Put]:
        with new(file, table(schema.to_frame()).schema, options=LZ4) as writer:
            yield lambda frame: writer.write_table(table(frame))

    return form


LAYOUT = Layout(
    "arrow",
    file=opening(_batches(pa.ipc.new_file), piped=_batches(pa.ipc.new_stream)),
    suffixes=(".arrow", ".feather"),
)
