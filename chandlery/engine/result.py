"""What a run did, and what went wrong, for people and for programs."""

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from chandlery.engine.coins_known import CoinsKnown
from chandlery.model import Coin, Window


class Failure(NamedTuple):
    """Hours of a coin that a source did not give, in the venue's words.

    Where it `refused` them, asking again does not help.
    """

    coin: int
    source: str
    window: Window
    words: str
    refused: bool = False


@dataclass
class RunResult:
    """Counts, added up as batches of coins end."""

    coins: list[Coin] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)  # symbol: why
    lacking: dict[int, list[Failure]] = field(default_factory=dict)  # what failed, by coin
    unlisted: list[str] = field(default_factory=list)  # symbols that no asked source lists
    records: int = 0
    pages: int = 0
    used: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    rows: Counter[str] = field(default_factory=Counter)  # by source
    left: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # to runs: coins
    findings: list[str] = field(default_factory=list)  # what is odd about what came
    off: dict[str, str] = field(default_factory=dict)  # sources switched off for the run: why
    silent: dict[str, str] = field(default_factory=dict)  # who answered nothing to the last batch
    skipped: dict[str, str] = field(default_factory=dict)  # sources not configured: what to set
    known: CoinsKnown | None = None  # coins, where a run is for all of them
    open_gaps: dict[str, dict[str, int]] | None = None  # by reason: how many, of how many hours
    seconds: float = 0.0

    def wrote(self, source: str, coins: Iterable[int], rows: int) -> None:
        """Count rows of these coins from one source."""
        self.records += rows
        self.rows[source] += rows
        self.used[source].update(coins)

    def add(self, other: "RunResult") -> None:
        """Count what another run for some of the same coins stored, and what it found."""
        self.records += other.records
        self.pages += other.pages
        self.rows += other.rows
        for source, coins in other.used.items():
            self.used[source] |= coins
        for finding in other.findings:
            self.note(finding)

    def take_in(self, coins: Iterable[Coin], listed: Container[int]) -> None:
        """Count these coins, each once; `listed` are those (by key) that a source lists."""
        before = {coin.key for coin in self.coins}
        fresh = [coin for coin in coins if coin.key not in before]
        self.coins += fresh
        self.unlisted += [coin.symbol for coin in fresh if coin.key not in listed]

    def ask_again(self, coins: Iterable[Coin], sources: Collection[str]) -> None:
        """Leave out what these sources did not give of these coins: they are asked for it now."""
        for coin in coins:
            before = self.lacking.pop(coin.key, [])
            if kept := [each for each in before if each.source not in sources]:
                self.lacking[coin.key] = kept

    def note(self, finding: str) -> None:
        """Note something odd, once."""
        if finding not in self.findings:
            self.findings.append(finding)

    def leave(self, left: Mapping[str, set[int]]) -> None:
        """Note what is left to other runs: by the name of each, the coins."""
        for name, coins in left.items():
            self.left[name] |= coins

    @property
    def unfinished(self) -> list[str]:
        """Symbols of the coins that did not fail, but of which hours are left to other runs."""
        left = set().union(*self.left.values())
        return [
            each.symbol
            for each in self.coins
            if each.key in left and each.symbol not in self.failed
        ]

    @property
    def successful(self) -> int:
        """How many coins have all that was asked for, as far as anybody has it."""
        undone = (self.failed, self.unlisted, self.unfinished)
        return len(self.coins) - sum(map(len, undone))

    @property
    def is_listed_nowhere(self) -> bool:
        """Whether no source that was asked lists any of the coins."""
        return bool(self.coins) and len(self.unlisted) == len(self.coins)

    def leaving(self) -> list[str]:
        """What is left to other runs, a line for each."""
        return [
            f"{len(coins)} coins left to {name}, under way"
            for name, coins in self.left.items()
            if coins
        ]

    def away(self, coins: Iterable[Coin]) -> dict[str, str]:
        """Who was away as a whole for these coins, the last batch, if any of them failed: words."""
        return self.silent if any(coin.symbol in self.failed for coin in coins) else {}

    def forget(self, coins: Collection[Coin]) -> None:
        """Take back the outcome of coins that are to be done again; what was written is counted."""
        symbols = {coin.symbol for coin in coins}
        self.coins = [coin for coin in self.coins if coin not in coins]
        self.unlisted = [symbol for symbol in self.unlisted if symbol not in symbols]
        self.failed = {name: why for name, why in self.failed.items() if name not in symbols}
        for left in self.left.values():
            left.difference_update(coin.key for coin in coins)

    def statistics(self) -> dict[str, object]:
        """One JSON object: the promised counts first."""
        return {
            "total_symbols": len(self.coins),
            "successful": self.successful,
            "failed": len(self.failed),
            "total_records": self.records,
            "sources_used": {name: len(coins) for name, coins in sorted(self.used.items())},
            "records_by_source": dict(sorted(self.rows.items())),
            "unlisted": self.unlisted,
            "failures": self.failed,
            "left_to_other_runs": {name: len(coins) for name, coins in self.left.items() if coins},
            "sources_off": self.off,
            "skipped": self.skipped,
            "findings": self.findings,
            **({} if self.known is None else {"universe": self.known._asdict()}),
            **({} if self.open_gaps is None else {"open_gaps": self.open_gaps}),
            "pages": self.pages,
            "seconds": round(self.seconds, 3),
        }
