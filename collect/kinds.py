"""Coins at CoinGecko that are no crypto: claims on stocks, metals, funds; kept, and left out.

CoinGecko's ids follow their issuers' naming (read off its list); what follows none is named.
"""

import polars as pl

NOT_CRYPTO = (
    r"-xstock$|-ondo-tokenized-|-tokenized-stock|-bstocks?$|"  # stocks and funds, by issuer
    r"^(tether-gold|pax-gold|kinesis-gold|kinesis-silver|perth-mint-gold-token|comtech-gold|"
    r"matrixdock-gold|verified-emeralds)$"  # metals and stones
)


def is_crypto(coin_id: pl.Expr) -> pl.Expr:
    """Whether a CoinGecko id is a coin's own, and not a claim on something else."""
    return ~coin_id.str.contains(NOT_CRYPTO)
