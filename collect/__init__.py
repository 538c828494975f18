"""The engine: plan, fetch, write, refresh, account. Backfill and hourly are its two windows."""

from collect.engine import batches, gather
from collect.order import Order, order
from collect.quality import Report, assess, check
from collect.run import Progress, choose, run
from collect.tally import Tally
from collect.tools import Tools, tools
from collect.universe import Universe, learn, learn_if_due

__all__ = [
    "Order",
    "Progress",
    "Report",
    "Tally",
    "Tools",
    "Universe",
    "assess",
    "batches",
    "check",
    "choose",
    "gather",
    "learn",
    "learn_if_due",
    "order",
    "run",
    "tools",
]
