"""Hours that a test lays down, the venues that replay them, and a database before these."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from chandlery import store
from chandlery.engine.batch import collect_batch
from chandlery.engine.context import RunContext
from chandlery.engine.result import RunResult
from chandlery.engine.run import Run, run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR, Listing, instant
from chandlery.settings import Settings
from chandlery.symbology.learn import Universe, learn
from chandlery.venues import load
from sandbox import Serving
from sandbox.front import Front

Open = Callable[..., AbstractContextManager[RunContext]]


def hours(start: datetime, end: datetime, price: float) -> pl.DataFrame:
    opened = pl.datetime_range(start, end, "1h", closed="left", eager=True, time_unit="us")
    columns = {"open": price, "high": price * 1.01, "low": price * 0.99, "close": price}
    amounts = {"volume": 10.0, "quote_volume": 10.0 * price, "trades": 5}
    return pl.DataFrame({"open_time": opened} | columns | amounts)


def lay(folder: Path, source: str, symbol: str, *parts: pl.DataFrame) -> None:
    """Record a symbol's hours."""
    place = folder / source / symbol
    place.mkdir(parents=True)
    pl.concat(parts).write_parquet(place / "1h.parquet")


def coin(id_: str, symbol: str, rank: int, *listings: dict[str, str]) -> dict[str, Any]:
    return {"id": id_, "symbol": symbol, "name": id_, "rank": rank, "listings": listings}


def listed(source: str, symbol: str, *ends: datetime) -> dict[str, str]:
    names = zip(("from", "to"), ends, strict=False)
    return {"source": source, "symbol": symbol} | {name: f"{at:%FT%TZ}" for name, at in names}


class Place:
    """A database and a venue that replays what a test lays down."""

    NOW: ClassVar = instant("2026-03-01T00:30Z")

    def __init__(  # a venue that lists nothing at all has not answered: who is to be asked is told
        self,
        settings: Settings,
        venues: Serving,
        front: Front,
        open_tools: Open,
        sources: Iterable[str] = (),
    ) -> None:
        priority = tuple(sources) or settings.priority
        self.settings = settings.model_copy(update={"venues_url": front.url, "priority": priority})
        self.venues, self.front, self.open_tools = venues, front, open_tools

    def learn(self, now: datetime = NOW, most: int | None = None) -> Universe:
        self.venues.at(now)
        with self.open_tools(self.settings) as context:
            return learn(context, now, most)

    def backfill(self, *sources: str, do: Run = run, **given: Any) -> RunResult:
        asked: dict[str, Any] = {"now": self.NOW, "sources": sources, "start": "2025-01-01"} | given
        self.venues.at(asked["now"])
        with self.open_tools(self.settings) as context:
            return do(
                context, run_spec(known_sources=load(), **asked), lambda _: None, collect_batch
            )

    def held(self, id_: str) -> list[datetime]:
        with store.connect(self.settings) as connection:
            frame = store.read(connection, store.find(connection, [id_]))
        return frame["timestamp"].to_list()

    def listing(self, id_: str) -> Listing:
        with store.connect(self.settings) as connection:
            found = store.listings(connection, store.find(connection, [id_]))
        (one,) = (each for each in found if each.source != "coingecko")
        return one

    def reasons(self, id_: str) -> dict[str, int]:
        with store.connect(self.settings) as connection:
            keys = [each.key for each in store.find(connection, [id_])]
            found = store.gaps(connection, keys, None, self.NOW)
        return {gap.reason: gap.window.hours for gap in found}


def between(start: datetime, end: datetime) -> list[datetime]:
    return [start + hour * HOUR for hour in range((end - start) // HOUR)]
