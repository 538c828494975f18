"""Binance spot's candles from its bulk files, as `_binance_archive` tells."""

from datetime import UTC, datetime

from sources._binance_archive import Market, source

SOURCE = source(
    name="binance_spot_archive",
    serves="binance_spot",
    market=Market("data/spot", micro_since=datetime(2025, 1, 1, tzinfo=UTC)),
    colour="#2a7ba6",
    listed=True,
)
