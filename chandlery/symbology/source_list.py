"""What a source lists of the coins that are known."""

from typing import NamedTuple

import polars as pl

from chandlery import venues
from chandlery.venues import CATALOGUE

LISTED = pl.Schema(
    {
        "id": pl.String(),
        "symbol": pl.String(),
        "multiple": pl.Int64(),
        "start": CATALOGUE["start"],
        "end": CATALOGUE["end"],
        "told": CATALOGUE["start"],
        "name": CATALOGUE["name"],
        "contract": CATALOGUE["contract"],
    },
)
"""A coin's listing. `told` is when it began in the venue's word, `start` where that is believed.
`name` and `contract` are the source's words of the coin, where it has any."""


class SourceList(NamedTuple):
    """What a source lists: of the coins seen (LISTED), all it has, and what could not be read.

    `by_id`: it goes by CoinGecko's ids, and so tells nothing of a coin that is renamed.
    """

    listed: pl.DataFrame
    markets: pl.DataFrame
    odd: tuple[venues.OddEntry, ...] = ()
    by_id: bool = False
