"""What is listed as a coin and is none: claims on stocks and funds. Kept, and left out.

Tokens on gold and silver (XAUT, PAXG) are taken: they trade as coins do, day and night.
CoinGecko's ids follow their issuers' naming, read off its list. Of what venues alone know
Binance's leveraged tokens and states' currencies are told by their names, read off its list of
2021: BTCUP, ETHBEAR, GBP.
"""

import re
from collections.abc import Mapping, Sequence

LEFT_OUT: Mapping[str, str] = {
    r"-xstock$": "stock or fund",
    r"-ondo-tokenized-": "stock or fund",
    r"-tokenized-stock": "stock or fund",
    r"-bstocks?$": "stock or fund",
    r"^unmapped:binance_\w+:(1INCH|AAVE|ADA|BCH|BNB|BTC|DOT|EOS|ETH|FIL|LINK|LTC|SUSHI|SXP|TRX|UNI"
    r"|XLM|XRP|XTZ|YFI)(UP|DOWN)$": "leveraged token",
    r"^unmapped:binance_\w+:(BNB|EOS|ETH|XRP)?(BULL|BEAR)$": "leveraged token",
    r"^unmapped:\w+:(AUD|BRL|EUR|GBP|RUB|TRY|UAH)$": "currency of a state",
}
"""What is left out, by patterns of its id."""


def is_crypto(coin_id: str, include: Sequence[str] = ()) -> bool:
    """Whether a CoinGecko id is a coin's own, or one of those to `include` all the same.

    These are ids, in which `*` stands for any signs: `*-xstock`.
    """
    taken = (re.escape(each).replace(re.escape("*"), ".*") for each in include)
    named = any(re.fullmatch(pattern, coin_id) for pattern in taken)
    return named or why_left_out(coin_id) is None


def why_left_out(coin_id: str) -> str | None:
    """What a CoinGecko id is of, where that is no coin."""
    found = (kind for pattern, kind in LEFT_OUT.items() if re.search(pattern, coin_id))
    return next(found, None)
