"""How far a run is: what it is doing, and what share of that is behind it.

While sources are asked, the share is by hours. What came is behind a run, and so is at least one
turn's part of all that is left: an hour that one source lacks, the next may have. Say a coin lacks
100 hours, and three sources are asked for them:

    the first   has none     a third of 100 is behind: 33
    the second  has 60       60 of the 67 that were left, more than half of them: 93
    the third   has 2        all 100: nobody is left to ask
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from chandlery.model import Coin

LEARNING = "learning coins"
PLANNING = "looking for missing hours"
ASKING = "asking {}"
REFRESHING = "refreshing 4h and 1d"
CHECKING = "checking what came"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run is doing, and how far it is with that.

    `share` is 0..1: while sources are asked, of the hours that were missing, about; while bars are
    refreshed, of their years; None where nobody can tell. `done` are the coins that sources of the
    kind under way (traded, pooled, indicative) were asked for.
    """

    doing: str
    share: float | None = None
    coins: int = 0
    done: int = 0
    records: int = 0

    @property
    def is_asking(self) -> bool:
        """Whether sources are asked: the one part of a run that brings candles."""
        return self.doing.startswith(ASKING.format(""))


Watch = Callable[[Progress], None]


def ignore(_: object) -> None:
    """Watch nothing."""


@dataclass
class Course:
    """Counts what comes, and what of all that is wanted (hours, by coin) is behind a run.

    `order` are the names of all sources, as they are asked.
    """

    coins: int = 0
    wanted: Mapping[int, int] = field(default_factory=dict)
    order: Sequence[str] = ()
    watch: Watch = ignore
    records: int = 0
    done: int = 0
    behind: float = 0.0  # hours, without the turn under way

    def __post_init__(self) -> None:
        self.total = sum(self.wanted.values())  # once: it is told of each page
        self._is_last = True
        self._open = float(self.total)  # hours open as the pass began
        self._left = 0.0  # hours open of the batch
        self._turn = _Turn("", 1)

    def begin_pass(self, *, is_last: bool) -> None:
        """All coins are gone through, for what is left of them."""
        self._is_last, self._open, self.done = is_last, self.total - self.behind, 0

    def begin_batch(self, coins: Sequence[Coin]) -> None:
        """These coins are next: theirs is a part of what is open, by what was wanted of them."""
        mine = sum(self.wanted.get(coin.key, 0) for coin in coins)
        self._left = self._open * mine / max(self.total, 1)

    def ask(self, source: str) -> None:
        """A source's turn begins, or goes on."""
        if source != self._turn.source:
            self._settle()
            after = len(self.order) - self.order.index(source) if source in self.order else 1
            self._turn = _Turn(source, after)
        self._tell()

    def plan(self, hours: int) -> None:
        """The source under way is to be asked for so many hours."""
        self._turn.planned += hours

    def came(self, hours: int, rows: int) -> None:
        """So many hours were answered for, and had so many rows."""
        self.records += rows
        self._turn.answered += hours
        self._turn.rows += rows
        self._tell()

    def end_batch(self, coins: Sequence[Coin]) -> None:
        """All that this pass asks were asked for these coins."""
        self._settle()
        self.behind += self._left if self._is_last else 0.0
        self._left = 0.0
        self.done += len(coins)
        self._tell()
        self._turn = _Turn("", 1)

    def _settle(self) -> None:
        """What the turn brought is behind; the rest is the next source's."""
        self.behind += (brought := self._turn.brought(self._left))
        self._left -= brought
        self._turn.spent = True

    def _tell(self) -> None:
        behind = self.behind + self._turn.brought(self._left)
        share = behind / self.total if self.total else self.done / max(self.coins, 1)
        doing = ASKING.format(self._turn.source)
        self.watch(Progress(doing, min(round(share, 6), 1.0), self.coins, self.done, self.records))


@dataclass
class _Turn:
    """A source's turn at a batch: hours it is asked for, and what it answered of them."""

    source: str
    turns: int  # that are left to the batch, this one included
    planned: int = 0
    answered: int = 0
    rows: int = 0
    most: float = 0.0  # more may be planned in mid-turn, and nothing goes back
    spent: bool = False

    def brought(self, left: float) -> float:
        """How many of these hours that were left as it began are behind now."""
        if self.spent:
            return 0.0
        part = min(self.answered / max(self.planned, 1), 1.0)
        self.most = max(self.most, min(left, max(self.rows, left * part / self.turns)))
        return self.most
