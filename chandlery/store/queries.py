"""The SQL that the code runs, by name."""

from functools import cache
from pathlib import Path

SQL = Path(__file__).parents[2] / "sql"


@cache
def query(name: str) -> bytes:
    """The text of sql/queries/<name>.sql."""
    return (SQL / "queries" / f"{name}.sql").read_bytes()
