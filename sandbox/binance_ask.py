"""What Binance reads of a request, and how it refuses one: HTTP 400, a code and a message."""

import re
from collections.abc import Mapping

from sandbox.venue import Ask

_NUMBER = re.compile(r"^[0-9]{1,20}$")
# Some symbols are not ASCII: 币安人生USDT.
_NAME = r"[A-Z0-9-_.\u0080-\uffff]{1,20}"
SYMBOL = re.compile(f"^{_NAME}$")
_SYMBOLS = re.compile(f'^\\["{_NAME}"(,"{_NAME}")*\\]$')


class Refusal(Exception):
    """An error of the venue's own, answered as HTTP 400."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


# Every parameter an endpoint reads.
READ: Mapping[str, frozenset[str]] = {
    "/klines": frozenset({"symbol", "interval", "startTime", "endTime", "timeZone", "limit"}),
    "/exchangeInfo": frozenset(
        {"symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"}
    ),
    "/ping": frozenset(),
    "/time": frozenset(),
}


def needed(ask: Ask, name: str, legal: re.Pattern[str] | None = None) -> str:
    """Return a parameter that must be there."""
    value = ask.query.get(name, "")
    if not value:
        reason = "was not sent, was empty/null, or malformed."
        raise Refusal(-1102, f"Mandatory parameter '{name}' {reason}")
    if legal is not None and not legal.match(value):
        raise _illegal(name, legal)
    return value


def _illegal(name: str, legal: re.Pattern[str]) -> Refusal:
    """Return the refusal of a parameter with characters it must not have."""
    reason = f"legal range is '{legal.pattern}'."
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; {reason}")


def number(ask: Ask, name: str, default: int) -> int:
    """Return a whole number, or the default where it was not sent."""
    value = ask.query.get(name)
    if value is None:
        return default
    if not _NUMBER.match(value):
        raise _illegal(name, _NUMBER)
    return int(value)


def limit_of(ask: Ask, most: int, *, caps: bool) -> int:
    """Return how many rows were asked for; over the most is the most, or refused."""
    limit = number(ask, "limit", 500)
    if limit < 1 or (limit > most and not caps):
        raise Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(limit, most)


def symbols(ask: Ask) -> set[str]:
    """Return the symbols asked for by name: `symbol=A` or `symbols=["A","B"]`."""
    if "symbols" not in ask.query:
        return {ask.query["symbol"]} if "symbol" in ask.query else set()
    if not _SYMBOLS.match(ask.query["symbols"]):
        raise _illegal("symbols", _SYMBOLS)
    return set(re.findall(_NAME, ask.query["symbols"]))
