"""What the store takes and gives as frames; `chandlery.store` loads it at its first use."""

from chandlery.store.frames.coins import adopt, learn_coins
from chandlery.store.frames.findings import open_findings
from chandlery.store.frames.listings import Learnt, learn_listings
from chandlery.store.frames.measures import Step, keep_quality, measure, shares, trend, unlisted
from chandlery.store.frames.read import TIMEFRAMES, read
from chandlery.store.frames.write import write

__all__ = [
    "TIMEFRAMES",
    "Learnt",
    "Step",
    "adopt",
    "keep_quality",
    "learn_coins",
    "learn_listings",
    "measure",
    "open_findings",
    "read",
    "shares",
    "trend",
    "unlisted",
    "write",
]
