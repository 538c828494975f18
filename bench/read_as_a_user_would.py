"""What a user would write to have candles in a frame. Run with .venv-bench's Python.

read_as_a_user_would.py WAY DATABASE_URL QUERY
"""

import json
import sys
from time import perf_counter

import pandas as pd  # type: ignore[import-untyped]  # not in .venv
import polars as pl
from sqlalchemy import create_engine


def read(way: str, url: str, query: str) -> int:
    """Read all of it; how many rows there were."""
    if way != "pandas":
        return pl.read_database_uri(query, url, engine=way).height  # type: ignore[call-overload,no-any-return]
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        connect_args={"prepare_threshold": None},
    )
    return len(pd.read_sql(query, engine))


if __name__ == "__main__":
    began = perf_counter()
    rows = read(*sys.argv[1:])
    print(json.dumps({"rows": rows, "seconds": perf_counter() - began}))
