"""CoinGecko gives a coin another id: the symbols that venues trade it under tell who it is.

One id is gone, one is new, and every symbol that was the old one's is the new one's now, listed
all the while and since the same day: then that is one coin. A venue that used a symbol again for
another coin had ended it before, or tells another beginning.

    known   fetch-ai at binance_spot FETUSDT, at okx FET-USDT; CoinGecko's list lacks it now
    told    FETUSDT and FET-USDT are artificial-superintelligence-alliance, which nobody knew
    so      {"fetch-ai": "artificial-superintelligence-alliance"}
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from chandlery.store import Pair

Market = tuple[str, str]
"""A source and a symbol there."""
Open = Mapping[str, Mapping[Pair, datetime | None]]
"""By source: what is listed there without an end, and since when in the venue's word."""


def renames(
    seen: Collection[str], known: Collection[str], before: Open, told: Open
) -> dict[str, str]:
    """New ids by old: of the coins `seen` now, those that were `known` by another id.

    `before` is what was listed until now, `told` what the same sources tell now.
    """
    owners, claims = _by_coin(before), _by_coin(told)
    owner = {market: id_ for id_, markets in owners.items() for market in markets}
    found: dict[str, str] = {}
    for new in sorted(set(seen) & claims.keys() - set(known)):
        olds = {owner[market] for market in claims[new].keys() & owner.keys()}
        old = olds.pop() if len(olds) == 1 else None
        if old is None or old in seen or old in found:
            continue
        others = {market for id_ in claims.keys() - {new} for market in claims[id_]}
        if not owners[old].keys() & others and _since_the_same_day(owners[old], claims[new]):
            found[old] = new
    return found


def _by_coin(listed: Open) -> dict[str, dict[Market, datetime | None]]:
    markets: dict[str, dict[Market, datetime | None]] = defaultdict(dict)
    for source, pairs in listed.items():
        for pair, since in pairs.items():
            markets[pair.id][source, pair.symbol] = since
    return markets


def _since_the_same_day(
    before: Mapping[Market, datetime | None], now: Mapping[Market, datetime | None]
) -> bool:
    return all(before[market] == now[market] for market in before.keys() & now.keys())
