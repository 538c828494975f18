"""What a user would write: ccxt, a DataFrame a coin, `to_sql`. Run with .venv-bench's Python.

    as_a_user_would.py VENUE_URL DATABASE_URL START_MS END_MS BTC/USDT ETH/USDT …

Kept as plain as such scripts are: nothing is resumed, checked, deduplicated or added up to 4h.
"""

import sys

import ccxt  # type: ignore[import-not-found]  # neither is in .venv
import pandas as pd  # type: ignore[import-untyped]  # nor are its types
from sqlalchemy import create_engine

PAGE = 1000
HOUR = 3_600_000
COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]


def exchange(venue: str) -> ccxt.Exchange:
    """Binance's spot market at another address; it may ask as fast as it can."""
    binance = ccxt.binance(
        {"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}}},
    )
    binance.urls["api"]["public"] = f"{venue}/binance_spot/api/v3"
    return binance


def download(binance: ccxt.Exchange, symbol: str, since: int, end: int) -> pd.DataFrame:
    """All hours of a symbol from `since` up to `end`, page by page."""
    rows: list[list[float]] = []
    while since < end:
        page = binance.fetch_ohlcv(symbol, "1h", since=since, limit=PAGE)
        rows += [row for row in page if row[0] < end]
        if len(page) < PAGE:
            break
        since = page[-1][0] + HOUR
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms", utc=True)
    frame.insert(0, "symbol", symbol)
    return frame


def main(arguments: list[str]) -> None:
    """Download and store one coin after the other."""
    venue, database, start, end, *symbols = arguments
    engine = create_engine(
        database.replace("postgresql://", "postgresql+psycopg://", 1),
        connect_args={"prepare_threshold": None},  # the embedded database has one session for all
    )
    binance = exchange(venue)
    for symbol in symbols:
        frame = download(binance, symbol, int(start), int(end))
        frame.to_sql("candles", engine, if_exists="append", index=False)


if __name__ == "__main__":
    main(sys.argv[1:])
