"""Contracts on a thousand or a million coins, as venues name them.

Where one coin's price has too many zeros a venue lists 1000PEPE, 10000LADYS, 10000000AIDOGE or
1MBABYDOGE: a price of that many coins. The rule: any power of ten from 100 on that leads a name
before a letter is a multiple, and so are 1K, 1M, 1B and 1T before three letters or more.

What the rule must not touch was looked for in all lists at hand: CoinGecko's of 2023, its best 500
of 2025, eight venues' from 2021 to 2026, 14,196 names. None begins with 100 or more and is a coin's
own. Of 1K, 1M, 1B and 1T there are 1BCH, 1BOX, 1MIL, 1MCT and 1MT: two letters behind at most.
Should one come (CoinGecko may list 1000SATS as a coin of its own), whoever maps a symbol to a coin
can tell: there the coin's ticker equals the catalogue's `asset`, and its multiple is 1.
"""

import re
from collections.abc import Mapping

_NAMED = re.compile(
    r"(?:(?P<digits>10{2,})(?=[^\W\d_])|1(?P<unit>[KMBT])(?=[^\W\d_]{3}))(?P<base>.+)"
)
UNITS: Mapping[str, int] = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
MOST = 10**15
"""More than a price has digits: beyond, something else is meant."""


def plain(asset: str) -> tuple[str, int]:
    """The coin's own ticker, and how many of it one unit of `asset` holds.

    ValueError where that would be more than MOST.
    """
    found = _NAMED.fullmatch(asset)
    if found is None:
        return asset, 1
    digits = found["digits"]
    if digits and len(digits) > len(str(MOST)):
        raise ValueError(f"{asset[:40]} is not of so many coins")
    return found["base"], int(digits) if digits else UNITS[found["unit"]]
