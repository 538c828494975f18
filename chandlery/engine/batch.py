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

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from itertools import chain, groupby
from operator import attrgetter

import polars as pl

from chandlery import store, venues
from chandlery.engine import empty_answers, monthly_quota, plan, starts
from chandlery.engine.claimed import Claim, claimed
from chandlery.engine.context import WORKERS, RunContext
from chandlery.engine.newest import newest
from chandlery.engine.plan import Page
from chandlery.engine.price_check import Guard
from chandlery.engine.result import Failure, RunResult
from chandlery.engine.source_batch import SourceBatch, Step
from chandlery.engine.spec import RunSpec
from chandlery.errors import SourceError
from chandlery.model import KINDS, Coin, Kind, Listing, within
from chandlery.venues import Fetched, Many, Source, fetch

BATCH = 50  # coins that are planned, and in Prefect retried, together
FLUSH_ROWS = 50_000  # rows held before they are written: bounds memory, and the loss by a kill
AHEAD = 3  # requests queued for each worker, so that none is idle while rows are written


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
    context: RunContext, spec: RunSpec, coins: Sequence[Coin], result: RunResult, step: Step
) -> None:
    """Fetch and write what these coins lack in the spec's window. Add the outcome to `result`.

    What another run is at work on is left to it.
    """
    with claimed(context, spec, coins) as claim:
        _collect_batch(context, spec, coins, result, step, claim)
        result.leave(claim.left)


def _collect_batch(  # noqa: PLR0913, PLR0917  a batch, and what it is done with
    context: RunContext,
    spec: RunSpec,
    coins: Sequence[Coin],
    result: RunResult,
    step: Step,
    claim: Claim,
) -> None:
    rank = {coin.key: place for place, coin in enumerate(coins)}
    listings = sorted(context.database.do(store.listings, coins), key=lambda each: rank[each.coin])
    failures: list[Failure] = []
    refused: set[tuple[str, int, str]] = set()
    mispriced: set[tuple[str, int, str]] = set()
    answered: set[tuple[str, int]] = set()  # by second ways: the first one's name, and the coin
    result.silent.clear()
    asked = sources_in_order(context, spec)
    result.ask_again(coins, [source.name for source in asked])
    for source in asked:
        mine = [each for each in listings if each.source == source.listings]
        mine = [each for each in mine if each.market not in mispriced]
        mine = _in_turn(context, spec, source, mine)
        if _is_fallback(context, spec, source):
            mine = [each for each in mine if each.market in refused or _is_closed(each, result)]
        if mine:
            if words := monthly_quota.used_up(context, source, spec.now):
                result.off.setdefault(source.name, words)
            batch = SourceBatch(context, spec, source, result, step, claim)
            with batch.contained(mine):
                _ask(batch, mine)
            if batch.silent is not None:
                result.silent[source.name] = batch.silent
            failures += batch.failures
            refused.update(each.market for each in batch.refused)
            mispriced.update(each.market for each in batch.mispriced)
            if source.serves is not None:
                answered.update((source.serves, coin) for coin in _answered(batch))
    # A symbol that is gone from the API is asked of its files: what these lack nobody refused.
    failures = [
        each for each in failures if not each.refused or (each.source, each.coin) not in answered
    ]
    named = {context.sources[name].listings for name in spec.sources}
    listed = {listing.coin for listing in listings if listing.source in named}
    result.take_in(coins, listed)
    _judge(context, coins, failures, result)


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
    found = ordered(context.sources, context.keys, spec.sources, archive=spec.archive)
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


def _ask(batch: SourceBatch, listings: Sequence[Listing]) -> None:
    """Have one source give what its listings lack now, and write it as it comes."""
    database, source = batch.context.database, batch.source
    key = database.do(store.source_key, source.name)
    better = _keys(batch, source)
    known = starts.known(batch, listings)
    guard = Guard.of(batch, known)
    pages = guard.first(plan.pages(batch.context, batch.spec, source, key, known, batch.claim))
    for frames in _flushes(chain(newest(batch, pages), _answers(batch, pages, guard))):
        _write(batch, frames, key, better)
    batch.keep_market_caps()
    guard.keep()
    starts.learn(batch, known)
    starts.doubt(batch)
    empty_answers.keep(batch, key)


def _write(
    batch: SourceBatch, frames: dict[int, pl.DataFrame], key: int, better: Sequence[int]
) -> None:
    """Store what came. What the database refuses of one coin costs no other coin's candles."""

    def write(some: dict[int, pl.DataFrame]) -> None:
        do, now = batch.context.database.do, batch.spec.now
        batch.result.wrote(
            batch.source.name, some, do(store.write, some, key, better=better, now=now)
        )

    batch.one_by_one(frames, write)


def _keys(batch: SourceBatch, source: Source) -> list[int]:
    """The database's numbers of those sources whose candles this one's do not replace.

    A candle of a better kind replaces one of a worse, wherever either stands in the order.
    """
    known = batch.context.sources
    names = list(dict.fromkeys(known[name].listings for name in batch.spec.sources))
    before = set(names[: names.index(source.listings)])
    mine = KINDS.index(source.kind)
    place = {name: KINDS.index(known[name].kind) for name in names}
    kept = [it for it in names if place[it] < mine or (place[it] == mine and it in before)]
    return [batch.context.database.do(store.source_key, name) for name in sorted(kept)]


def _answers(
    batch: SourceBatch, pages: Iterable[Page], guard: Guard
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Each coin's candles, page by page, in order."""
    for asked, future in _fetched(batch, pages):
        batch.result.pages += 1
        batch.claim.renew()
        try:
            found = future.result()
        except SourceError as error:
            for page in asked:
                batch.note(page.listing, page.window, error)
            continue
        frame = found.frame
        for page in asked:
            if not guard.passes(page, frame):
                continue
            batch.saw(page, frame, found.malformed)
            batch.saw_market_caps(page.listing.coin, found.market_caps)
            wanted = frame if page.asked == page.window else within(frame, page.window)
            batch.step(wanted.height)
            yield page.listing.coin, wanted


def _fetched(
    batch: SourceBatch, pages: Iterable[Page]
) -> Iterator[tuple[list[Page], Future[Fetched]]]:
    """Ask for pages some way ahead of whoever takes the answers, and hand them out in order.

    Pages of one request come together.
    """
    context, waiting = batch.context, deque[tuple[list[Page], Future[Fetched]]]()
    for (listing, asked), alike in groupby(pages, attrgetter("listing", "asked")):
        some = list(alike)
        words = batch.off or batch.refused.get(listing)
        if words is not None:
            refused = batch.off is None and listing not in batch.mispriced
            for page in some:
                batch.fail(listing, page.window, words, refused=refused)
            continue
        arguments = (context.client, batch.source, listing, asked, batch.spec.now)
        waiting.append((some, context.workers.submit(fetch, *arguments)))
        if len(waiting) > AHEAD * WORKERS:
            yield waiting.popleft()
    yield from waiting


def _flushes(answers: Iterable[tuple[int, pl.DataFrame]]) -> Iterator[dict[int, pl.DataFrame]]:
    """Gather pages until there are rows enough to be worth a COPY."""
    frames: dict[int, list[pl.DataFrame]] = defaultdict(list)
    rows = 0
    for coin, frame in answers:
        if frame.is_empty():
            continue
        frames[coin].append(frame)
        rows += frame.height
        if rows >= FLUSH_ROWS:
            yield _joined(frames)
            frames, rows = defaultdict(list), 0
    if rows:
        yield _joined(frames)


def _joined(frames: dict[int, list[pl.DataFrame]]) -> dict[int, pl.DataFrame]:
    """Each coin's pages as one frame, by time.

    The newest hours may have come first; a coin with two listings at a source has hours twice, of
    which the first listing's count.
    """
    return {coin: parts[0] if len(parts) == 1 else _in_one(parts) for coin, parts in frames.items()}


def _in_one(parts: list[pl.DataFrame]) -> pl.DataFrame:
    whole = pl.concat(parts).unique("open_time", keep="first", maintain_order=True)
    return whole.sort("open_time")


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
