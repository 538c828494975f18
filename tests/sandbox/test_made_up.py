import pytest

from sandbox import Serving, serving
from sandbox.made_up import MadeUp
from sandbox.made_up_market import MadeUpMarket

HOUR = 3_600_000
OPEN = 1795341600000  # 2026-11-22 10:00
SPOT = "/binance_spot/api/v3"
FUTURES = "/binance_futures/fapi/v1"


def rows(sandbox: Serving, path: str = SPOT, **query: object) -> list[list[float]]:
    query = {"symbol": "BTCUSDT", "interval": "1h"} | query
    page = sandbox.get(f"{path}/klines", **query).json()
    return [[float(x) for x in row] for row in page]


def contracts(sandbox: Serving, path: str) -> dict[str, dict[str, object]]:
    symbols = sandbox.get(f"{path}/exchangeInfo").json()["symbols"]
    found = {s["symbol"]: s for s in symbols}
    assert len(found) == len(symbols)
    return found


@pytest.mark.parametrize(("path", "symbol"), [(SPOT, "SHIBUSDT"), (FUTURES, "BTCUSDT")])
def test_the_same_bytes_come_in_whatever_pieces_they_are_asked_for(
    made_up: Serving, path: str, symbol: str
) -> None:
    start = OPEN - 10_000 * HOUR

    def page(skip: int, limit: int) -> str:
        query = {"symbol": symbol, "interval": "1h", "startTime": start + skip * HOUR}
        return made_up.get(f"{path}/klines", **query, limit=limit).text[1:-1]

    few = [page(i, 10) for i in range(0, 200, 10)]
    many = [page(i, 100) for i in range(0, 200, 100)]
    assert ",".join(few) == ",".join(many) == page(0, 200)


def test_one_seed_is_one_market_and_another_seed_another(made_up: Serving) -> None:
    query = {"startTime": OPEN - 10 * HOUR, "endTime": OPEN - HOUR}
    with serving(coins=1, seed=7) as same, serving(coins=1, seed=8) as other:
        assert rows(same, **query) == rows(made_up, **query)
        assert rows(other, **query) != rows(made_up, **query)


def test_candles_go_on_into_the_present() -> None:
    with serving(coins=1) as sandbox:
        now = sandbox.get(f"{SPOT}/time").json()["serverTime"]
        assert rows(sandbox, limit=1)[0][0] in {now // HOUR * HOUR, now // HOUR * HOUR + HOUR}


@pytest.mark.parametrize(
    ("path", "symbol"), [(SPOT, "BTCUSDT"), (SPOT, "SHIBUSDT"), (FUTURES, "1000PEPEUSDT")]
)
def test_made_up_candles_are_possible_ones(made_up: Serving, path: str, symbol: str) -> None:
    for _, opened, high, low, close, volume, _, quote, trades, *_ in rows(
        made_up, path, symbol=symbol, limit=1000
    ):
        assert 0 < low <= min(opened, close) <= max(opened, close) <= high
        assert volume == 0 or low * volume * 0.99 <= quote <= high * volume * 1.01
        assert (volume > 0) == (trades > 0)


def test_an_hour_opens_where_the_one_before_it_closed(made_up: Serving) -> None:
    page = rows(made_up, endTime=OPEN - HOUR, limit=1000)
    assert [row[1] for row in page[1:]] == [row[4] for row in page[:-1]]


def test_a_quiet_market_has_flat_hours_without_volume(made_up: Serving) -> None:
    spots = contracts(made_up, SPOT)
    quiet = next(s for s in reversed(spots) if s.endswith(("60USDT", "58USDT")))
    flat = [row for row in rows(made_up, symbol=quiet, limit=1000) if row[5] == 0]
    assert flat
    assert all(row[1] == row[2] == row[3] == row[4] for row in flat)


def test_there_is_one_of_every_kind(made_up: Serving) -> None:
    spot, futures = contracts(made_up, SPOT), contracts(made_up, FUTURES)
    assert {"BTCUSDT", "ETHUSDT", "SHIBUSDT", "ETHBTC", "BTCUSDC"} <= set(spot)
    assert {"BTCUSDT", "1000SHIBUSDT", "1000PEPEUSDT", "XMRUSDT"} <= set(futures)
    assert "XMRUSDT" not in spot
    assert "NEXOUSDT" not in futures
    assert futures["1000PEPEUSDT"]["baseAsset"] == "1000PEPE"
    assert futures["AAPLUSDT"]["underlyingType"] == "EQUITY"
    assert futures["BTCDOMUSDT"]["underlyingType"] == "INDEX"
    assert futures["BTCUSDT_261225"]["contractType"] == "CURRENT_QUARTER"
    assert futures["BTCUSDT_261225"]["pair"] == "BTCUSDT"
    assert {"BREAK", "TRADING"} == {str(s["status"]) for s in spot.values()}
    assert {"SETTLING", "TRADING"} == {str(s["status"]) for s in futures.values()}


def test_a_thousand_in_one_costs_about_a_thousand_times_as_much(made_up: Serving) -> None:
    (one,) = rows(made_up, symbol="SHIBUSDT", limit=1)
    (thousand,) = rows(made_up, FUTURES, symbol="1000SHIBUSDT", limit=1)
    assert thousand[1] / one[1] == pytest.approx(1000, rel=0.01)


def test_what_was_delisted_ends(made_up: Serving) -> None:
    ended = [s for s in contracts(made_up, FUTURES).values() if s["status"] == "SETTLING"]
    for contract in ended:
        end = contract["deliveryDate"]
        assert isinstance(end, int)
        assert end < OPEN
        assert rows(made_up, FUTURES, symbol=contract["symbol"], limit=1)[0][0] == end - HOUR


def bases(sandbox: Serving, path: str, **query: object) -> set[str]:
    told = sandbox.get(f"/coingecko/api/v3{path}", **query).json()
    return {ticker["coin_id"] for ticker in told["tickers"]}


def test_some_coins_are_traded_elsewhere_only_and_some_nowhere(made_up: Serving) -> None:
    coins = {coin["id"] for coin in made_up.get("/coingecko/api/v3/coins/list").json()}
    spot = bases(made_up, "/exchanges/binance/tickers")
    unexpired = {"include_tickers": "unexpired"}
    futures = bases(made_up, "/derivatives/exchanges/binance_futures", **unexpired)
    okx = bases(made_up, "/exchanges/okex/tickers")
    bybit = bases(made_up, "/derivatives/exchanges/bybit", **unexpired)
    binance = spot | futures
    assert "leo-token" in okx - binance
    assert len(okx - binance) > 1
    assert bybit - binance - okx
    assert {"tether", "ethereum-made-up-twin"} <= coins - binance - okx - bybit
    assert {"bitcoin", "ethereum"} <= spot & futures & okx & bybit


def test_a_coin_by_the_thousand_costs_as_much_wherever(made_up: Serving) -> None:
    (theirs,) = rows(made_up, FUTURES, symbol="1000SHIBUSDT", limit=1)
    query = {"category": "linear", "symbol": "SHIB1000USDT", "interval": 60, "limit": 1}
    told = made_up.get("/bybit/v5/market/kline", **query).json()
    assert float(told["result"]["list"][0][1]) == pytest.approx(theirs[1], rel=0.001)


def test_a_close_reckoned_singly_is_that_of_the_candles() -> None:
    market, last = MadeUpMarket(60, 7, OPEN), OPEN - HOUR
    for listing in (x for source in ("coingecko", "okx") for x in market.listings(source)):
        candles = market.candles(listing.source, listing.symbol, "1h")
        assert isinstance(candles, MadeUp)
        rows = candles.frame(last - 199 * HOUR, last + HOUR)
        hours = range(last - 199 * HOUR, last + HOUR, HOUR)
        closes = {t: close for t in hours if (close := candles.close_at(t)) is not None}
        assert closes == dict(zip(rows["open_time"], rows["close"], strict=True))
