"""What several venues' answers have in common: a code in an envelope, times in seconds, lists.

A venue says how it went by a code in the body, whatever the status: `verdict`. What it lists, and
when that begins and ends, comes as objects of strings: `listed` and `moment`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import polars as pl

from candles import Malformed, SourceError, line
from sources import columns
from sources.source import CATALOGUE
from sources.words import Meaning, astray, broken, by_status, excerpt, refused

Entry = Mapping[str, Any]
NAMES = ("symbol", "asset", "base", "quote")
"""The columns of CATALOGUE, its first, without which a row says nothing."""


def envelope(response: httpx.Response) -> dict[str, Any]:
    """The body where it is a JSON object; an empty one where it is anything else."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def text(value: object) -> str:
    """A string or a whole number as it is written; anything else is nothing that was said."""
    return str(value) if type(value) in {str, int} else ""


def verdict(
    response: httpx.Response, *, code: str, message: str, fine: str, codes: Mapping[str, Meaning]
) -> SourceError | None:
    """By the venue's own code, where the body has one and `codes` knows it; else by the status."""
    body = envelope(response)
    said = text(body.get(code))
    if response.is_success and said == fine:
        return None
    if not said:
        return (
            by_status(response)
            or broken(response)
            or astray(response, f"its answer has no {code}: {excerpt(response)}")
        )
    words = line(f"{said} {text(body.get(message))}")
    if said in codes:
        return codes[said](response, words)
    return by_status(response, words) or refused(response, words)


def within(response: httpx.Response, *names: str) -> object:
    """What lies under `names`, one in the other, in the body; Malformed where there is no such."""
    found = columns.json(response)
    for name in names:
        if not isinstance(found, dict) or name not in found:
            raise Malformed(f"no {name} in {excerpt(response)}")
        found = found[name]
    return found


def asked(response: httpx.Response, name: str) -> str:
    """What the request that this answers had under `name`; empty if nothing."""
    try:
        return str(response.request.url.params.get(name, ""))
    except RuntimeError:  # an answer to no request: a recording
        return ""


def in_milliseconds(rows: object) -> list[list[object]]:
    """Rows whose first column is a time in whole seconds, as `columns.candles` reads them."""
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        raise Malformed(f"not a list of rows but {type(rows).__name__}")
    # A string times a thousand would be a long one.
    if not all(type(row[0]) is int for row in rows):
        raise Malformed("open_time is not a number of seconds in every row")
    return [[row[0] * 1000, *row[1:]] for row in rows]


def moment(ms: str | None) -> datetime | None:
    """A time that is told as a string of milliseconds; empty, 0 or left out where there is none."""
    if ms is None or ms in {"", "0"}:
        return None
    if not columns.EARLIEST <= int(ms) <= columns.LATEST:
        raise ValueError(f"no time: {ms}")
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def listed(
    response: httpx.Response,
    entries: object,
    *,
    taken: Callable[[Entry], bool],
    row: Callable[[Entry], Sequence[object]],
) -> pl.DataFrame:
    """The `entries` that are `taken`, each as a `row` of CATALOGUE."""
    try:
        found = [_named(row(entry)) for entry in _taken(entries, taken)]
        return pl.DataFrame(found, schema=CATALOGUE, orient="row", strict=True)
    except (pl.exceptions.PolarsError, KeyError, TypeError, ValueError, OverflowError) as error:
        words = line(f"{type(error).__name__} {error}")
        raise Malformed(f"its list of symbols: {words}: {excerpt(response)}") from None


def _taken(entries: object, taken: Callable[[Entry], bool]) -> list[Entry]:
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise TypeError(f"not a list of objects but {type(entries).__name__}")
    return [each for each in entries if taken(each)]


def _named(row: Sequence[object]) -> Sequence[object]:
    # To polars a number is a string as well, even where it is strict.
    for name, value in zip(NAMES, row, strict=False):
        if not isinstance(value, str) or not value:
            raise TypeError(f"{name} is {value!r}")
    return row
