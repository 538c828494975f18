"""What a venue tells of an asset itself: its name, and the addresses of its token's contracts.

    MEXC    {"baseAsset": "ABC", "fullName": "Abc", "contractAddress": "0xAB…"}
    KuCoin  {"currency": "ABC", "fullName": "Abc", "chains": [{"contractAddress": "0xab…"}, …]}

None of it is needed to ask for candles: what cannot be read is not told, and costs nothing else.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import polars as pl

from chandlery.errors import Malformed
from chandlery.venues.source import ASSETS, is_nameable

MOST = 40
"""More networks than any token is on."""
HEX = re.compile(r"0x[0-9a-f]+", re.IGNORECASE)
PLACEHOLDER = re.compile(r"0x(0+|e{40})", re.IGNORECASE)
"""What some write where a coin is its network's own, and has no contract."""


class Fields(NamedTuple):
    """Where an entry has what it tells of its asset; `networks` is the list that contracts are in.

    An empty name: it has no such field.
    """

    name: str = ""
    contract: str = ""
    networks: str = ""


def described(entry: Mapping[str, Any], fields: Fields) -> tuple[str | None, str | None]:
    """The name and the contract (as CATALOGUE has them) of an entry's asset."""
    among = entry.get(fields.networks) if fields.networks else [entry]
    networks = among if isinstance(among, list) else []
    told = (each.get(fields.contract) for each in networks if isinstance(each, dict))
    return _label(entry.get(fields.name)), contract(told)


def contract(addresses: Iterable[object]) -> str | None:
    """Addresses in order, a comma between them; None where there is none.

    Hexadecimal ones are in lower case: venues differ in that alone.
    """
    told = {_address(each) for each in addresses}
    return ",".join(sorted(filter(None, told))[:MOST]) or None


def assets(entries: object, *, asset: str, fields: Fields) -> pl.DataFrame:
    """A list of assets as ASSETS; `asset` is the field that has what CATALOGUE calls so."""
    if not isinstance(entries, list):
        raise Malformed(f"its list of assets: not a list but {type(entries).__name__}")
    rows = [
        (entry[asset], *described(entry, fields))
        for entry in entries
        if isinstance(entry, dict) and is_nameable(entry.get(asset))
    ]
    return pl.DataFrame(rows, schema=ASSETS, orient="row")


def _label(value: object) -> str | None:
    text = value.strip() if isinstance(value, str) else None
    return text if is_nameable(text) else None


def _address(value: object) -> str | None:
    text = _label(value)
    if text is None or "," in text or " " in text or PLACEHOLDER.fullmatch(text):
        return None
    return text.lower() if HEX.fullmatch(text) else text
