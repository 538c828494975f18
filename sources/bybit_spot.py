"""Bybit spot: BTCUSDT and its like, a venue's own candles.

What both of Bybit's sources have in common is in `_bybit.py`. Quirks of this one:

- Instruments come in one answer without a cursor, as recorded on 2026-08-09. Only what trades is
  listed. There is no date of listing or of the end, no contractType: `first` is not known.
- Of the 557 symbols recorded then, 410 are against USDT and 86 against USDC.
- Whether an hour without a trade is a flat candle or absent nothing confirms [U].
"""

from collections.abc import Sequence
from functools import partial

import httpx

from chandlery.venues.parsing import answers
from chandlery.venues.source import Catalogue, Markets, at_once
from sources import _bybit

NAME = "bybit_spot"


def _listed(response: httpx.Response) -> Markets:
    entries = answers.within(response, "result", "list")
    return answers.listed(entries, symbol="symbol", taken=partial(_bybit.is_coin, NAME), row=_row)


def _row(entry: answers.Entry) -> Sequence[object]:
    asset, base, multiple = _bybit.coin(entry)
    trading = _bybit.is_trading(entry)
    return entry["symbol"], asset, base, entry["quoteCoin"], multiple, None, None, trading


CATALOGUE = Catalogue(
    exchange="bybit_spot",
    derivatives=False,
    request=at_once(_bybit.INSTRUMENTS, category=_bybit.SPOT),
    parse=_listed,
)
SOURCE = _bybit.source(NAME, _bybit.SPOT, 70, "#b36b00", CATALOGUE)
