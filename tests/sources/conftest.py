"""A clock that only moves when someone sleeps, and clients over networks made by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from chandlery.model import HOUR, Window
from chandlery.venues import Timepiece, client

START = datetime(2024, 1, 1, tzinfo=UTC)

Handler = Callable[[httpx.Request], httpx.Response]
Connect = Callable[..., httpx.Client]
Klines = Callable[..., httpx.Response]
Kline = Callable[[int], list[object]]
Page = Callable[..., Window]


class Clock:
    """Time by hand. `slept` is every sleep asked for."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept: list[float] = []
        self.timepiece = Timepiece(self.read, self.read, self.sleep)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect(clock: Clock) -> Connect:
    def over(handler: Handler, venues_url: str | None = None, **options: object) -> httpx.Client:
        transport = httpx.MockTransport(handler)
        return client(venues_url, timepiece=clock.timepiece, transport=transport, **options)  # type: ignore[arg-type]

    return over


@pytest.fixture
def klines() -> Klines:
    """Hourly candles as Binance words them, as many as `hours` from `start` on."""

    def answer(hours: int, start: datetime = START, **headers: str) -> httpx.Response:
        first = int(start.timestamp()) * 1000
        opens = range(first, first + hours * 3_600_000, 3_600_000)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(200, content=orjson.dumps([row(at) for at in opens]), headers=named)

    return answer


def row(opened: int) -> list[object]:
    prices = ["100.5", "101.25", "99.125", "100.75"]
    return [opened, *prices, "12.5", opened + 3_599_999, "1250.5", 17, "6.1", "600.1", "0"]


@pytest.fixture
def kline() -> Kline:
    return row


@pytest.fixture
def page() -> Page:
    def of(hours: int, start: datetime = START) -> Window:
        return Window(start, start + hours * HOUR)

    return of


@pytest.fixture
def now() -> datetime:
    return START + timedelta(days=365)
