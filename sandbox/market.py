"""A market replayed from a folder: `<source>/<symbol>/<timeframe>.parquet` and `coins.json`.

Nothing is added to what was recorded. A timeframe that was not recorded is added up from the
hours; one that was is served as the venue had it. A symbol may be listed without candles (its
pages are empty) and may have candles without being listed (it trades, and nobody says what coin
it is). What CoinGecko and CryptoCompare tell of a coin, unless it was recorded, is the longest of
the recordings of its listings.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from sandbox.bars import Longer, Within, open_bar
from sandbox.words import COLUMNS, HOUR, STEPS, BadOption, Candles, Coin, Digits, Listing

# Longest first where one is the end of another.
_QUOTES = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD1", "USDP", "BIDR",
    "BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "BRL", "AUD", "USD", "DAI",
)  # fmt: skip
# Who tells prices without trading, and what a coin is called there.
UNTRADED: Mapping[str, Callable[[Coin], str]] = {
    "coingecko": lambda coin: coin.id,
    "cryptocompare": lambda coin: coin.symbol.upper(),
}
_UNKNOWN_SINCE = 1_569_398_400_000
_MANY = re.compile(r"(10+)(?=[A-Z])")  # 1000PEPE
_MOST = 8
_LAST = 100_000  # the rank of a coin without one


def halves(symbol: str) -> tuple[str, str]:
    """Take a symbol apart into base and quote."""
    base, *rest = re.split("[-_]", symbol)
    if rest:
        return base, rest[0]
    quote = next((q for q in _QUOTES if symbol.endswith(q) and symbol != q), "")
    return symbol.removesuffix(quote), quote


def _decimals(frame: pl.DataFrame, columns: Sequence[str]) -> int:
    """Return how many decimals the numbers in these columns have, 8 at most."""
    values = pl.concat([frame[name] for name in columns]).drop_nulls()

    def fits(digits: int) -> bool:
        # Divided by a column: by a number, polars multiplies by its inverse, which is not exact.
        scale = pl.repeat(10.0**digits, len(values), eager=True)
        return bool(((values * scale).round() / scale == values).all())

    return next((digits for digits in range(_MOST) if fits(digits)), _MOST)


@dataclass(frozen=True)
class Recorded:
    """One recorded file."""

    path: Path
    step: int
    hours: Candles | None = None

    @cached_property
    def rows(self) -> pl.DataFrame:
        """All of it, ascending."""
        try:
            rows = pl.read_parquet(self.path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise BadOption(f"not a recording: {self.path}: {error}") from error
        absent = [pl.lit(None).alias(c) for c in COLUMNS if c not in rows.columns]
        numbers = [pl.col(c).cast(pl.Float64) for c in COLUMNS[1:-1]]
        time = pl.col("open_time").dt.epoch("ms")
        rows = rows.with_columns(absent).select(time, *numbers, pl.col("trades").cast(pl.Int64))
        return rows.sort("open_time")

    @property
    def first(self) -> int:
        """The oldest open time."""
        return int(self.rows["open_time"][0])

    @property
    def last(self) -> int:
        """The newest open time there will ever be."""
        return int(self.rows["open_time"][-1])

    @cached_property
    def digits(self) -> Digits:
        """The decimals found in the recording."""
        groups = ("open", "high", "low", "close"), ("volume",), ("quote_volume",)
        return Digits(*(_decimals(self.rows, columns) for columns in groups))

    def frame(self, start: int, end: int) -> pl.DataFrame:
        """Return the candles opening in [start, end)."""
        begin, stop = (self.rows["open_time"].search_sorted(t) for t in (start, end))
        return self.rows.slice(int(begin), max(0, int(stop) - int(begin)))

    def so_far(self, now: int) -> pl.DataFrame:
        """Return the bar that is open now: out of the hours where they are known."""
        if self.hours is None:
            return open_bar(self, now)
        return Longer(self.hours, self.step).so_far(now)


class RecordedMarket:
    """A folder of recorded candles."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._coins, self._named = _read_coins(folder)
        self._candles: dict[tuple[str, str, str], Candles | None] = {}
        self._by_source = self._all_listings()

    @property
    def about(self) -> str:
        """Say in a line where the candles come from."""
        return f"replayed from {self._folder}: {len(self._coins)} coins, as recorded"

    @cached_property
    def coins(self) -> Sequence[Coin]:
        """All coins, best rank first, each at its newest recorded price."""
        return sorted((self._priced(coin) for coin in self._coins), key=lambda coin: coin.rank)

    def _priced(self, coin: Coin) -> Coin:
        """Return the coin with its newest recorded price, if any was recorded."""
        for x in self._named:
            hours = self.candles(x.source, x.symbol, "1h") if x.coin == coin.id else None
            if hours is not None and x.until is None:
                close = hours.frame(hours.last, hours.last + HOUR)["close"][0]
                return replace(coin, price=float(close))
        return coin

    def listings(self, source: str) -> Sequence[Listing]:
        """Return all listings there ever were at a source."""
        return self._by_source.get(source, ())

    def _all_listings(self) -> Mapping[str, Sequence[Listing]]:
        """Return those of coins.json, and the folders it does not name."""
        found: dict[str, list[Listing]] = {}
        named = {(x.source, x.symbol) for x in self._named}
        for path in sorted(self._folder.glob("*/*/1h.parquet")):
            source, symbol = path.parts[-3:-1]
            if (source, symbol) not in named:
                since = self._first(source, symbol)
                found.setdefault(source, []).append(
                    Listing(source, symbol, *halves(symbol), None, since)
                )
        for x in self._named:
            since = max(x.since, self._first(x.source, x.symbol))
            found.setdefault(x.source, []).append(replace(x, since=since))
        return {source: sorted(rows, key=_age) for source, rows in found.items()}

    def _first(self, source: str, symbol: str) -> int:
        """Return when the oldest candle opened, or a day long ago where none was recorded."""
        hours = self.candles(source, symbol, "1h")
        return _UNKNOWN_SINCE if hours is None else hours.first

    def candles(self, source: str, symbol: str, interval: str) -> Candles | None:
        """Return a symbol's candles, or None where there are none."""
        key = (source, symbol, interval)
        if key not in self._candles:
            self._candles[key] = self._open(*key)
        return self._candles[key]

    def _open(self, source: str, symbol: str, interval: str) -> Candles | None:
        """Open a recording, or add the timeframe up from the hours."""
        if interval not in STEPS:
            return None
        path = self._folder / source / symbol / f"{interval}.parquet"
        if source in UNTRADED and not path.parent.is_dir():
            return self._told_by(source, symbol) if interval == "1h" else None
        hours = self.candles(source, symbol, "1h") if interval != "1h" else None
        if path.is_file():
            recorded = Recorded(path, STEPS[interval], hours)
            return recorded if len(recorded.rows) else None
        return hours and Longer(hours, STEPS[interval])

    def _told_by(self, source: str, symbol: str) -> Candles | None:
        """Return what a coin's candles at its own venues make those who do not trade tell."""
        named = [x.coin for x in self._named]
        coins = sorted(self._coins, key=lambda coin: coin.rank)
        meant = (c.id for c in coins if symbol == UNTRADED[source](c) and c.id in named)
        coin = next(meant, None)
        found = [
            Within(hours, x.since, x.until)
            for x in self._named
            if x.coin == coin and (hours := self.candles(x.source, x.symbol, "1h"))
        ]
        return max(found, key=lambda hours: hours.last - hours.first, default=None)


def _age(listing: Listing) -> tuple[str, int]:
    """Sort listings by symbol, older first."""
    return listing.symbol, listing.since


def _read_coins(folder: Path) -> tuple[list[Coin], list[Listing]]:
    """Read `coins.json`: the coins, and the listings it names."""
    if not folder.is_dir():
        raise BadOption(f"no such market folder: {folder}")
    try:
        entries = json.loads((folder / "coins.json").read_bytes())
        coins = [_coin(x) for x in entries]
        listings = [_listing(x["id"], y) for x in entries for y in x.get("listings", ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadOption(f"not a market folder: {folder}/coins.json: {error!r}") from error
    return coins, listings


def _coin(entry: Mapping[str, Any]) -> Coin:
    """Read one coin of `coins.json`."""
    rank, active = entry.get("rank") or _LAST, not entry.get("inactive")
    return Coin(entry["id"], entry["symbol"], entry["name"], rank, None, active)


def _listing(coin: str, entry: Mapping[str, Any]) -> Listing:
    """Read one listing of `coins.json`."""
    since, until = (
        int(datetime.fromisoformat(entry[end]).timestamp()) * 1000 if entry.get(end) else None
        for end in ("from", "to")
    )
    symbol = str(entry["symbol"])
    base, quote = halves(symbol)
    many = _MANY.match(base)
    multiple = int(many[1]) if many else 1
    source = str(entry["source"])
    archived = bool(entry.get("archived"))
    listing = Listing(source, symbol, base, quote, coin, since or 0, until, multiple=multiple)
    return replace(listing, archived=archived)
