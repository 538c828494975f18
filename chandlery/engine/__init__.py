"""The engine: plan, ask, write, refresh, and keep the evidence.

Backfill, hourly collection and gap filling are its three windows.
"""

from chandlery.engine.batch import batches, gather
from chandlery.engine.context import Tools, refuse_if_offline, tools
from chandlery.engine.maintain import AFTER_DAYS, Upkeep, maintain
from chandlery.engine.result import Tally
from chandlery.engine.run import Progress, choose, fill_gaps, run
from chandlery.engine.spec import FILL_HOURS, RECHECK_HOURS, Order, Shard, order

__all__ = [
    "AFTER_DAYS",
    "FILL_HOURS",
    "RECHECK_HOURS",
    "Order",
    "Progress",
    "Shard",
    "Tally",
    "Tools",
    "Upkeep",
    "batches",
    "choose",
    "fill_gaps",
    "gather",
    "maintain",
    "order",
    "refuse_if_offline",
    "run",
    "tools",
]
