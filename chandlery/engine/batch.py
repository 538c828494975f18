"""One batch of coins: what is missing, from the best source first, the rest from the next.

Nothing is remembered between sources but what the database says: each is asked for what is missing
when its turn comes, so a page that failed at one is simply still missing for the next.

Say a coin lacks 00:00 to 06:00, and the spec names these three in this order:

    binance_spot  is asked for 00-06, and has 03-06     3 rows, 00-03 are noted as empty answers
    okx           is asked for 00-03, its page fails    nothing, one failure
    bybit         is asked for 00-03, and has 00-02     2 rows, 02-03 is noted

02-03 is missing, and the coin counts as failed, since OKX did not answer. The next run asks OKX for
02-03 and nobody else for anything: what was answered is not due again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chandlery import store, venues
from chandlery.engine import monthly_quota
from chandlery.engine.claimed import Claim, claimed
from chandlery.engine.context import RunContext
from chandlery.engine.progress import Course
from chandlery.engine.result import Failure, RunResult
from chandlery.engine.source_batch import SourceBatch
from chandlery.engine.spec import RunSpec
from chandlery.engine.turn import ask, ask_at_once
from chandlery.model import KINDS, Coin, Kind, Listing
from chandlery.venues import Many, Source

BATCH = 50  # coins that are planned, and in Prefect retried, together


def passes(context: RunContext, spec: RunSpec) -> Iterator[tuple[RunSpec, int]]:
    """The spec for the traded sources, for pools, for the indicative: each with a batch's size.

    The latter are slow, and have the hours that no venue has: no other coin waits for them.
    Where all that is wanted is so new that one request has it of many coins, these are a batch.
    """
    asked = sources_in_order(context, spec)
    kinds: list[Kind | None] = [
        kind for kind in KINDS if any(source.kind == kind for source in asked)
    ]
    for kind in kinds or [None]:  # coins that nobody may be asked for are counted all the same
        mine = [source for source in asked if source.kind == kind]
        many = [each.many.most for each in mine if each.many and _is_new(each.many, spec)]
        yield replace(spec, kind=kind), max([BATCH, *many])


def _is_new(many: Many, spec: RunSpec) -> bool:
    return spec.window.start >= spec.now - many.reach


def batches(coins: Sequence[Coin], size: int = BATCH) -> Iterator[Sequence[Coin]]:
    """The coins in pieces, best rank first."""
    for first in range(0, len(coins), size):
        yield coins[first : first + size]


def collect_batch(
    context: RunContext, spec: RunSpec, coins: Sequence[Coin], result: RunResult, course: Course
) -> None:
    """Fetch and write what these coins lack in the spec's window. Add the outcome to `result`.

    What another run is at work on is left to it.
    """
    with claimed(context, spec, coins) as claim:
        _collect_batch(context, spec, coins, result, course, claim)
        result.leave(claim.left)


@dataclass
class _Told:
    """What the sources asked so far said that matters to those asked after them."""

    failures: list[Failure] = field(default_factory=list)
    refused: set[tuple[str, int, str]] = field(default_factory=set)
    mispriced: set[tuple[str, int, str]] = field(default_factory=set)
    answered: set[tuple[str, int]] = field(default_factory=set)
    """By second ways: the first one's name, and the coin."""

    def take(self, batch: SourceBatch) -> None:
        """Add what one source's turn came to."""
        if batch.silent is not None:
            batch.result.silent[batch.source.name] = batch.silent
        self.failures += batch.failures
        self.refused.update(each.market for each in batch.refused)
        self.mispriced.update(each.market for each in batch.mispriced)
        if batch.source.serves is not None:
            self.answered.update((batch.source.serves, coin) for coin in _answered(batch))

    def unmet(self) -> list[Failure]:
        """The failures, but for symbols that are gone from an API, and were asked of its files.

        What these lack nobody refused.
        """
        return [
            each
            for each in self.failures
            if not each.refused or (each.source, each.coin) not in self.answered
        ]


def _collect_batch(  # noqa: PLR0913, PLR0917  a batch, and what it is done with
    context: RunContext,
    spec: RunSpec,
    coins: Sequence[Coin],
    result: RunResult,
    course: Course,
    claim: Claim,
) -> None:
    rank = {coin.key: place for place, coin in enumerate(coins)}
    listings = sorted(context.database.do(store.listings, coins), key=lambda each: rank[each.coin])
    told = _Told()
    result.silent.clear()
    asked = sources_in_order(context, spec)
    result.ask_again(coins, [source.name for source in asked])
    for source in asked:
        mine = [each for each in listings if each.source == source.listings]
        mine = [each for each in mine if each.market not in told.mispriced]
        mine = _in_turn(context, spec, source, mine)
        if _is_fallback(context, spec, source):
            mine = [
                each for each in mine if each.market in told.refused or _is_closed(each, result)
            ]
        if mine:
            if words := monthly_quota.used_up(context, source, spec.now):
                result.off.setdefault(source.name, words)
            batch = SourceBatch(context, spec, source, result, course, claim)
            files = _files_beside(spec, source, asked)
            course.ask(source.name)
            with batch.contained(mine):
                if files is None:
                    ask(batch, mine)
                else:
                    beside = SourceBatch(context, spec, files, result, course, claim)
                    ask_at_once(batch, beside, mine)
                    told.take(beside)
            told.take(batch)
    named = {context.sources[name].listings for name in spec.sources}
    listed = {listing.coin for listing in listings if listing.source in named}
    result.take_in(coins, listed)
    _judge(context, coins, told.unmet(), result)


def _files_beside(spec: RunSpec, source: Source, asked: Iterable[Source]) -> Source | None:
    """The files that are asked for whole months while the source itself is asked for the rest."""
    if spec.archive is not None or spec.refetch:
        return None
    return next(
        (
            each
            for each in asked
            if each.serves == source.name and each.in_files and each.name not in spec.sources
        ),
        None,
    )


def _is_fallback(context: RunContext, spec: RunSpec, source: Source) -> bool:
    """Whether it is asked only for what the first way to the same candles cannot give.

    Where that one reaches back so far only, older hours are the second one's.
    """
    if source.serves not in spec.sources or spec.archive or spec.refetch:
        return False
    return context.sources[source.serves].reach is None


def _in_turn(
    context: RunContext, spec: RunSpec, source: Source, listings: list[Listing]
) -> list[Listing]:
    """The listings that this run asks for: hourly, a slow source is asked for the best only."""
    if source.hourly is None or not spec.is_hourly or not listings:
        return listings
    best = context.database.do(store.best_listed, source.listings, source.hourly)
    return [each for each in listings if each.coin in best]


def _answered(batch: SourceBatch) -> set[int]:
    """The coins that a second way has files of, or may have had: their listings are over."""
    return {
        listing.coin
        for listing, answers in batch.answers.items()
        if listing.end is not None or any(each.first is not None for each in answers)
    }


def sources_in_order(context: RunContext, spec: RunSpec) -> list[Source]:
    """The sources to ask, as the spec has them, in the order in which they are asked.

    To fetch anew what takers bought, only those that tell it.
    """
    found = ordered(context.sources, context.keys, spec.sources, archive=bool(spec.archive))
    found = [source for source in found if source.taker or spec.refetch is None]
    return [source for source in found if spec.kind is None or source.kind == spec.kind]


def ordered(
    known: Mapping[str, Source],
    keys: Mapping[str, object],
    names: Sequence[str],
    *,
    archive: bool = False,
) -> list[Source]:
    """The sources of these names, but a worse kind after all of the better ones.

    Where there is a second way to a source's candles, it comes after; with `archive` before. A
    second way that is named stands where it is named. Who lacks a key that it needs is left out.
    """
    found: list[Source] = []
    for name in names:
        ways = [each for each in known.values() if each.serves == name and each.name not in names]
        found += [*ways, known[name]] if archive else [known[name], *ways]
    able = [source for source in found if venues.configured(keys, source)]
    return sorted(able, key=lambda source: KINDS.index(source.kind))


def _is_closed(listing: Listing, result: RunResult) -> bool:
    """Whether the first way is closed to us, or the symbol gone from it."""
    return listing.end is not None or listing.source in result.off


def _judge(
    context: RunContext, coins: Sequence[Coin], failures: Iterable[Failure], result: RunResult
) -> None:
    """A coin failed if hours that a source did not give, in this pass or before, are missing."""
    asked = [each for coin in coins for each in result.lacking.pop(coin.key, [])]
    asked += failures
    lacking = context.database.do(store.missing, [(each.coin, each.window) for each in asked])
    for failure, windows in zip(asked, lacking, strict=True):
        if windows:
            result.lacking.setdefault(failure.coin, []).append(failure)
    for coin in coins:
        result.failed.pop(coin.symbol, None)
        if coin.key in result.lacking:
            result.failed[coin.symbol] = result.lacking[coin.key][0].words
