"""TimescaleDB: connect, migrate, write, read, what is missing, what is there."""

from store.coins import (
    adopt,
    find,
    learn_coins,
    learn_listings,
    learnt_at,
    listings,
    note_learnt,
    note_start,
    ranked,
    retire_unseen,
    source_key,
)
from store.connect import Connection, connect
from store.coverage import held
from store.findings import Finding, find_oddities
from store.history import History, Version, history
from store.migrate import migrate
from store.missing import missing
from store.quota import note_spent, spent
from store.read import read
from store.refresh import refresh
from store.write import write

__all__ = [
    "Connection",
    "Finding",
    "History",
    "Version",
    "adopt",
    "connect",
    "find",
    "find_oddities",
    "held",
    "history",
    "learn_coins",
    "learn_listings",
    "learnt_at",
    "listings",
    "migrate",
    "missing",
    "note_learnt",
    "note_spent",
    "note_start",
    "ranked",
    "read",
    "refresh",
    "retire_unseen",
    "source_key",
    "spent",
    "write",
]
