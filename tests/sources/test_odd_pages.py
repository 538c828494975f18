"""Every venue's pages spoilt in every way it can be: what is read of them is so, or it is refused.

What each kind is: sandbox/odd.py. What is played of which venue: tests/sandbox/test_facts.py.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, NamedTuple

import httpx
import pytest

from chandlery.errors import Malformed
from chandlery.model import HOUR, Listing, Window
from chandlery.venues import Timepiece, client, fetch, load
from chandlery.venues.parsing.malformed import Fetched
from sandbox.app import application
from sandbox.facts import facts
from sandbox.venue import Ask

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
END = datetime(2026, 11, 22, 10, tzinfo=UTC)
PAGED = [name for name, each in facts().items() if each.layout]
COINS = 26  # the last of them trades in a pool alone
MOST = 100  # hours of which the truth is known
TIMES = 8  # each of them spoilt otherwise, where there are several ways
COLUMNS = ("open", "high", "low", "close", "volume", "quote_volume")
Row = tuple[float | None, ...]


class Place(NamedTuple):
    """A venue that plays one kind whenever it can, and what it has of a symbol."""

    box: Any
    name: str
    listing: Listing
    truth: Mapping[datetime, Row]

    def fetch(self, hours: int) -> Fetched:
        """The newest hours, as a run asks for them."""
        page = Window(END - hours * HOUR, END)
        still = Timepiece(NOW.timestamp, NOW.timestamp, lambda _: None)
        transport = httpx.MockTransport(self._answer)
        with client(transport=transport, timepiece=still) as connected:
            return fetch(connected, load()[self.name], self.listing, page, NOW)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        ask = Ask(request.url.path, dict(request.url.params), self.box.now(), request.headers)
        told = self.box.odd.answer(self.box.venues[self.name], ask)
        date = {"date": format_datetime(NOW, usegmt=True)}
        return httpx.Response(told.status, content=told.body, headers={**date, **told.headers})

    def played(self) -> list[dict[str, Any]]:
        """What was odd."""
        return [*self.box.odd.told(self.box.now())]


@pytest.fixture
def place() -> Callable[[str, str], Place]:
    def at(name: str, kind: str) -> Place:
        odd = {"rate": 1.0, "kinds": [kind]}
        app = application(coins=COINS, seed=7, now=NOW, limits=False, odd=odd)
        box = app.state.sandbox
        listed = {x.coin: x.symbol for x in box.market.listings(name)}
        symbol = listed.get("ethereum") or listed["ethereum-made-up-twin"]
        candles = box.market.candles(name, symbol, "1h")
        since, until = (int(at.timestamp() * 1000) for at in (END - MOST * HOUR, END))
        rows = candles.frame(since, until).iter_rows(named=True)
        truth = {
            datetime.fromtimestamp(row["open_time"] / 1000, UTC): tuple(row[x] for x in COLUMNS)
            for row in rows
        }
        return Place(box, name, Listing(1, name, symbol), truth)

    return at


def is_so(place: Place, found: Fetched) -> None:
    """Every candle is the venue's own of that hour, as far as it is told at all."""
    for row in found.frame.iter_rows(named=True):
        told, true = (row[x] for x in COLUMNS), place.truth[row["open_time"]]
        assert all(a is None or a == b for a, b in zip(told, true, strict=True)), row


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("kind", ["stale page", "other page", "hour off", "volumes swapped"])
def test_a_page_that_is_odd_throughout_gives_no_wrong_candle(
    place: Callable[[str, str], Place], name: str, kind: str
) -> None:
    at = place(name, kind)
    for turn in range(TIMES):
        with suppress(Malformed):
            is_so(at, at.fetch(hours=24 + turn))


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("kind", ["bad row", "more columns"])
def test_what_is_odd_of_a_row_costs_its_hour_alone(
    place: Callable[[str, str], Place], name: str, kind: str
) -> None:
    at = place(name, kind)
    traded = {hour for hour, row in at.truth.items() if row[4]}  # some leave out the others
    for turn in range(TIMES):
        found = at.fetch(hours=24 + turn)
        is_so(at, found)
        page = Window(END - timedelta(hours=24 + turn), END)
        hour = datetime.fromtimestamp(at.played()[-1]["start"] / 1000, UTC)
        spoilt = {hour} if kind == "bad row" else set()
        asked = {at for at in traded if page.start <= at < page.end}
        assert asked - set(found.frame["open_time"]) <= spoilt
        for each in found.malformed:
            assert each.window.start <= hour < each.window.end
