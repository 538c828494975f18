"""What every run works with: a database, venues, and workers to ask them with."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import httpx
from pydantic import SecretStr

from chandlery import store, venues
from chandlery.engine.refreshing import Refreshing
from chandlery.engine.shared_limits import Shared
from chandlery.engine.waits import Waits
from chandlery.engine.workers import Workers
from chandlery.errors import Unavailable
from chandlery.rate_limit.gate import REAL, Timepiece
from chandlery.settings import Settings, keys
from chandlery.venues import Accounts, Clocks, Source

WORKERS = 16  # requests under way: 53 a second at 0.3 s each, and Binance has budget for 50
FILE_WORKERS = 32  # files and checksums under way: nobody counts them, and their way is the bound


@dataclass
class RunContext:
    """One run's database connection, client and threads."""

    database: store.Database
    client: httpx.Client
    sources: Mapping[str, Source]
    keys: Mapping[str, SecretStr]  # API keys, by source
    workers: Workers
    file_workers: Workers
    priority: tuple[str, ...]
    include: tuple[str, ...]  # ids to collect though they are no coins'
    clocks: Clocks  # what the venues' say
    sent: Counter[str]  # requests not yet put to a month's account, by source
    refreshing: Refreshing
    clock: Callable[[], float]  # seconds, by which claims are renewed
    waits: Waits

    @property
    def connection(self) -> store.Connection:
        """The database's, for what need not be asked again where it goes away."""
        return self.database.connection


@contextmanager
def open_context(
    settings: Settings,
    *,
    timepiece: Timepiece | None = None,
    workers: int = WORKERS,
    clock: Callable[[], float] = REAL.monotonic,
) -> Iterator[RunContext]:
    """Open the database (brought up to date) and the venues; on leaving, let go of both at once."""
    stop = threading.Event()

    waits = Waits(clock)

    def sleep(seconds: float) -> None:
        waits.note(seconds)
        if stop.wait(seconds):
            raise Unavailable("stopped while waiting")

    sent, pace = Counter[str](), timepiece or Timepiece(sleep=sleep)
    with (
        store.Database(settings, pace.sleep) as database,
        store.Database(settings, pace.sleep) as apart,  # threads ask it while that one is busy
    ):
        database.do(store.migrate)
        known = venues.load()
        clocks = Clocks(pace.monotonic)
        client = open_client(settings, pace, Shared(apart, pace), sent, clocks)
        beside = partial(store.Database, settings, pace.sleep) if settings.database_url else None
        refreshing = Refreshing(database, beside)
        pool, file_pool = Workers(workers), Workers(FILE_WORKERS)
        try:
            yield RunContext(
                database=database,
                client=client,
                sources=known,
                keys=keys(known, settings),
                workers=pool,
                file_workers=file_pool,
                priority=venues.in_order(settings.priority),
                include=settings.include,
                clocks=clocks,
                sent=sent,
                refreshing=refreshing,
                clock=clock,
                waits=waits,
            )
        finally:
            stop.set()
            refreshing.end()
            # Whoever waits for an answer still has its connection: it ends with the process.
            if all([pool.end(), file_pool.end()]):
                client.close()


def refuse_if_offline(settings: Settings, names: Iterable[str]) -> None:
    """Unavailable, at once, where no host of these sources or CoinGecko can be connected to.

    A request waits and tries again, minutes in all: a machine without a network is told sooner.
    """
    known = venues.load()
    asked = [known[name].venue for name in (venues.ranking().name, *names) if name in known]
    direct = [url for venue in asked for url in (venue.url, venue.mirror) if url is not None]
    through = settings.proxy or settings.venues_url
    venues.refuse_if_nobody_is_there([through] if through else direct)


def open_client(
    settings: Settings,
    timepiece: Timepiece = REAL,
    accounts: Accounts | None = None,
    sent: Counter[str] | None = None,
    clocks: Clocks | None = None,
) -> httpx.Client:
    """The way to the venues as the settings have it, with the keys that are set.

    What venues meter is shared by all who have the same `accounts`.
    """
    found = keys(venues.load(), settings)
    return venues.client(
        settings.venues_url,
        timepiece=timepiece,
        keys={name: key.get_secret_value() for name, key in found.items()},
        proxy=settings.proxy,
        address=settings.address,
        accounts=accounts,
        sent=sent,
        clocks=clocks,
    )
