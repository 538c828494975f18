"""A source's turn at a batch of coins: what it is asked for, and what is stored of its answers.

Where a source has a second way, files of whole months, and not the budget to give these within a
minute, both are asked at once: the files for the months, the first way for everything else. Then
the first way is asked for what the files lacked, and for a page of each listing that they had.
Say a coin lacks all from January to 10 March:

    files   January, February                    have January but for the 5th; February is late
    at once, the first way: 1 to 10 March        has it
    then    the 5th of January, all of February  has them
            a page of January as it has it       an hour's price is another one: it wins

What the first way says of the compared page takes the place of what the file said, hour by hour
where they differ, and what the file said is kept as restated.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise, zip_longest
from operator import attrgetter, itemgetter
from zlib import crc32

import polars as pl

from chandlery import store, venues
from chandlery.engine import empty_answers, plan, starts
from chandlery.engine.context import FILE_WORKERS, WORKERS
from chandlery.engine.newest import newest
from chandlery.engine.plan import Life, Page
from chandlery.engine.price_check import Guard
from chandlery.engine.source_batch import SourceBatch
from chandlery.errors import SourceError
from chandlery.model import KINDS, Listing, Window, empty, utc_text, within
from chandlery.venues import Fetched, Source, fetch, seal_of

FLUSH_ROWS = 50_000  # rows held before they are written: bounds memory, and the loss by a kill
AHEAD = 3  # requests queued for each worker, so that none is idle while rows are written
FILE_HOURS = 360
"""Fewer hours than this are not worth a file: the first way has a thousand by one request."""

WORTH_SECONDS = 60.0
"""Of a source's budget: what takes less of it, it gives sooner than files do."""

Answers = Iterator[tuple["Turn", int, pl.DataFrame]]


@dataclass
class Turn:
    """One source at work on listings of a batch, whose starts are known as far as they matter."""

    batch: SourceBatch
    key: int  # the source's in the database
    better: Sequence[int]
    listings: list[Listing]
    guard: Guard
    seals_ahead: bool = False  # asked for together with what they vouch for, and not after it came
    seen: dict[Page, pl.DataFrame] = field(default_factory=dict)  # what came of pages to compare

    @classmethod
    def of(cls, batch: SourceBatch, listings: Sequence[Listing]) -> "Turn":
        """Learn what is not known of these listings, and whose price is to be looked at."""
        known = starts.known(batch, listings)
        key = batch.context.database.do(store.source_key, batch.source.name)
        return cls(batch, key, better(batch, batch.source), known, Guard.of(batch, known))

    def plan(self, lives: Iterable[Life]) -> list[Page]:
        """What is to be asked for of these parts of the listings' lives."""
        batch = self.batch
        return plan.pages(
            batch.context, batch.spec, batch.source, self.key, list(lives), batch.claim
        )

    def lives(self) -> list[Life]:
        """Each listing's life within the spec's window."""
        return plan.lives(self.listings, self.batch.spec.window)

    def answers(self, pages: list[Page]) -> Answers:
        """Each coin's candles of these pages, in order."""
        ordered = self.guard.first(pages)
        self.batch.course.plan(sum(page.window.hours for page in ordered))
        for coin, frame in chain(newest(self.batch, ordered), self._answers(ordered)):
            yield self, coin, frame

    def keep(self) -> None:
        """Put down what the answers said beside their candles."""
        self.batch.keep_market_caps()
        self.guard.keep()
        starts.learn(self.batch, self.listings)
        starts.doubt(self.batch)
        empty_answers.keep(self.batch, self.key)

    def write(self, frames: dict[int, pl.DataFrame]) -> None:
        """Store what came. What the database refuses of one coin costs no other coin's candles."""
        batch = self.batch

        def write(some: dict[int, pl.DataFrame]) -> None:
            do, now = batch.context.database.do, batch.spec.now
            rows = do(store.write, some, self.key, better=self.better, now=now)
            batch.result.wrote(batch.source.name, some, rows)

        batch.one_by_one(frames, write)

    def _answers(self, pages: Iterable[Page]) -> Iterator[tuple[int, pl.DataFrame]]:
        batch = self.batch
        for asked, future in self._fetched(pages):
            batch.result.pages += 1
            batch.claim.renew()
            try:
                found = future.result()
            except SourceError as error:
                for page in asked:
                    batch.note(page.listing, page.window, error)
                    batch.course.came(page.window.hours, 0)
                continue
            frame = found.frame
            for page in asked:
                if not self.guard.passes(page, frame):
                    batch.course.came(page.window.hours, 0)
                    continue
                batch.saw(page, found)
                batch.saw_market_caps(page.listing.coin, found.market_caps)
                wanted = frame if page.asked == page.window else within(frame, page.window)
                batch.course.came(page.window.hours, wanted.height)
                if page in self.seen:
                    self.seen[page] = wanted
                yield page.listing.coin, wanted

    def _fetched(self, pages: Iterable[Page]) -> Iterator[tuple[list[Page], Future[Fetched]]]:
        """Ask for pages some way ahead of whoever takes the answers, and hand them out in order.

        Pages of one request come together.
        """
        batch, waiting = self.batch, deque[tuple[list[Page], Future[Fetched]]]()
        context, in_files = batch.context, batch.source.in_files
        workers = context.file_workers if in_files else context.workers
        ahead = AHEAD * (FILE_WORKERS if in_files else WORKERS)
        for (listing, asked), alike in groupby(pages, attrgetter("listing", "asked")):
            some = list(alike)
            words = batch.off or batch.refused.get(listing)
            if words is not None:
                refused = batch.off is None and listing not in batch.mispriced
                for page in some:
                    batch.fail(listing, page.window, words, refused=refused)
                    batch.course.came(page.window.hours, 0)
                continue
            whom, seal = (context.client, batch.source, listing), None
            if self.seals_ahead:  # before its file, or nobody might be left to ask for it
                seal = workers.submit(seal_of, *whom, asked).result
            future = workers.submit(fetch, *whom, asked, batch.spec.now, seal=seal)
            waiting.append((some, future))
            if len(waiting) > ahead:
                yield waiting.popleft()
        yield from waiting


def ask(batch: SourceBatch, listings: Sequence[Listing]) -> None:
    """Have one source give what its listings lack now, and write it as it comes."""
    turn = Turn.of(batch, listings)
    _write(turn.answers(turn.plan(turn.lives())))
    turn.keep()


def ask_at_once(batch: SourceBatch, by_files: SourceBatch, listings: Sequence[Listing]) -> None:
    """Have a source's files give whole months while it gives the rest itself, and what they lack.

    One page of each listing is compared.
    """
    turn = Turn.of(batch, listings)
    files = Turn.of(by_files, turn.listings)
    files.seals_ahead = by_files.source.seal is not None
    months = [page for page in files.plan(files.lives()) if page.window.hours >= FILE_HOURS]
    months = months if _are_worth_it(batch, months) else []
    left = turn.plan(_without(turn.lives(), _by_listing(months)))
    compared = _compared(batch, months)
    files.seen = {month: empty() for month, _ in compared.values()}
    _write(_alternately(files.answers(months), turn.answers(left)))
    files.keep()
    said = {
        listing: (page, frame)
        for listing, (month, page) in compared.items()
        if (frame := within(files.seen[month], page)).height
    }
    lives = [(month.listing, month.window) for month in months]
    lacking = turn.plan(
        _joined(_without(lives, {listing: [page] for listing, (page, _) in said.items()}))
    )
    again = [Page(listing, page, page) for listing, (page, _) in said.items()]
    _write(differing(turn.answers(again), said))
    _write(turn.answers(lacking))
    turn.keep()


def _are_worth_it(batch: SourceBatch, months: Sequence[Page]) -> bool:
    """Whether the source itself does not reach these months, or has not the budget for them.

    Of what it may be asked at once a file is no quicker: it takes two requests for a month.
    """
    source, now = batch.source, batch.spec.now
    pages = [
        source.request(listing, page)
        for listing, window in _joined((each.listing, each.window) for each in months)
        for page in venues.pages(source, window, now)
    ]
    return (bool(months) and not pages) or any(
        sum(map(budget.weight, pages)) / budget.most * budget.seconds > WORTH_SECONDS
        for budget in source.venue.metering.budgets
    )


def better(batch: SourceBatch, source: Source) -> list[int]:
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


def _by_listing(pages: Iterable[Page]) -> Mapping[Listing, Sequence[Window]]:
    found = defaultdict(list)
    for page in pages:
        found[page.listing].append(page.window)
    return found


def _without(lives: Iterable[Life], taken: Mapping[Listing, Sequence[Window]]) -> Iterator[Life]:
    """What is left of the listings' lives beside what is taken of them."""
    for listing, life in lives:
        for part in life.without(taken.get(listing, ())):
            yield listing, part


def _joined(lives: Iterable[Life]) -> Iterator[Life]:
    """The same hours, lives that follow each other as one: looking for holes costs by window."""
    for listing, alike in groupby(lives, itemgetter(0)):
        joined: Window | None = None
        for _, part in alike:
            if joined is not None and joined.end == part.start:
                joined = Window(joined.start, part.end)
                continue
            if joined is not None:
                yield listing, joined
            joined = part
        if joined is not None:
            yield listing, joined


def _compared(batch: SourceBatch, months: Iterable[Page]) -> Mapping[Listing, tuple[Page, Window]]:
    """Of each listing one month, and of that a page that the source itself gives, at a venture."""
    found = {}
    for listing, alike in groupby(months, attrgetter("listing")):
        pages = [
            (month, page)
            for month in alike
            for page in venues.pages(batch.source, month.window, batch.spec.now)
        ]
        if pages:
            found[listing] = pages[crc32(listing.symbol.encode()) % len(pages)]
    return found


def _alternately(*ways: Answers) -> Answers:
    """One answer of each way after the other, for as long as any has more."""
    for each in zip_longest(*ways):
        yield from (answer for answer in each if answer is not None)


def differing(answers: Answers, said: Mapping[Listing, tuple[Window, pl.DataFrame]]) -> Answers:
    """Of these answers what the files did not say so; where they said otherwise, it is told."""
    by_coin: dict[int, list[pl.DataFrame]] = defaultdict(list)
    for listing, (_, hours) in said.items():  # a renamed symbol is another listing of its coin
        by_coin[listing.coin].append(hours.with_columns(symbol=pl.lit(listing.symbol)))
    for turn, coin, frame in answers:
        told = pl.concat(by_coin[coin])
        other = frame.join(told, on=frame.columns, how="anti", nulls_equal=True)
        otherwise = told.join(other, on="open_time", how="semi")
        if otherwise.height:
            turn.batch.result.note(
                f"{otherwise['symbol'][0]}: archive: {otherwise.height} of {frame.height} hours"
                f" from {utc_text(frame['open_time'][0])} on are not what"
                f" {turn.batch.source.name} says, which is stored"
            )
        yield turn, coin, other


def _write(answers: Answers) -> None:
    for turn, frames in flushes(answers):
        turn.write(frames)


def flushes(answers: Answers) -> Iterator[tuple[Turn, dict[int, pl.DataFrame]]]:
    """Gather pages until there are rows enough to be worth a COPY, a source's by themselves."""
    gathered: dict[int, tuple[Turn, dict[int, list[pl.DataFrame]]]] = {}
    rows = 0
    for turn, coin, frame in answers:
        if frame.is_empty():
            continue
        _, frames = gathered.setdefault(id(turn), (turn, defaultdict(list)))
        frames[coin].append(frame)
        rows += frame.height
        if rows >= FLUSH_ROWS:
            yield from ((each, _in_frames(some)) for each, some in gathered.values())
            gathered, rows = {}, 0
    yield from ((each, _in_frames(some)) for each, some in gathered.values())


def _in_frames(frames: Mapping[int, list[pl.DataFrame]]) -> dict[int, pl.DataFrame]:
    """Each coin's pages as one frame, by time.

    The newest hours may have come first; a coin with two listings at a source has hours twice, of
    which the first listing's count.
    """
    return {coin: parts[0] if len(parts) == 1 else _in_one(parts) for coin, parts in frames.items()}


def _in_one(parts: list[pl.DataFrame]) -> pl.DataFrame:
    if all(before["open_time"][-1] < after["open_time"][0] for before, after in pairwise(parts)):
        return pl.concat(parts)
    whole = pl.concat(parts).unique("open_time", keep="first", maintain_order=True)
    return whole.sort("open_time")
