"""Rows of numbers and times between PostgreSQL's binary COPY and Arrow, nulls and all.

A row that PostgreSQL sends with nulls in it has a length of its own. So they are asked for with a 0
in place of each null, and a number at the end whose bits say which are none: all rows are of one
length, and are read as one array.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from psycopg import sql

from chandlery.moving.tables import Column

_KINDS = {
    "timestamp with time zone": (">i8", pa.timestamp("us", "UTC")),
    "double precision": (">f8", pa.float64()),
    "bigint": (">i8", pa.int64()),
    "integer": (">i4", pa.int32()),
    "smallint": (">i2", pa.int16()),
}
"""How PostgreSQL sends a type, and what it is in Arrow."""
_HEADER, _TRAILER = 19, 2  # bytes around the rows: signature, flags, extension; -1
_EPOCH = 946_684_800_000_000  # PostgreSQL counts microseconds from 2000, Arrow from 1970


def asked(columns: Sequence[Column]) -> sql.Composed:
    """What to select: each column without its nulls, and which are null."""
    values = [_value(column) for column in columns]
    nulls = [
        sql.SQL("({} is null)::integer::bigint << {}").format(
            sql.Identifier(column.name), sql.Literal(place)
        )
        for place, column in enumerate(columns)
    ]
    return sql.SQL("{}, {}").format(
        sql.SQL(", ").join(values), sql.SQL(" | ").join(sql.SQL("({})").format(it) for it in nulls)
    )


def _value(column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    return sql.SQL("coalesce({}, '0')").format(name) if column.is_nullable else name


def schema(columns: Sequence[Column]) -> pa.Schema:
    """The columns in Arrow; LookupError where a type is not known here."""
    return pa.schema([(column.name, _KINDS[column.type][1]) for column in columns])


def table(sent: bytes, columns: Sequence[Column]) -> pa.Table:
    """What was sent, header and trailer included."""
    kinds = [(column.name, _KINDS[column.type][0]) for column in columns]
    fields = [
        part
        for name, kind in (*kinds, ("", ">i8"))
        for part in ((f"{name} bytes", ">i4"), (f"{name} value", kind))
    ]
    row = np.dtype([("fields", ">i2"), *fields])
    rows = np.frombuffer(sent, row, (len(sent) - _HEADER - _TRAILER) // row.itemsize, _HEADER)
    nulls = rows[" value"]
    arrays = [
        _array(rows[f"{column.name} value"], nulls >> place & 1, column)
        for place, column in enumerate(columns)
    ]
    return pa.Table.from_arrays(arrays, schema=schema(columns))


def _array(values: np.ndarray, nulls: np.ndarray, column: Column) -> pa.Array:
    plain = values.astype(values.dtype.newbyteorder("="))
    kind = _KINDS[column.type][1]
    if pa.types.is_timestamp(kind):
        plain = plain + _EPOCH
    mask = nulls.astype(bool) if column.is_nullable else None
    made = pa.array(plain, mask=mask)
    return made.cast(kind) if made.type != kind else made
