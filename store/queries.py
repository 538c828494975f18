"""The SQL that the code runs, by name."""

from functools import cache
from pathlib import Path

SQL = Path(__file__).parent.parent / "sql"


@cache
def query(name: str) -> bytes:
    """The text of sql/queries/<name>.sql."""
    return (SQL / "queries" / f"{name}.sql").read_bytes()
