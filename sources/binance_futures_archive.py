"""Binance USD-M futures' candles from its bulk files, as `_binance_archive` tells."""

from sources._binance_archive import Market, source

SOURCE = source(
    name="binance_futures_archive",
    serves="binance_futures",
    market=Market("data/futures/um", micro_since=None),
    colour="#004b76",
)
