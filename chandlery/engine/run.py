"""A whole run: batch after batch by market-cap rank, refreshing as it goes.

Traded sources are asked for all coins first, then the indicative ones for what is left.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from chandlery import store, venues
from chandlery.engine import monthly_quota
from chandlery.engine.batch import batches, collect_batch, passes, sources_in_order
from chandlery.engine.chosen import choose
from chandlery.engine.coins_known import CoinsKnown, coins_known
from chandlery.engine.compare import tell_outages
from chandlery.engine.context import RunContext
from chandlery.engine.progress import (
    CHECKING,
    PLANNING,
    Course,
    Progress,
    Watch,
    ignore,
)
from chandlery.engine.result import RunResult
from chandlery.engine.spec import RunSpec
from chandlery.engine.steps import asked_together, quarters
from chandlery.model import Coin

CollectBatch = Callable[[RunContext, RunSpec, Sequence[Coin], RunResult, Course], None]


def run(
    context: RunContext,
    spec: RunSpec,
    watch: Watch = ignore,
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
    context.refreshing.now(watch)  # what a run that died left behind
    _ask_all(context, spec, coins, result, watch, collect_batch)
    context.refreshing.now(watch)
    watch(Progress(CHECKING))
    tell_outages(context, spec, result)
    monthly_quota.keep(context, spec.now)
    touched = sorted(set().union(*result.used.values()))
    result.findings += map(str, context.database.do(store.find_oddities, touched))
    # A shard's moment is that of the run it is part of.
    for words in context.clocks.told(spec.now) if spec.shard is None else ():
        result.note(words)
    result.seconds = monotonic() - began
    _note_end(context, spec, result)
    return result


def _ask_all(  # noqa: PLR0913, PLR0917  a run's parts
    context: RunContext,
    spec: RunSpec,
    coins: Sequence[Coin],
    result: RunResult,
    watch: Watch,
    collect_batch: CollectBatch,
) -> None:
    watch(Progress(PLANNING))
    order = [source.name for source in sources_in_order(context, spec)]
    wanted = _lacking(context, spec, [coin.key for coin in coins])
    course = Course(len(coins), wanted, order, watch)
    all_passes = list(passes(context, spec))
    for place, (part, size) in enumerate(all_passes, 1):
        course.begin_pass(is_last=place == len(all_passes))
        for batch in batches(coins, size):
            course.begin_batch(batch)
            collect_batch(context, part, batch, result, course)
            course.end_batch(batch)
            context.refreshing.if_due(watch)


def _note_end(context: RunContext, spec: RunSpec, result: RunResult) -> None:
    """Have `chandlery health` know how it ended, and when: as long after `now` as it took."""
    if spec.verb is None:
        return
    coins, failed = len(result.coins), len(result.failed)
    ended = spec.now + timedelta(seconds=result.seconds)
    good = failed < coins or not coins
    context.database.do(store.note_run, spec.verb, ended, good=good, coins=coins, failed=failed)


Run = Callable[[RunContext, RunSpec, Watch, CollectBatch], RunResult]


def fill_gaps(
    context: RunContext,
    spec: RunSpec,
    watch: Watch = ignore,
    collect_batch: CollectBatch = collect_batch,
) -> RunResult:
    """Run the spec, mend what lies before steps, and count the gaps that are left, by reason."""
    result = run(context, spec, watch, collect_batch)
    if spec.recheck is not None:
        _mend_steps(context, spec, result, watch, collect_batch)
    result.open_gaps = context.database.do(store.gaps_by_reason, spec.now, spec.window)
    return result


def _mend_steps(
    context: RunContext,
    spec: RunSpec,
    result: RunResult,
    watch: Watch,
    collect_batch: CollectBatch,
) -> None:
    """Ask again for the hours before steps in prices, further back as long as that changes any."""
    keys = [coin.key for coin in result.coins]
    found = context.database.do(store.price_steps, keys, spec.now)
    for hours, ids in asked_together(found, spec.now):
        for part in quarters(min(hours.end, spec.window.end), hours.start):
            again = replace(spec, window=part, recheck=part, symbols=ids, max_coins=None, verb=None)
            done = run(context, again, watch, collect_batch)
            result.add(done)
            if done.failed or done.off or done.left:
                result.note(f"not all hours of {part} were had again: the next fill-gaps asks")
            if not done.records:
                break


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
    """Sources that are not asked for want of a key, and no coin's failure.

    Nobody hears it at every run who never named them: `chandlery sources` says it.
    """
    if spec.sources == venues.in_order():
        return {}
    return {
        name: f"not configured: set {name.upper()}_API_KEY"
        for name in spec.sources
        if not venues.configured(context.keys, context.sources[name])
    }
