"""What CoinGecko ranks as coins and is none: claims on stocks and funds. Kept, and left out.

Tokens on gold and silver (XAUT, PAXG) are taken: they trade as coins do, day and night.
CoinGecko's ids follow their issuers' naming, read off its list.
"""

import re
from collections.abc import Mapping, Sequence

import polars as pl

LEFT_OUT: Mapping[str, str] = {
    r"-xstock$": "stock or fund",
    r"-ondo-tokenized-": "stock or fund",
    r"-tokenized-stock": "stock or fund",
    r"-bstocks?$": "stock or fund",
}
"""What is left out, by patterns of its CoinGecko id."""


def is_crypto(coin_id: pl.Expr, include: Sequence[str] = ()) -> pl.Expr:
    """Whether a CoinGecko id is a coin's own, or one of those to `include` all the same.

    These are ids, in which `*` stands for any signs: `*-xstock`.
    """
    taken = [f"^{re.escape(each).replace(re.escape('*'), '.*')}$" for each in include]
    named = pl.lit(value=False) if not taken else coin_id.str.contains("|".join(taken))
    return ~coin_id.str.contains("|".join(LEFT_OUT)) | named


def why_left_out(coin_id: str) -> str | None:
    """What a CoinGecko id is of, where that is no coin."""
    found = (kind for pattern, kind in LEFT_OUT.items() if re.search(pattern, coin_id))
    return next(found, None)
