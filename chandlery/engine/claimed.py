"""Claims: of runs that overlap one fetches an hour, and the others leave it to that one."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.engine.spec import RunSpec
from chandlery.model import Coin, Window
from chandlery.store import LEASE

RENEWALS = 5  # in a lease: an answer may take its time


@dataclass
class Claim:
    """What a batch has to itself; `others` are the claims, by coin, that came before it."""

    database: store.Database
    run: UUID
    others: Mapping[int, Sequence[store.Claim]]
    clock: Callable[[], float]
    left: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # by name: coins
    renewed_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.renewed_at = self.clock()

    def covers(self, coin: int, window: Window) -> bool:
        """Whether any hour of the window is ours."""
        return bool(window.without(each.window for each in self.others.get(coin, ())))

    def has_all(self, coin: int, window: Window) -> bool:
        """Whether no hour of the window is another's."""
        return not any(each.window.clip(window) for each in self.others.get(coin, ()))

    def cut(self, coin: int, wanted: Window) -> list[Window]:
        """The parts of what is wanted that are ours; to whom the rest is left is noted."""
        others = self.others.get(coin, ())
        for each in others:
            if each.window.clip(wanted):
                self.left[each.by.name].add(coin)
        return wanted.without(each.window for each in others)

    def renew(self) -> None:
        """Say now and then that the batch is still being done."""
        if self.clock() - self.renewed_at > LEASE.total_seconds() / RENEWALS:
            self.database.do(store.renew_claims, self.run)
            self.renewed_at = self.clock()


@contextmanager
def claimed(context: RunContext, spec: RunSpec, coins: Sequence[Coin]) -> Iterator[Claim]:
    """Have the spec's window of these coins to oneself, where nobody has it yet."""
    database = context.database
    process, others = store.Process.ours(), defaultdict(list)
    by = store.Claimant(uuid4(), f"{spec.name} (process {process.pid})", process)
    keys = [coin.key for coin in coins]
    for each in database.do(store.claim, by, keys, spec.window):
        others[each.coin].append(each)
    try:
        yield Claim(database, by.run, others, context.clock)
    finally:
        database.do(store.release_claims, by.run)
