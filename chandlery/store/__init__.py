"""TimescaleDB: connect, migrate, write, read, what is missing, what is there.

What takes or gives frames is loaded at its first use: who only looks does not wait for polars.
"""

from typing import TYPE_CHECKING

from chandlery.lazy import late
from chandlery.store.absences import (
    Absence,
    absences,
    held_from,
    note_health,
    note_hourly,
    note_kinds,
    replace_absences,
)
from chandlery.store.accounts import clock_ahead, keep_account, read_account
from chandlery.store.adjustments import (
    Adjustment,
    adjustments,
    confirm_adjustment,
    take_back_adjustment,
)
from chandlery.store.bars import BARS, Bar, differing_bars, mark_differing_bars
from chandlery.store.claims import LEASE, Claim, Claimant, claim, release_claims, renew_claims
from chandlery.store.coins import (
    LeftOut,
    Unseen,
    active,
    find,
    ids,
    inactive_ids,
    learnt_at,
    learnt_number,
    left_out,
    note_crypto,
    note_learnt,
    prices,
    rename_coins,
    retire_unseen,
    take_in,
)
from chandlery.store.compress import Packed, compress, tidy
from chandlery.store.connect import Connection, alone, connect
from chandlery.store.coverage import Held, held
from chandlery.store.database import Database, explained, is_damage
from chandlery.store.findings import (
    Finding,
    PriceStep,
    find_oddities,
    findings_within,
    look_for,
    price_steps,
    suspects,
)
from chandlery.store.future import (
    AHEAD,
    Forgotten,
    forget_future,
    newest_beyond,
    refuse_clock_behind,
    remove_future,
    written_at,
)
from chandlery.store.gaps import (
    NOT_MISSING,
    Gap,
    Health,
    Outage,
    asked,
    gaps,
    gaps_by_reason,
    health,
    lost_days,
    outages,
)
from chandlery.store.holes import Hole, find_outages, note_compared, uncompared_holes
from chandlery.store.imported import Import, imports
from chandlery.store.indexes import indexes, misfit, reindex
from chandlery.store.last_runs import Fresh, LastRun, fresh, last_runs, note_run
from chandlery.store.listed import (
    Listed,
    NamedListing,
    listed,
    shared_contracts,
    where_listed,
)
from chandlery.store.listings import (
    DelistedListing,
    Pair,
    best_listed,
    doubt_starts,
    learn_delisted,
    listed_at,
    listings,
    listings_of,
    note_prices,
    note_start,
    open_pairs,
    source_key,
    symbols_at,
)
from chandlery.store.migrate import migrate
from chandlery.store.missing import (
    lacking_taker,
    missing,
    note_wanted,
    wanted,
    wanted_taker,
)
from chandlery.store.process import Process
from chandlery.store.reconcile import Mismatch, compared_windows, reconcile
from chandlery.store.refresh import refresh
from chandlery.store.restated import History, Restated, Version, history, restated_hours
from chandlery.store.roles import make_roles, share
from chandlery.store.spent import note_spent, spent
from chandlery.store.thin import KEPT, thin

if TYPE_CHECKING:
    from chandlery.store.frames.learn_coins import adopt, learn_coins
    from chandlery.store.frames.learn_listings import Learnt, learn_listings
    from chandlery.store.frames.measures import Step, keep_quality, measure, shares, trend, unlisted
    from chandlery.store.frames.open_findings import open_findings
    from chandlery.store.frames.read import TIMEFRAMES, read
    from chandlery.store.frames.take_in import Origin, Stored, store_missing
    from chandlery.store.frames.universe import (
        RANKED_BY,
        UNIVERSE,
        keep_market_caps,
        note_market_caps,
        universe,
        without_market_caps,
    )
    from chandlery.store.frames.write import write

__all__ = [
    "AHEAD",
    "BARS",
    "KEPT",
    "LEASE",
    "NOT_MISSING",
    "RANKED_BY",
    "TIMEFRAMES",
    "UNIVERSE",
    "Absence",
    "Adjustment",
    "Bar",
    "Claim",
    "Claimant",
    "Connection",
    "Database",
    "DelistedListing",
    "Finding",
    "Forgotten",
    "Fresh",
    "Gap",
    "Health",
    "Held",
    "History",
    "Hole",
    "Import",
    "LastRun",
    "Learnt",
    "LeftOut",
    "Listed",
    "Mismatch",
    "NamedListing",
    "Origin",
    "Outage",
    "Packed",
    "Pair",
    "PriceStep",
    "Process",
    "Restated",
    "Step",
    "Stored",
    "Unseen",
    "Version",
    "absences",
    "active",
    "adjustments",
    "adopt",
    "alone",
    "asked",
    "best_listed",
    "claim",
    "clock_ahead",
    "compared_windows",
    "compress",
    "confirm_adjustment",
    "connect",
    "differing_bars",
    "doubt_starts",
    "explained",
    "find",
    "find_oddities",
    "find_outages",
    "findings_within",
    "forget_future",
    "fresh",
    "gaps",
    "gaps_by_reason",
    "health",
    "held",
    "held_from",
    "history",
    "ids",
    "imports",
    "inactive_ids",
    "indexes",
    "is_damage",
    "keep_account",
    "keep_market_caps",
    "keep_quality",
    "lacking_taker",
    "last_runs",
    "learn_coins",
    "learn_delisted",
    "learn_listings",
    "learnt_at",
    "learnt_number",
    "left_out",
    "listed",
    "listed_at",
    "listings",
    "listings_of",
    "look_for",
    "lost_days",
    "make_roles",
    "mark_differing_bars",
    "measure",
    "migrate",
    "misfit",
    "missing",
    "newest_beyond",
    "note_compared",
    "note_crypto",
    "note_health",
    "note_hourly",
    "note_kinds",
    "note_learnt",
    "note_market_caps",
    "note_prices",
    "note_run",
    "note_spent",
    "note_start",
    "note_wanted",
    "open_findings",
    "open_pairs",
    "outages",
    "price_steps",
    "prices",
    "read",
    "read_account",
    "reconcile",
    "refresh",
    "refuse_clock_behind",
    "reindex",
    "release_claims",
    "remove_future",
    "rename_coins",
    "renew_claims",
    "replace_absences",
    "restated_hours",
    "retire_unseen",
    "share",
    "shared_contracts",
    "shares",
    "source_key",
    "spent",
    "store_missing",
    "suspects",
    "symbols_at",
    "take_back_adjustment",
    "take_in",
    "thin",
    "tidy",
    "trend",
    "uncompared_holes",
    "universe",
    "unlisted",
    "wanted",
    "wanted_taker",
    "where_listed",
    "without_market_caps",
    "write",
    "written_at",
]


__getattr__ = late(__name__, __all__, "chandlery.store.frames")
