"""Hours that were there once, and went without anybody being told."""

from collections.abc import Sequence
from dataclasses import dataclass

from chandlery import store
from chandlery.model import Window

FEW = 10
"""So many coins are named in a command."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Hours that 4h and 1d candles counted and that are gone, and hours that they did not count.

    `lost` hours on `days` days, counted coin by coin, of the coins of `symbols`, all in `window`
    (None: nothing is lost).
    """

    hours: int = 0
    days: int = 0
    symbols: Sequence[str] = ()
    window: Window | None = None
    uncounted: int = 0

    def sentences(self) -> list[str]:
        """What to know and what to do, a sentence each; none where days and hours agree."""
        told = []
        if self.window is not None:
            start, end = (f"{at:%Y-%m-%d}" for at in (self.window.start, self.window.end))
            told.append(
                f"lost: {self.hours:,} hours on {self.days:,} days, coins: {len(self.symbols):,},"
                f" from {start} to {end}: they were counted as stored, and are gone;"
                f" `{self.command()}` fetches them again"
            )
        if self.uncounted:
            told.append(f"{self.uncounted:,} hours were stored and not counted; now they are")
        return told

    def command(self) -> str:
        """What fetches them again; empty where nothing is lost."""
        if self.window is None:
            return ""
        named = f" --symbols {','.join(self.symbols)}" if len(self.symbols) <= FEW else ""
        ends = f"--start {self.window.start:%Y-%m-%d} --end {self.window.end:%Y-%m-%d}"
        return f"chandlery backfill {ends}{named}"

    def statistics(self) -> dict[str, object]:
        """Part of a JSON object."""
        window = self.window
        return {
            "lost_hours": self.hours,
            "lost_days": self.days,
            "lost_symbols": len(self.symbols),
            "lost_from": window and window.start.isoformat(),
            "lost_to": window and window.end.isoformat(),
            "fetch_again": self.command() or None,
            "uncounted_hours": self.uncounted,
        }


def find_lost(database: store.Database) -> Lost:
    """Compare all days with their hours, a chunk at a time; the next refresh puts them right."""
    windows = database.do(store.compared_windows)
    found = [database.do(store.reconcile, window) for window in windows]
    starts = [each.start for each in found if each.start is not None]
    ends = [each.end for each in found if each.end is not None]
    names = {coin.key: coin.symbol for coin in database.do(store.find)}
    coins = sorted({coin for each in found for coin in each.coins})
    return Lost(
        hours=sum(each.lost for each in found),
        days=sum(each.lost_days for each in found),
        symbols=[names.get(coin, f"coin {coin}") for coin in coins],
        window=Window(min(starts), max(ends)) if starts else None,
        uncounted=sum(each.uncounted for each in found),
    )
