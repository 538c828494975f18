"""Bybit linear perpetuals: BTCUSDT and its like, a venue's own candles.

What both of Bybit's sources have in common is in `_bybit.py`. Quirks of this one:

- Instruments come by cursor, 1,000 at a time, and only those that trade unless another status is
  asked for. The cursor is sent back as it was told, and so has its percent signs encoded once more
  [U: clients differ, Bybit seems to take both].
- Dated futures are linear too: taken is contractType LinearPerpetual.
- launchTime is not quite the first candle: BTCUSDT says 2020-03-30 and has candles from
  2020-03-25 10:00. Nor can the first candle be asked for (`start` alone gives what follows it, and
  nothing where nothing does [U]): `first` is not known. deliveryTime is the delisting, 0 until one
  is announced.
- Before 2022 its 1h candles do not add up to its own 1d: volumes differ on 636 days of five
  symbols.
"""

from collections.abc import Sequence

import httpx

from chandlery.venues.parsing import answers
from chandlery.venues.source import Catalogue, Markets
from sources import _bybit

NAME = "bybit"
CATEGORY = "linear"


def _list(answer: httpx.Response | None) -> httpx.Request | None:
    params = {"category": CATEGORY, "limit": "1000"}
    if answer is None:
        return httpx.Request("GET", _bybit.INSTRUMENTS, params=params)
    cursor = answers.text(answers.within(answer, "result", "nextPageCursor"))
    asked = params | {"cursor": cursor}
    return httpx.Request("GET", _bybit.INSTRUMENTS, params=asked) if cursor else None


def _listed(response: httpx.Response) -> Markets:
    entries = answers.within(response, "result", "list")
    return answers.listed(entries, symbol="symbol", taken=_is_coin, row=_row)


def _is_coin(entry: answers.Entry) -> bool:
    return entry["contractType"] == "LinearPerpetual" and _bybit.is_coin(NAME, entry)


def _row(entry: answers.Entry) -> Sequence[object]:
    asset, base, multiple = _bybit.coin(entry)
    start, end = answers.moment(entry["launchTime"]), answers.moment(entry.get("deliveryTime"))
    trading = _bybit.is_trading(entry)
    return entry["symbol"], asset, base, entry["quoteCoin"], multiple, start, end, trading


CATALOGUE = Catalogue(exchange="bybit", derivatives=True, request=_list, parse=_listed)
SOURCE = _bybit.source(NAME, CATEGORY, 60, "#e69f00", CATALOGUE)
