"""A source's turn at a batch of coins: what it refused, and what it told on the way."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from candles import HOUR, Blocked, Listing, Rejected, SourceError, Window
from collect.claims import Claim
from collect.evidence import Answer, answer
from collect.order import Order
from collect.plan import Page
from collect.tally import Failure, Tally
from collect.tools import Tools
from sources import Source

log = logging.getLogger(__name__)

Step = Callable[[int], None]
"""Told the rows of each page that came."""


@dataclass(frozen=True)
class Turn:
    """A source's turn at a batch of coins."""

    tools: Tools
    order: Order
    source: Source
    tally: Tally
    step: Step
    claim: Claim
    refused: dict[Listing, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    answers: dict[Listing, list[Answer]] = field(default_factory=dict)

    @property
    def off(self) -> str | None:
        """Why the source is off for the rest of the run, if it is."""
        return self.tally.off.get(self.source.name)

    @property
    def silent(self) -> str | None:
        """Its last words, where it answered nothing at all, and may answer later."""
        later = [each.words for each in self.failures if not each.refused]
        answered = any(self.answers.values())
        return later[-1] if later and not answered and self.off is None else None

    def saw(self, asked: Page, frame: pl.DataFrame) -> None:
        """Keep what an answer lacks."""
        told = answer(asked.window, asked.asked, frame)
        self.answers.setdefault(asked.listing, []).append(told)

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
            self.tally.off[self.source.name] = str(error)
            log.warning("%s is off for the rest of this run: %s", self.source.name, error)

    def fail(self, listing: Listing, window: Window, words: str, *, refused: bool) -> None:
        """Note hours that did not come; whether they were had elsewhere shows at the end."""
        self.failures.append(Failure(listing.coin, self.source.name, window, words, refused))
