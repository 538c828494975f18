"""The SQL that the code runs, by name."""

from functools import cache
from pathlib import Path

_PLACES = (Path(__file__).parents[1] / "sql", Path(__file__).parents[2] / "sql")
SQL = next(filter(Path.is_dir, _PLACES), _PLACES[-1])
"""In a wheel beside the package's rooms, in a clone at its top."""


@cache
def query(name: str) -> bytes:
    """The text of sql/queries/<name>.sql."""
    return (SQL / "queries" / f"{name}.sql").read_bytes()
