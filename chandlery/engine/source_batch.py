"""What one source was asked for a batch of coins, what it refused, and what it gave."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

import polars as pl
import psycopg

from chandlery import store
from chandlery.engine.claimed import Claim
from chandlery.engine.context import RunContext
from chandlery.engine.evidence import Answer, told_by
from chandlery.engine.plan import Page
from chandlery.engine.progress import Course
from chandlery.engine.result import Failure, RunResult
from chandlery.engine.spec import RunSpec
from chandlery.errors import Blocked, ChandleryError, Damaged, Rejected, SourceError
from chandlery.model import HOUR, Listing, Window, one_line
from chandlery.venues import Fetched, Source

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class SourceBatch:
    """One source at work on a batch of coins."""

    context: RunContext
    spec: RunSpec
    source: Source
    result: RunResult
    course: Course
    claim: Claim
    refused: dict[Listing, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    mispriced: set[Listing] = field(default_factory=set)  # of which nothing is to be stored
    answers: dict[Listing, list[Answer]] = field(default_factory=dict)
    market_caps: dict[int, list[tuple[date, float]]] = field(default_factory=dict)  # by coin

    @property
    def off(self) -> str | None:
        """Why the source is off for the rest of the run, if it is."""
        return self.result.off.get(self.source.name)

    @property
    def silent(self) -> str | None:
        """Its last words, where it answered nothing at all, and may answer later."""
        later = [each.words for each in self.failures if not each.refused]
        answered = any(self.answers.values())
        return later[-1] if later and not answered and self.off is None else None

    def saw(self, asked: Page, found: Fetched) -> None:
        """Keep what an answer lacks, and which of its rows broke a rule.

        Of hours that may still be open it says nothing: they are not tried.
        """
        if told := told_by(asked.window, asked.asked, found):
            self.answers.setdefault(asked.listing, []).append(told)

    def saw_market_caps(self, coin: int, told: pl.DataFrame | None) -> None:
        """Note what an answer tells beside its candles, if it does."""
        if told is not None and told.height:
            self.market_caps.setdefault(coin, []).extend(told.iter_rows())

    def keep_market_caps(self) -> None:
        """Store them."""

        def keep(told: dict[int, list[tuple[date, float]]]) -> None:
            self.context.database.do(store.note_market_caps, told, self.spec.now)

        self.one_by_one(self.market_caps, keep)

    def beyond(self) -> list[tuple[int, datetime]]:
        """The hours (coin, hour) that empty answers were asked for on top of what was wanted."""
        return [
            (listing.coin, hour)
            for listing, answers in self.answers.items()
            for each in answers
            if each.first is None
            for hour in (each.asked.start, each.asked.end - HOUR)
            if not each.page.start <= hour < each.page.end
        ]

    def note(self, listing: Listing, window: Window, error: SourceError) -> None:
        """Keep a failure, and what it says of the pages still to come."""
        refused = isinstance(error, Rejected)
        self.fail(listing, window, str(error), refused=refused)
        if refused:
            self.refused[listing] = str(error)
        if isinstance(error, Blocked) and self.off is None:
            self.result.off[self.source.name] = str(error)
            log.warning("%s is off for the rest of this run: %s", self.source.name, error)

    @contextmanager
    def contained(self, listings: Iterable[Listing]) -> Iterator[None]:
        """A fault in this work is its coins' failure, and nobody else's: the run goes on."""
        try:
            yield
        except Damaged as error:
            for coin in {each.coin for each in listings}:
                self.broke(coin, error)
        except ChandleryError:
            raise  # the database is gone for all, or the user can mend it
        except Exception as error:  # it is told, with its traceback, and counted
            log.exception("%s: a fault of ours; the other sources are asked", self.source.name)
            for coin in {each.coin for each in listings}:
                self.broke(coin, error)

    def one_by_one(self, parts: dict[int, T], do: Callable[[dict[int, T]], None]) -> None:
        """Do it for all coins together or, where the database refuses that, for each by itself.

        What it refuses of one coin is that coin's failure.
        """
        try:
            do(parts)
        except (psycopg.DatabaseError, Damaged) as error:
            if isinstance(error, psycopg.OperationalError):
                raise
            for coin, part in parts.items():
                try:
                    do({coin: part})
                except Damaged as damaged:
                    self.broke(coin, damaged)
                except psycopg.DatabaseError as refused:
                    if isinstance(refused, psycopg.OperationalError):
                        raise
                    log.exception("%s: the database refuses one coin's part", self.source.name)
                    self.broke(coin, refused)

    def broke(self, coin: int, error: Exception) -> None:
        """Note a fault that cost a coin this source's answer."""
        ours = f"a fault of ours: {type(error).__name__} {error}"
        told = str(error) if isinstance(error, Damaged) else ours
        words = one_line(f"{self.source.name}: {told}")
        self.failures.append(Failure(coin, self.source.name, self.spec.window, words))

    def fail(self, listing: Listing, window: Window, words: str, *, refused: bool) -> None:
        """Note hours that did not come; whether they were had elsewhere shows at the end."""
        self.failures.append(Failure(listing.coin, self.source.name, window, words, refused))
