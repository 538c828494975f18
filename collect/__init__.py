"""The engine: plan, fetch, write, refresh, account.

Backfill, hourly collection and gap filling are its three windows.
"""

from collect.engine import batches, gather
from collect.order import FILL_HOURS, RECHECK_HOURS, Order, Shard, order
from collect.quality import Report, assess, check
from collect.run import Progress, choose, fill_gaps, run
from collect.survey import Survey, survey
from collect.tally import Tally
from collect.tools import Tools, refuse_if_offline, tools
from collect.universe import Universe, learn, learn_if_due
from collect.upkeep import AFTER_DAYS, Upkeep, maintain

__all__ = [
    "AFTER_DAYS",
    "FILL_HOURS",
    "RECHECK_HOURS",
    "Order",
    "Progress",
    "Report",
    "Shard",
    "Survey",
    "Tally",
    "Tools",
    "Universe",
    "Upkeep",
    "assess",
    "batches",
    "check",
    "choose",
    "fill_gaps",
    "gather",
    "learn",
    "learn_if_due",
    "maintain",
    "order",
    "refuse_if_offline",
    "run",
    "survey",
    "tools",
]
