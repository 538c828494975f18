"""What a coin costs as CoinGecko tells it: the close of its newest closed hour."""

from dataclasses import replace

from sandbox.made_up import MadeUp
from sandbox.words import DAY, HOUR, Coin, Market, hour_of


class Prices:
    """The coins' prices, each found once an hour."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._hour = 0
        self._found: dict[str, Coin] = {}

    def priced(self, coin: Coin, now: int) -> Coin:
        """Return a coin with its price as of now: its constant where it has no candles."""
        if self._hour != hour_of(now):
            self._hour, self._found = hour_of(now), {}
        if coin.id not in self._found:
            self._found[coin.id] = replace(coin, price=self._price(coin))
        return self._found[coin.id]

    def _price(self, coin: Coin) -> float | None:
        """Return the close of the newest hour that is closed."""
        candles = self._market.candles("coingecko", coin.id, "1h")
        if candles is None or candles.first >= self._hour:
            return coin.price
        last = min(candles.last, self._hour - HOUR)
        if isinstance(candles, MadeUp) and (close := candles.close_at(last)) is not None:
            return close
        closes = candles.frame(last, last + HOUR)["close"]
        if closes.is_empty():
            closes = candles.frame(last - 7 * DAY, last)["close"]
        return float(closes[-1]) if len(closes) else coin.price
