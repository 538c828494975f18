"""TimescaleDB: connect, migrate, write, read, what is missing, what is there."""

from store.accounts import clock_ahead, keep_account, read_account
from store.claims import LEASE, Claim, Claimant, claim, release_claims, renew_claims
from store.coins import (
    LeftOut,
    Unseen,
    active,
    adopt,
    find,
    ids,
    learn_coins,
    learnt_at,
    learnt_number,
    left_out,
    note_learnt,
    prices,
    ranked,
    rename_coins,
    retire_unseen,
    take_in,
)
from store.compress import Packed, compress, tidy
from store.connect import Connection, alone, connect
from store.coverage import held
from store.database import Database, told
from store.findings import Finding, find_oddities, look_for, open_findings, suspects
from store.gaps import Gap, Health, Outage, asked, gaps, gaps_by_reason, health, outages
from store.history import History, Version, history
from store.ledger import (
    Absence,
    absences,
    find_outages,
    held_from,
    note_health,
    note_kinds,
    replace_absences,
)
from store.listings import (
    Learnt,
    Pair,
    doubt_starts,
    learn_listings,
    listings,
    note_prices,
    note_start,
    open_pairs,
    source_key,
)
from store.migrate import migrate
from store.missing import missing, wanted
from store.process import Process
from store.quality import Step, keep_quality, measure, shares, trend
from store.quota import note_spent, spent
from store.read import read
from store.reconcile import Mismatch, compared_windows, reconcile
from store.refresh import refresh
from store.roles import make_roles, share
from store.thin import KEPT, thin
from store.write import write

__all__ = [
    "KEPT",
    "LEASE",
    "Absence",
    "Claim",
    "Claimant",
    "Connection",
    "Database",
    "Finding",
    "Gap",
    "Health",
    "History",
    "Learnt",
    "LeftOut",
    "Mismatch",
    "Outage",
    "Packed",
    "Pair",
    "Process",
    "Step",
    "Unseen",
    "Version",
    "absences",
    "active",
    "adopt",
    "alone",
    "asked",
    "claim",
    "clock_ahead",
    "compared_windows",
    "compress",
    "connect",
    "doubt_starts",
    "find",
    "find_oddities",
    "find_outages",
    "gaps",
    "gaps_by_reason",
    "health",
    "held",
    "held_from",
    "history",
    "ids",
    "keep_account",
    "keep_quality",
    "learn_coins",
    "learn_listings",
    "learnt_at",
    "learnt_number",
    "left_out",
    "listings",
    "look_for",
    "make_roles",
    "measure",
    "migrate",
    "missing",
    "note_health",
    "note_kinds",
    "note_learnt",
    "note_prices",
    "note_spent",
    "note_start",
    "open_findings",
    "open_pairs",
    "outages",
    "prices",
    "ranked",
    "read",
    "read_account",
    "reconcile",
    "refresh",
    "release_claims",
    "rename_coins",
    "renew_claims",
    "replace_absences",
    "retire_unseen",
    "share",
    "shares",
    "source_key",
    "spent",
    "suspects",
    "take_in",
    "thin",
    "tidy",
    "told",
    "trend",
    "wanted",
    "write",
]
