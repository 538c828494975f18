#!/usr/bin/env bash
# polars 2.1.0: truncate_ragged_lines does not cut the columns that a file has more than its schema.
#
# Expected: read_csv(schema=two columns, truncate_ragged_lines=True) takes the first two of each line. The option is
# described as cutting lines that are longer than the schema.
# Seen: that holds where the first line is as long as the schema and a later one is longer. Where the first line is
# longer too, as in a CSV of candles to which the venue added a column, it raises SchemaError instead.
# What to do: cut the lines first, or read all columns by names of your own and select.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0
"$folder/venv/bin/python" - <<'PY'
import polars as pl

SCHEMA = {"open_time": pl.Int64, "close": pl.Float64}
LATER, FIRST = b"1,2.5\n2,3.5,9\n", b"1,2.5,9\n2,3.5,9\n"


def read(text: bytes) -> str:
    try:
        frame = pl.read_csv(text, has_header=False, schema=SCHEMA, truncate_ragged_lines=True)
    except pl.exceptions.SchemaError as error:
        return f"SchemaError: {str(error).splitlines()[0]}"
    return str(frame.rows())


print("polars", pl.__version__)
print("a later line is longer:", read(LATER))
print("the first line is longer:", read(FIRST))
assert read(LATER) == "[(1, 2.5), (2, 3.5)]"
assert read(FIRST).startswith("SchemaError")
PY
