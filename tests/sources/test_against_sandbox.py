"""The real client over a real connection, against the venues on loopback and their moods."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import polars as pl
import pytest

from chandlery.errors import Blocked, Malformed, Rejected, Unavailable
from chandlery.model import HOUR, Listing, Window
from chandlery.venues import Source, catalogue, client, fetch, first_candle, load
from sandbox.serving import Serving, serving
from sources import coingecko
from tests.sources.conftest import Clock

SPOT, FUTURES = load()["binance_spot"], load()["binance_futures"]
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
LAST = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 22, 11, tzinfo=UTC))
Ask = Callable[[Source], pl.DataFrame]


@pytest.fixture(scope="module")
def venues() -> Iterator[Serving]:
    with serving(coins=120, seed=1, now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(venues: Serving) -> Iterator[Serving]:
    venues.clear()
    venues.forget()
    yield venues
    venues.clear()


@pytest.fixture
def connected(sandbox: Serving, clock: Clock) -> Iterator[httpx.Client]:
    with client(sandbox.url, timepiece=clock.timepiece) as connected:
        yield connected


@pytest.fixture
def ask(connected: httpx.Client) -> Ask:
    def for_two_days(source: Source) -> pl.DataFrame:
        return fetch(connected, source, Listing(1, source.name, "BTCUSDT"), LAST, NOW).frame

    return for_two_days


def both() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("source", [SPOT, FUTURES], ids=lambda source: source.name)


@both()
def test_hours_come_closed_and_in_order(ask: Ask, source: Source) -> None:
    frame = ask(source)
    assert frame["open_time"][-1] == NOW - timedelta(minutes=90)
    assert 50 < frame.height <= 58


@pytest.mark.parametrize(
    "source",
    [each for each in load().values() if each.catalogue and each.kind == "traded"],
    ids=lambda source: source.name,
)
def test_the_longest_page_has_what_two_half_ones_have(
    connected: httpx.Client, source: Source
) -> None:
    listed = catalogue(connected, source).frame
    paid = pl.col("quote").is_in(["USDT", "USD"])
    symbol = listed.filter(paid, base="BTC")["symbol"][0]
    end = NOW.replace(minute=0)
    middle = end - source.page_hours // 2 * HOUR
    whole = Window(end - source.page_hours * HOUR, end)
    one, *halves = (
        fetch(connected, source, Listing(1, source.name, symbol), page, NOW).frame
        for page in (whole, Window(whole.start, middle), Window(middle, end))
    )
    assert one.equals(pl.concat(halves))
    assert one.height > 0.9 * source.page_hours


@both()
def test_the_first_candle_is_the_first(connected: httpx.Client, source: Source) -> None:
    listing = Listing(1, source.name, "BTCUSDT")
    since = first_candle(connected, source, listing, NOW)
    assert since is not None
    around = Window(since - 100 * HOUR, since + 100 * HOUR)
    assert fetch(connected, source, listing, around, NOW).frame["open_time"][0] == since


@both()
def test_what_is_listed_can_be_mapped_to_coins(connected: httpx.Client, source: Source) -> None:
    listed, known = catalogue(connected, source).frame, source.catalogue
    assert known is not None
    told = coingecko.tickers(connected, known.exchange, derivatives=known.derivatives)
    mapped = listed.join(told, left_on=["asset", "quote"], right_on=["base", "target"])
    assert mapped.filter(symbol="BTCUSDT")["coin_id"].to_list() == ["bitcoin"]
    assert mapped.height > listed.height / 2


def test_coins_come_by_rank(connected: httpx.Client) -> None:
    frame = coingecko.coins(connected, 50)
    assert frame["rank"].to_list() == list(range(1, 51))
    assert frame.row(0)[:4] == ("bitcoin", "btc", "Bitcoin", 1)
    assert frame["price"].null_count() == 0


@both()
def test_an_unknown_symbol_is_refused_in_its_own_words(
    connected: httpx.Client, source: Source
) -> None:
    with pytest.raises(Rejected) as caught:
        fetch(connected, source, Listing(1, source.name, "NOSUCHUSDT"), LAST, NOW)
    assert str(caught.value) == f"{source.name}: -1121 Invalid symbol. (NOSUCHUSDT)"


@pytest.mark.parametrize("kind", ["cut", "truncated", "500", "502", "503", "html", "empty"])
@both()
def test_trouble_of_seconds_passes_unnoticed(
    sandbox: Serving, ask: Ask, clock: Clock, kind: str, source: Source
) -> None:
    calm = ask(source)
    sandbox.fault(kind, source=source.name, count=2)
    assert ask(source).equals(calm)
    assert 2 < sum(clock.slept) < 6


def test_a_slow_answer_is_an_answer(sandbox: Serving, ask: Ask) -> None:
    sandbox.fault("slow", source=SPOT.name, seconds=0.05, count=1)
    assert ask(SPOT).height > 50


@pytest.mark.parametrize(
    ("kind", "error"), [("cut", Unavailable), ("500", Unavailable), ("html", Malformed)]
)
def test_lasting_trouble_is_told(
    sandbox: Serving, ask: Ask, kind: str, error: type[Exception]
) -> None:
    sandbox.fault(kind, source=FUTURES.name)
    with pytest.raises(error, match=r"^binance_futures: .*BTCUSDT"):
        ask(FUTURES)


def test_too_many_requests_are_followed_by_a_pause_and_not_by_a_ban(
    sandbox: Serving, ask: Ask, clock: "Clock"
) -> None:
    sandbox.fault("429", source=FUTURES.name, seconds=7, count=1)
    assert ask(FUTURES).height > 50
    assert sum(clock.slept) >= 7


def test_a_ban_keeps_everything_back_until_it_ends(
    sandbox: Serving, ask: Ask, clock: "Clock"
) -> None:
    sandbox.fault("418", source=FUTURES.name, seconds=3600, count=1)
    for _ in range(3):
        with pytest.raises(Blocked, match="-1003") as caught:
            ask(FUTURES)
        assert caught.value.after is not None
        assert 3590 < caught.value.after.total_seconds() <= 3601
    assert sandbox.requests()["total"] == 1
    assert ask(SPOT).height > 50
    clock.now += 3601
    assert ask(FUTURES).height > 50
    assert clock.slept == []


@pytest.mark.parametrize("kind", ["451", "403"])
def test_where_spot_is_blocked_the_mirror_gives_the_same(
    sandbox: Serving, ask: Ask, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    calm = ask(SPOT)
    sandbox.fault(kind, source=SPOT.name)
    sandbox.forget()
    with caplog.at_level(logging.WARNING, logger="chandlery"):
        assert ask(SPOT).equals(calm)
        assert ask(SPOT).equals(calm)
    asked = [request["source"] for request in sandbox.requests()["requests"]]
    assert asked == ["binance_spot", "binance_spot-mirror", "binance_spot-mirror"]
    assert len(caplog.messages) == 2


def test_where_futures_are_blocked_they_are_off(sandbox: Serving, ask: Ask) -> None:
    sandbox.fault("451", source=FUTURES.name)
    for _ in range(3):
        with pytest.raises(Blocked) as caught:
            ask(FUTURES)
        assert caught.value.after is None
    assert sandbox.requests()["total"] == 1


def test_a_budget_is_read_from_the_catalogue_and_kept_without_being_told(clock: Clock) -> None:
    listing = Listing(1, FUTURES.name, "BTCUSDT")
    page = Window(LAST.end - 499 * HOUR, LAST.end)
    with (
        serving(coins=3, now=NOW, limits=100) as strict,
        client(strict.url, timepiece=clock.timepiece) as careful,
    ):
        catalogue(careful, FUTURES)
        while not clock.slept:
            fetch(careful, FUTURES, listing, page, NOW)
        asked = strict.requests()["requests"]
    # The last one was sent after the pause, which no real time went by in.
    assert 45 <= len(asked[:-1]) <= 50
    assert {request["status"] for request in asked[:-1]} == {200}


@pytest.mark.parametrize("kind", ["429", "429-as-200"])
def test_coingeckos_limit_is_waited_for_whatever_its_status(
    sandbox: Serving, connected: httpx.Client, clock: Clock, kind: str
) -> None:
    sandbox.fault(kind, source="coingecko", seconds=53, count=1)
    assert coingecko.coins(connected, 5).height == 5
    assert sum(clock.slept) >= 53


def test_a_server_that_is_not_there_is_unavailable(clock: Clock) -> None:
    nobody = client("http://127.0.0.1:9", timepiece=clock.timepiece)
    with nobody, pytest.raises(Unavailable, match=r"^binance_spot: ConnectError .*\(BTCUSDT\)$"):
        fetch(nobody, SPOT, Listing(1, SPOT.name, "BTCUSDT"), LAST, NOW)
