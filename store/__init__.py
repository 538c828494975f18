"""TimescaleDB: connect, migrate, write, read, what is missing, what is there."""

from store.coins import find, learn_coins, learn_listings, listings, note_start, source_key
from store.connect import Connection, connect
from store.coverage import held
from store.migrate import migrate
from store.missing import missing
from store.read import read
from store.refresh import refresh
from store.write import write

__all__ = [
    "Connection",
    "connect",
    "find",
    "held",
    "learn_coins",
    "learn_listings",
    "listings",
    "migrate",
    "missing",
    "note_start",
    "read",
    "refresh",
    "source_key",
    "write",
]
