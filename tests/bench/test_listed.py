"""What the table of listed coins counts."""

from bench.listed import Row, ranking, rows, tickers, tops


def test_a_source_adds_what_those_before_it_do_not_list() -> None:
    ranked = [f"C{number}" for number in range(600)]
    lists = {"one": ["C0", "C99", "C100", "X"], "two": ["C0", "C1", "C499", "C500"]}
    assert list(rows(ranked, lists)) == [
        Row("one", 4, [2, 3], [2, 3], [2, 3]),
        Row("two", 4, [2, 3], [1, 2], [3, 5]),
    ]


def test_only_what_trades_against_dollars_is_counted() -> None:
    gate = b"""[
        {"id": "A_USDT", "base": "A", "quote": "USDT", "trade_status": "tradable"},
        {"id": "B_ETH", "base": "B", "quote": "ETH", "trade_status": "tradable"},
        {"id": "C_USDT", "base": "C", "quote": "USDT", "trade_status": "untradable"}
    ]"""
    assert tickers("gate", gate) == {"A"}
    bitget = b'{"data": [{"baseCoin": "A", "quoteCoin": "USDT"}]}'
    assert tickers("bitget", bitget) == {"A"}


def test_a_ranking_is_of_pairs_or_of_coingecko_s_own_coins() -> None:
    assert ranking(b'[["bitcoin", "BTC"], ["ethereum", "ETH"]]') == ["BTC", "ETH"]
    assert ranking(b'[{"id": "bitcoin", "symbol": "btc"}]') == ["BTC"]


def test_no_more_coins_are_promised_than_are_ranked() -> None:
    assert tops(["C"] * 999) == [100, 500]
    assert tops(["C"] * 2000) == [100, 500, 1000, 2000]
