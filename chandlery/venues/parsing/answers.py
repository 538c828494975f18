"""What several venues' answers have in common: a code in an envelope, times in seconds, lists.

A venue says how it went by a code in the body, whatever the status: `verdict`. What it lists, and
when that begins and ends, comes as objects of strings: `listed` and `moment`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import polars as pl

from chandlery.errors import Malformed, SourceError
from chandlery.model import one_line
from chandlery.venues.parsing import columns
from chandlery.venues.parsing.assets import Fields, described
from chandlery.venues.source import CATALOGUE, Markets, OddEntry, is_nameable
from chandlery.venues.verdicts import Meaning, astray, broken, by_status, excerpt, later, warn_once

Entry = Mapping[str, Any]
NAMES = ("symbol", "asset", "base", "quote")
"""The columns of CATALOGUE, its first, without which a row says nothing."""
UNTOLD = Fields()
SECONDS = re.compile(r"[0-9]{1,12}")


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
    """By the venue's own code, where the body has one and `codes` knows it; else by the status.

    A code that is not known is no refusal of what was asked: it may be an outage's.
    """
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
    told = one_line(f"{said} {text(body.get(message))}")
    if said in codes:
        return codes[said](response, told)
    return by_status(response, told) or later(response, told)


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


def in_seconds(rows: object) -> object:
    """Rows whose first column, a string of whole seconds, is a number; any other has no time."""
    if not isinstance(rows, list):
        return rows
    return [[int(row[0]), *row[1:]] if _has_seconds(row) else [None] for row in rows]


def _has_seconds(row: object) -> bool:
    # 1704067200; thirteen digits would be milliseconds.
    return isinstance(row, list) and bool(row) and SECONDS.fullmatch(text(row[0])) is not None


def in_milliseconds(rows: object) -> object:
    """Rows whose first column is a time in whole seconds, as `columns.candles` reads them.

    A row whose time is anything else is left without one; Malformed where half of them are.
    """
    if not isinstance(rows, list):
        raise Malformed(f"not a list of rows but {type(rows).__name__}")
    # A string times a thousand would be a long one.
    timed = [isinstance(row, list) and bool(row) and type(row[0]) is int for row in rows]
    if rows and 2 * sum(timed) <= len(rows):
        raise Malformed("open_time is not a number of seconds in every row")
    return [
        [row[0] * 1000, *row[1:]] if good else [None] for row, good in zip(rows, timed, strict=True)
    ]


def moment(ms: str | int | None) -> datetime | None:
    """A time that is told in milliseconds, mostly as a string; empty, 0 or left out: there is none.

    ValueError where it is no time that anybody can mean: -1, or one of the year 9999.
    """
    if ms is None or ms in {"", "0", 0}:
        return None
    if type(ms) not in {str, int} or not columns.EARLIEST <= int(ms) <= columns.LATEST:
        raise ValueError(f"no time: {ms}")
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def words(entry: Entry, field: str) -> str:
    """The string that an entry has under `field`; TypeError where it is anything else."""
    value = entry[field]
    if not isinstance(value, str):
        raise TypeError(f"{field} is {value!r}")
    return value


def name(entry: Entry, field: str) -> str:
    """The string that an entry has under `field`; TypeError where it is empty or anything else."""
    if not (value := words(entry, field)):
        raise TypeError(f"{field} is empty")
    return value


def is_taken(
    source: str, kind: object, taken: AbstractSet[str], left_out: AbstractSet[str]
) -> bool:
    """Whether a list's entries of this `kind` are coins: those are that are known to be.

    A number is as good as its string, and no kind is the empty one. One that is in neither table is
    left out too, and told once.
    """
    told = "" if kind is None else str(kind) if type(kind) in {str, int} else repr(kind)
    if told not in taken | left_out:
        warn_once(f"{source}: its list has entries of a kind that is not known: {one_line(told)}")
    return told in taken


def listed(
    entries: object,
    *,
    symbol: str,
    taken: Callable[[Entry], bool],
    row: Callable[[Entry], Sequence[object]],
    fields: Fields = UNTOLD,
) -> Markets:
    """The `entries` that are `taken`, each as a `row` of CATALOGUE up to `trading`.

    `fields` says where an entry has its asset's name and contract. One that cannot be read is odd,
    and does not cost the others: its symbol is under `symbol`.
    """
    if not isinstance(entries, list):
        raise Malformed(f"its list of symbols: not a list but {type(entries).__name__}")
    rows, odd = [], []
    for entry in entries:
        try:
            if taken(_object(entry)):
                rows.append((*_row(row(entry)), *described(entry, fields)))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            odd.append(_odd(entry, symbol, error))
    return Markets(pl.DataFrame(rows, schema=CATALOGUE, orient="row", strict=True), tuple(odd))


def _object(entry: object) -> Entry:
    if not isinstance(entry, dict):
        raise TypeError(f"not an object but {entry!r}")
    return entry


def _row(row: Sequence[object]) -> Sequence[object]:
    # To polars a number is a string as well, even where it is strict.
    for field, value in zip(NAMES, row, strict=False):
        if not isinstance(value, str) or not value:
            raise TypeError(f"{field} is {value!r}")
    return row


def _odd(entry: object, symbol: str, error: Exception) -> OddEntry:
    told = entry.get(symbol) if isinstance(entry, dict) else None
    return OddEntry(
        told if is_nameable(told) else None, one_line(f"{type(error).__name__} {error}")
    )
