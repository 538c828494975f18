"""Contracts on a thousand or a million coins, as venues name them.

Where one coin's price has too many zeros a venue lists 1000PEPE, 10000LADYS, 1000000BOB or
1MBABYDOGE: a price of that many coins. The rule: a leading 1000, 10000, 100000 or 1000000 before
a letter is a multiple, and so is "1M" before at least four. What the rule must not touch: 1INCH
(a coin), and 1MIL, 1MT, 1MCT, coins all in CoinGecko's list of 2023; the same list has no ticker
that begins with 1000. Should one come (CoinGecko may list 1000SATS as a coin of its own), whoever
maps a symbol to a coin can tell: there the coin's ticker equals the catalogue's `asset`, and its
multiple is 1.
"""

import re

_NAMED = re.compile(r"(?:(?P<digits>10{3,6})(?=\D)|(?P<million>1M)(?=[^\W\d]{4}))(?P<base>.+)")


def plain(asset: str) -> tuple[str, int]:
    """The coin's own ticker, and how many of it one unit of `asset` holds."""
    found = _NAMED.fullmatch(asset)
    if found is None:
        return asset, 1
    return found["base"], int(found["digits"] or 1_000_000)
