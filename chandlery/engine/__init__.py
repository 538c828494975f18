"""The engine: plan, ask, write, refresh, and keep the evidence.

Backfill, hourly collection and gap filling are its three windows.
"""

from chandlery.engine.batch import batches, collect_batch
from chandlery.engine.context import RunContext, open_context, refuse_if_offline
from chandlery.engine.maintenance import AFTER_DAYS, MaintenanceResult, maintain
from chandlery.engine.result import RunResult
from chandlery.engine.run import Progress, choose, fill_gaps, run
from chandlery.engine.spec import FILL_HOURS, RECHECK_HOURS, RunSpec, Shard, run_spec

__all__ = [
    "AFTER_DAYS",
    "FILL_HOURS",
    "RECHECK_HOURS",
    "MaintenanceResult",
    "Progress",
    "RunContext",
    "RunResult",
    "RunSpec",
    "Shard",
    "batches",
    "choose",
    "collect_batch",
    "fill_gaps",
    "maintain",
    "open_context",
    "refuse_if_offline",
    "run",
    "run_spec",
]
