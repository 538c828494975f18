"""What an oddity is given of a request that meets it, what it gives back, and what is asked for."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from sandbox.facts import asks_for, facts
from sandbox.odd import Dice
from sandbox.venue import Answer, Ask, Venue
from sandbox.words import Market

# What is asked for, by the end of a path; of candles and lists the venues say it themselves.
_ROLES: Mapping[str, str] = {
    "/coins/markets": "coins",
    "/coins/list": "ids",
    "/tickers": "tickers",
    "/market_chart/range": "chart",
    ".zip": "file",
    ".CHECKSUM": "file",
}
_OK = 200
_REFUSED = re.compile(rb'\{"(retCode|code)":"?(?!200000)[1-9-]')
_DERIVATIVES = "/derivatives/exchanges/"


def role(ask: Ask) -> str:
    """Return what is asked for: hours' candles, list, coins, ids, tickers, chart, file, other."""
    if _DERIVATIVES in ask.path:
        return "tickers"
    found = next((role for end, role in _ROLES.items() if ask.path.endswith(end)), None)
    return found or asks_for(ask) or "other"


def fine(answer: Answer) -> bool:
    """Tell whether an answer is no refusal; OKX, Bybit and KuCoin refuse with HTTP 200."""
    return answer.status == _OK and not _REFUSED.match(answer.body)


def house(venue: Venue) -> str:
    """Return whose answers they are: the mirror's are binance_spot's."""
    return venue.source.removesuffix("-mirror")


def symbol(venue: Venue, ask: Ask) -> str | None:
    """Return the symbol that a request is about, at CoinGecko the coin, if it is about one."""
    if role(ask) in {"file", "chart"}:
        return ask.path.split("/")[-3]
    told = facts().get(house(venue))
    if told and told.symbol and role(ask) == "candles":
        return told.symbol(ask)
    return next((ask.query[name] for name in venue.names if ask.query.get(name)), None)


@dataclass(frozen=True, slots=True)
class Met:
    """A request that meets an oddity.

    `real` is the right answer, `dice` a number to choose by, and `again` gives the right
    answer to another request, for nothing.
    """

    venue: Venue
    ask: Ask
    real: Answer
    dice: int
    rules: Dice
    market: Market
    again: Callable[[Ask], Answer]

    def choose(self, choices: Sequence[Any]) -> Any:  # noqa: ANN401 - whatever there is to choose
        """Return one of several."""
        return choices[self.dice % len(choices)]

    def number(self, *words: object) -> int:
        """Return a further number, for each of these words another."""
        return self.rules.number("met", self.dice, *words)


@dataclass(frozen=True, slots=True)
class Played:
    """An odd answer, and whom and which hours it concerns, where that is not plain."""

    answer: Answer
    detail: str = ""
    source: str | None = None
    symbol: str | None = None
    coin: str | None = None
    start: int | None = None
    end: int | None = None


Play = Callable[[Met], Played | None]


def body(answer: Answer) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Read an answer."""
    return orjson.loads(answer.body)


def with_body(answer: Answer, told: object) -> Answer:
    """Return an answer that tells something else."""
    return replace(answer, body=orjson.dumps(told))


def at(told: Any, keys: Iterable[str]) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Return what lies under these keys."""
    for key in keys:
        told = told[key]
    return told


def put(told: Any, keys: Sequence[str], value: Any) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Return the same with something else under these keys."""
    if not keys:
        return value
    return {**told, keys[0]: put(told[keys[0]], keys[1:], value)}
