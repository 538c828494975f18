"""What a sandbox venue says of itself, in its own module, beside how it answers.

A module that serves venues has FACTS: one `Facts` for each source. From these the made-up universe
takes what else trades there, CoinGecko's side its name, `truth` that it is there, and the oddities
where its rows and its list are. So a new venue is a file and a folder of recordings.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import NamedTuple

import sandbox
from sandbox.venue import Answer, Ask
from sandbox.words import HOUR

_BOTH = (-HOUR, HOUR)


class Layout(NamedTuple):
    """Where a venue has its rows, and what stands where in one: None is not told.

    `prices` are open, high, low and close; `unit` is how many milliseconds a time counts. `window`
    names the parameters of a page's ends (empty: there is none), which are `exclusive` or not, and
    in ISO 8601 if `iso`. `off` are the ways, in milliseconds, in which a page may be off and a row
    tells so, since none beyond that end is ever sent.
    """

    keys: tuple[str, ...]
    times: tuple[int, ...]
    volume: int | None
    quote: int | None
    trades: int | None
    window: tuple[str, str]
    exclusive: tuple[bool, bool] = (False, False)
    prices: tuple[int, int, int, int] = (1, 2, 3, 4)
    unit: int = 1
    iso: bool = False
    off: tuple[int, ...] = _BOTH

    @property
    def volumes(self) -> tuple[int, ...]:
        """The places of the volumes that are told, base before quote."""
        return tuple(place for place in (self.volume, self.quote) if place is not None)

    def read(self, told: str) -> int | None:
        """Read an end of a window in milliseconds; None where it is not sent."""
        if self.iso and told:
            return int(datetime.fromisoformat(told).timestamp() * 1000)
        return int(told) * self.unit if told.isdecimal() else None

    def write(self, at: int) -> str:
        """Write an end of a window as it is asked for."""
        if self.iso:
            return datetime.fromtimestamp(at / 1000, UTC).isoformat()
        return str(at // self.unit)


class Shape(NamedTuple):
    """Where a venue's list is in its answer, what an entry calls itself, and how it goes on.

    `begins` and `ends` are the fields of its dates, `dates` what these are written as.
    """

    keys: tuple[str, ...]
    name: str
    base: str
    state: str
    begins: str | None = None
    ends: str | None = None
    dates: type[str | int] = str
    unit: int = 1


class Pair(NamedTuple):
    """What trades at a venue beside the coins of its listings; `coin` is CoinGecko's id, if any.

    One that is `gone` was delisted by now.
    """

    symbol: str
    base: str
    quote: str
    coin: str | None
    underlying: str = "COIN"
    gone: bool = False


class Facts(NamedTuple):
    """A source: `candles` is the end of the path of its candles, `hour` what asks there for hours.

    Without a `layout` its pages are never odd, without a `shape` its list is not. `symbol` reads
    whose candles are asked for, where the path has it. `exchange` is CoinGecko's id and name of it.
    """

    source: str
    candles: str = ""
    hour: tuple[str, str] = ("interval", "1h")
    symbol: Callable[[Ask], str] | None = None
    listed: str = ""
    layout: Layout | None = None
    shape: Shape | None = None
    errors: Sequence[tuple[str, Answer]] = ()
    exchange: tuple[str, str] | None = None
    derivatives: bool = False
    pairs: Sequence[Pair] = ()


@cache
def modules() -> Sequence[ModuleType]:
    """All of this folder."""
    return [import_module(f"sandbox.{each.name}") for each in iter_modules(sandbox.__path__)]


@cache
def facts() -> Mapping[str, Facts]:
    """What each source says, by its name."""
    return {each.source: each for module in modules() for each in getattr(module, "FACTS", ())}


def exchanges(*, derivatives: bool) -> Mapping[str, tuple[str, str]]:
    """Each exchange's name and source, by CoinGecko's id of it."""
    return {
        each.exchange[0]: (each.exchange[1], each.source)
        for each in facts().values()
        if each.exchange and each.derivatives == derivatives
    }


def asks_for(ask: Ask) -> str | None:
    """What a request is for, hours' candles or a list, where its venue says how these are asked."""
    for each in facts().values():
        name, hour = each.hour
        if each.layout and ask.path.endswith(each.candles) and ask.query.get(name) == hour:
            return "candles"
        if each.shape and ask.path.endswith(each.listed):
            return "list"
    return None
