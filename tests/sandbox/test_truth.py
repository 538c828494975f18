"""What the sandbox says the venues really have."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sandbox import BadOption, Serving

HOUR = 3_600_000
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
OPEN = 1795341600000  # 2026-11-22 10:00
HERE = "binance_spot", "XRPUSDT"


@pytest.fixture
def sandbox(made_up: Serving) -> Iterator[Serving]:
    yield made_up
    made_up.clear()


def klines(sandbox: Serving, start: int, end: int) -> list[list[float]]:
    query = {"symbol": HERE[1], "interval": "1h", "startTime": start, "endTime": end - 1}
    rows = sandbox.get("/binance_spot/api/v3/klines", **query).json()
    return [[row[0], *(float(row[i]) for i in (1, 2, 3, 4, 5, 7, 8))] for row in rows]


def test_the_truth_is_what_the_venue_tells_of_closed_hours(sandbox: Serving) -> None:
    start = OPEN - 5 * HOUR
    assert sandbox.truth(*HERE, start, OPEN) == klines(sandbox, start, OPEN)
    assert sandbox.truth(*HERE, NOW - timedelta(hours=5)) == klines(sandbox, start + HOUR, OPEN)
    assert sandbox.truth(*HERE, start, OPEN + 9 * HOUR) == klines(sandbox, start, OPEN)


def test_what_is_lost_for_good_is_not_there_and_what_is_wrong_for_a_while_is(
    sandbox: Serving,
) -> None:
    start = OPEN - 9 * HOUR
    real = klines(sandbox, start, OPEN)
    sandbox.fault("outage", source=HERE[0], start=start + HOUR, end=start + 2 * HOUR)
    sandbox.fault("halt", symbol=HERE[1], start=start + 3 * HOUR, end=start + 4 * HOUR)
    sandbox.fault("wrong", symbol=HERE[1], start=start + 4 * HOUR)
    sandbox.fault("delisted", symbol=HERE[1], end=start + 7 * HOUR, zombie=1)
    sandbox.fault("503")
    assert sandbox.truth(*HERE, start) == [real[i] for i in (0, 2, 4, 5, 6)]


def test_every_listing_is_told_with_its_coin_and_multiple(sandbox: Serving) -> None:
    listings = {(x["source"], x["symbol"]): x for x in sandbox.truth()}
    pepe = listings["binance_futures", "1000PEPEUSDT"]
    assert (pepe["coin"], pepe["multiple"], pepe["until"]) == ("pepe", 1000, None)
    assert [each["id"] for each in pepe["ids"]] == ["pepe"]
    assert listings["bybit", "SHIB1000USDT"]["multiple"] == 1000
    assert listings["binance_spot", "SHIBUSDT"]["multiple"] == 1
    assert listings["binance_futures", "AAPLUSDT"]["coin"] is None
    ended = [x for x in listings.values() if x["until"]]
    assert ended
    assert all(x["since"] < x["until"] <= OPEN + HOUR // 2 for x in ended)


def test_nobody_has_an_unknown_symbol(sandbox: Serving) -> None:
    assert sandbox.truth("binance_spot", "NOPEUSDT") == []
    assert sandbox.client.get("/_truth?source=okx&symbol=BTC-USDT&start=x").status_code == 400
    with pytest.raises(BadOption, match="not milliseconds"):
        sandbox.truth("okx", "BTC-USDT", "x")  # type: ignore[arg-type]


def test_a_price_is_that_of_now(sandbox: Serving) -> None:
    def newest(now: datetime, source: str, symbol: str) -> float:
        return float(sandbox.truth(source, symbol, now - timedelta(hours=9))[-1][4])

    def told(now: datetime) -> tuple[float, float, float]:
        api, ids = "/coingecko/api/v3", "shiba-inu"
        coins = sandbox.get(f"{api}/coins/markets", vs_currency="usd", ids=ids).json()
        tickers = sandbox.get(f"{api}/derivatives/exchanges/bybit", include_tickers="all").json()
        (unit,) = [t["last"] for t in tickers["tickers"] if t["symbol"] == "SHIB1000USDT"]
        return coins[0]["current_price"], unit, newest(now, "bybit", "SHIB1000USDT")

    seen = set()
    for days in (0, 40, 80):
        now = NOW + timedelta(days=days)
        sandbox.at(now)
        price, unit, venue = told(now)
        assert unit == price * 1000
        assert unit == pytest.approx(venue, rel=0.01)
        assert price == newest(now, "coingecko", "shiba-inu")
        seen.add(price)
    sandbox.at(NOW)
    assert len(seen) == 3
