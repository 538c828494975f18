"""The engine: plan, ask, write, refresh, and keep the evidence.

Backfill, hourly collection and gap filling are its three windows.
"""

from chandlery.engine.batch import batches, gather
from chandlery.engine.context import RunContext, open_context, refuse_if_offline
from chandlery.engine.maintain import AFTER_DAYS, Upkeep, maintain
from chandlery.engine.result import RunResult
from chandlery.engine.run import Progress, choose, fill_gaps, run
from chandlery.engine.spec import FILL_HOURS, RECHECK_HOURS, RunSpec, Shard, run_spec

__all__ = [
    "AFTER_DAYS",
    "FILL_HOURS",
    "RECHECK_HOURS",
    "Progress",
    "RunContext",
    "RunResult",
    "RunSpec",
    "Shard",
    "Upkeep",
    "batches",
    "choose",
    "fill_gaps",
    "gather",
    "maintain",
    "open_context",
    "refuse_if_offline",
    "run",
    "run_spec",
]
