"""Market caps of the past year, for the coins of which no chart told them on the way.

One request a coin has a whole year of them. So 1,000 coins cost 1,000 requests: 102 minutes at the
10 a minute of which 98 % are used, and a tenth of what a free key has in a month.
"""

import logging
from datetime import date, datetime

from chandlery import store, venues
from chandlery.engine import monthly_quota
from chandlery.engine.context import RunContext
from chandlery.errors import Malformed, Rejected, SourceError
from chandlery.model import Coin
from chandlery.symbology.learn import Universe

log = logging.getLogger(__name__)


def learn_market_caps(
    context: RunContext, now: datetime, most: int, universe: Universe
) -> Universe:
    """Ask for so many coins' market caps of the past year, best-ranked first; `universe` counts.

    Each coin is kept as it comes: the next call goes on. What ends it is put to its failures.
    """
    ranking = venues.ranking()
    words = monthly_quota.used_up(context, context.sources[ranking.name], now) if most else None
    coins = [] if words else context.database.do(store.without_market_caps, now, most)
    for coin in coins:
        try:
            told = _told(context, coin, now)
        except SourceError as error:
            words = str(error)
            break
        if told is not None:
            context.database.do(store.keep_market_caps, coin.key, told, now)
            universe.market_caps += bool(told)
    if words is not None:
        universe.failures.setdefault(ranking.name, f"market caps of the past year: {words}")
    monthly_quota.keep(context, now)
    return universe


def _told(context: RunContext, coin: Coin, now: datetime) -> list[tuple[date, float]] | None:
    """A coin's market caps by UTC day; none of one that is not known, None where it is not told."""
    try:
        return venues.ranking().market_caps(context.client, coin.id, now).rows()
    except Rejected:
        return []
    except Malformed as error:  # of this coin: the next sync asks again
        log.warning("%s: %s", coin.symbol, error)
        return None
