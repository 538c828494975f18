"""A whole run: batch after batch by market-cap rank, refreshing as it goes.

Traded sources are asked for all coins first, then the indicative ones for what is left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from chandlery import store, venues
from chandlery.engine import monthly_quota
from chandlery.engine.batch import batches, collect_batch, passes
from chandlery.engine.chosen import choose
from chandlery.engine.coins_known import CoinsKnown, coins_known
from chandlery.engine.compare import tell_outages
from chandlery.engine.context import RunContext
from chandlery.engine.result import RunResult
from chandlery.engine.source_batch import Step
from chandlery.engine.spec import RunSpec
from chandlery.model import Coin


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `share` (0..1) by the hours that it has to fetch, about."""

    coins: int
    done: int
    records: int
    share: float


Watch = Callable[[Progress], None]


@dataclass
class _Course:
    """Counts what comes, and what of all that is wanted is behind us."""

    coins: int
    wanted: Mapping[int, int]
    watch: Watch
    ended: set[int] = field(default_factory=set)
    records: int = 0
    behind: int = 0  # hours wanted of the batches that are done
    in_batch: int = 0

    def __post_init__(self) -> None:
        self.total = max(sum(self.wanted.values()), 1)  # once: it is told of each page

    def step(self, rows: int) -> None:
        """So many rows came."""
        self.records += rows
        self.in_batch += rows
        self._tell()

    def end(self, batch: Sequence[Coin]) -> None:
        """A batch is done. A later pass is for what is left of all coins, and counts none again."""
        fresh = [coin.key for coin in batch if coin.key not in self.ended]
        self.behind += sum(self.wanted.get(key, 0) for key in fresh)
        self.ended.update(fresh)
        self.in_batch = 0
        self._tell()

    def _tell(self) -> None:
        share = (self.behind + self.in_batch) / self.total
        self.watch(Progress(self.coins, len(self.ended), self.records, min(share, 1.0)))


CollectBatch = Callable[[RunContext, RunSpec, Sequence[Coin], RunResult, Step], None]


def run(
    context: RunContext,
    spec: RunSpec,
    watch: Watch = lambda _: None,
    collect_batch: CollectBatch = collect_batch,
) -> RunResult:
    """Plan, fetch, write, refresh and account for every coin of the spec.

    `collect_batch` does one batch: Prefect's flows hand in the same function as a task.
    """
    began = monotonic()
    coins = context.database.do(choose, spec.symbols, spec.max_coins, delisted=spec.delisted)
    coins = [coin for coin in coins if spec.shard is None or spec.shard.has(coin)]
    context.database.do(store.take_in, [coin.key for coin in coins])
    result = RunResult(skipped=_unconfigured(context, spec))
    result.known = _known(context, spec)
    known = context.sources.values()
    context.database.do(
        store.note_kinds, [each.name for each in known if each.kind == "indicative"]
    )
    hourly = {each.name: each.hourly for each in known if each.hourly is not None}
    context.database.do(store.note_hourly, hourly, spec.now)
    context.refreshing.now()  # what a run that died left behind
    keys = [coin.key for coin in coins]
    course = _Course(len(coins), _lacking(context, spec, keys), watch)
    for part, size in passes(context, spec):
        for batch in batches(coins, size):
            collect_batch(context, part, batch, result, course.step)
            course.end(batch)
            context.refreshing.if_due()
    context.refreshing.now()
    tell_outages(context, spec, result)
    monthly_quota.keep(context, spec.now)
    touched = sorted(set().union(*result.used.values()))
    result.findings += map(str, context.database.do(store.find_oddities, touched))
    result.seconds = monotonic() - began
    return result


Run = Callable[[RunContext, RunSpec, Watch, CollectBatch], RunResult]


def fill_gaps(
    context: RunContext,
    spec: RunSpec,
    watch: Watch = lambda _: None,
    collect_batch: CollectBatch = collect_batch,
) -> RunResult:
    """Run the spec, and count the gaps that are left, by reason."""
    result = run(context, spec, watch, collect_batch)
    result.open_gaps = context.database.do(store.gaps_by_reason, spec.now, spec.window)
    return result


def _lacking(context: RunContext, spec: RunSpec, coins: Sequence[int]) -> dict[int, int]:
    """How many hours of each coin (by key) there are to fetch, about; they are wanted from now on.

    To fetch anew what is held is no word on how far back a coin is wanted.
    """
    do = context.database.do
    if spec.refetch is None:
        do(store.note_wanted, coins, spec.window.start)
        return do(store.wanted, coins, spec.window)
    telling = [each.name for each in context.sources.values() if each.taker]
    return do(store.wanted_taker, coins, spec.window, telling)


def _known(context: RunContext, spec: RunSpec) -> CoinsKnown | None:
    """How many coins are known, where more of them would be this run's; no shard's affair."""
    if spec.symbols is not None or spec.shard is not None:
        return None
    found = context.database.do(coins_known)
    return found if spec.max_coins is None or spec.max_coins > found.known else None


def _unconfigured(context: RunContext, spec: RunSpec) -> dict[str, str]:
    """Sources that are not asked for want of a key: said once, and no coin's failure."""
    return {
        name: f"not configured: set {name.upper()}_API_KEY"
        for name in spec.sources
        if not venues.configured(context.keys, context.sources[name])
    }
