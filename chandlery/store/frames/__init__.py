"""What the store takes and gives as frames; `chandlery.store` loads it at its first use."""

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
    "RANKED_BY",
    "TIMEFRAMES",
    "UNIVERSE",
    "Learnt",
    "Origin",
    "Step",
    "Stored",
    "adopt",
    "keep_market_caps",
    "keep_quality",
    "learn_coins",
    "learn_listings",
    "measure",
    "note_market_caps",
    "open_findings",
    "read",
    "shares",
    "store_missing",
    "trend",
    "universe",
    "unlisted",
    "without_market_caps",
    "write",
]
