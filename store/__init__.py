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
from store.findings import Finding, find_oddities, look_for, open_findings
from store.migrate import migrate
from store.missing import missing
from store.quality import keep_quality, measure, shares
from store.quota import note_spent, spent
from store.read import read
from store.refresh import refresh
from store.write import write

__all__ = [
    "Connection",
    "Finding",
    "adopt",
    "connect",
    "find",
    "find_oddities",
    "held",
    "keep_quality",
    "learn_coins",
    "learn_listings",
    "learnt_at",
    "listings",
    "look_for",
    "measure",
    "migrate",
    "missing",
    "note_learnt",
    "note_spent",
    "note_start",
    "open_findings",
    "ranked",
    "read",
    "refresh",
    "retire_unseen",
    "shares",
    "source_key",
    "spent",
    "write",
]
