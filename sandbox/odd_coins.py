"""What is odd at CoinGecko: pages of the ranking, ranks, coins behind symbols, ids that change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sandbox.facts import exchanges
from sandbox.odd_lives import Span
from sandbox.odd_met import Met, Play, Played, body, role, with_body
from sandbox.venue import Answer, Ask

Row = dict[str, Any]

_WELL_RANKED = 10
_SHARE = 10  # one in so many is cut
_IDS = ("id", "coin_id", "target_coin_id")
_FILTERS = ("ids", "coin_ids")


def _page(ask: Ask) -> int:
    """Return which page is asked for."""
    told = ask.query.get("page", "1")
    return int(told) if told.isdecimal() else 1


def _twice(met: Met) -> Played | None:
    """Answer the page before."""
    page = _page(met.ask)
    if page == 1 or "ids" in met.ask.query:
        return None
    before = replace(met.ask, query={**met.ask.query, "page": str(page - 1)})
    return Played(met.again(before), f"page {page} is page {page - 1}")


def _empty(met: Met) -> Played | None:
    """Answer nothing on one page that others follow, or on the only one."""
    headers = met.real.headers
    if "ids" in met.ask.query or "total" not in headers:
        return None
    pages = -(-int(headers["total"]) // int(headers["per-page"]))
    if _page(met.ask) != 1 + met.dice % max(1, pages - 1) or not body(met.real):
        return None
    return Played(with_body(met.real, []), f"page {_page(met.ask)} of {pages}")


def _cut(met: Met) -> Played | None:
    """Leave out a tenth of the coins, one at least."""
    rows: list[Row] = body(met.real)
    count = -(-len(rows) // _SHARE)
    order = sorted(rows, key=lambda row: met.number(row["id"]))
    gone = [row["id"] for row in order[:count]]
    if not gone:
        return None
    left = [row for row in rows if row["id"] not in gone]
    return Played(with_body(met.real, left), f"{len(gone)} left out: {', '.join(gone)}")


def _rank_null(met: Met) -> Played | None:
    """Tell no rank of one well-ranked coin."""
    coin = met.choose(met.market.coins[:_WELL_RANKED])
    rows: list[Row] = body(met.real)
    if not any(row["id"] == coin.id for row in rows):
        return None
    told = [{**row, "market_cap_rank": None} if row["id"] == coin.id else row for row in rows]
    return Played(with_body(met.real, told), f"rank {coin.rank}", coin=coin.id)


def _wrong_coin(met: Met) -> Played | None:
    """Name another ticker's coin behind a symbol."""
    told = body(met.real)
    tickers: list[Row] = told.get("tickers") or []
    found = met.choose(tickers) if tickers else {}
    others = [t["coin_id"] for t in tickers if t["coin_id"] != found["coin_id"]]
    if not others or _page(met.ask) > 1:
        return None
    wrong = others[met.number("other") % len(others)]
    named = [{**t, "coin_id": wrong} if t is found else t for t in tickers]
    source = exchange(met.ask) or ""
    pair = found["base"], found["target"]
    same = (x.symbol for x in met.market.listings(source) if (x.base, x.quote) == pair)
    return Played(
        with_body(met.real, {**told, "tickers": named}),
        f"{wrong} instead of {found['coin_id']}",
        source=source,
        symbol=found.get("symbol") or next(same, None),
        coin=found["coin_id"],
    )


PLAYS: Mapping[str, Play] = {
    "coins page twice": _twice,
    "coins page empty": _empty,
    "coins cut": _cut,
    "rank null": _rank_null,
    "wrong coin": _wrong_coin,
}


def asked(ask: Ask, names: Mapping[str, str]) -> Ask:
    """Return a request by the ids of old: who still asks by such a one asks for nobody.

    `names` are the new ids, by the old ones.
    """
    back = {**{old: f"{old}~" for old in names}, **{new: old for old, new in names.items()}}
    path = "/".join(back.get(part, part) for part in ask.path.split("/"))
    query = {
        name: ",".join(back.get(x, x) for x in value.split(",")) if name in _FILTERS else value
        for name, value in ask.query.items()
    }
    return replace(ask, path=path, query=query)


def renamed(ask: Ask, real: Answer, names: Mapping[str, str]) -> Answer:
    """Return an answer with the new ids in it."""
    if role(ask) not in {"coins", "ids", "tickers"}:
        return real
    told = body(real)
    rows = told.get("tickers", []) if isinstance(told, dict) else told
    new = [{k: names.get(v, v) if k in _IDS else v for k, v in row.items()} for row in rows]
    if new == rows:
        return real
    return with_body(real, {**told, "tickers": new} if isinstance(told, dict) else new)


def exchange(ask: Ask) -> str | None:
    """Return whose tickers are asked for."""
    ids = {**exchanges(derivatives=False), **exchanges(derivatives=True)}
    parts = ask.path.split("/")
    return next((ids[part][1] for part in parts if part in ids), None)


def without(real: Answer, spans: Sequence[Span]) -> Answer:
    """Return tickers without those that spans leave out."""
    gone = {(s.listing.base, s.listing.quote) for s in spans if s.kind == "relisted"}
    told = body(real)
    rows = told.get("tickers", [])
    left = [row for row in rows if (row["base"], row["target"]) not in gone]
    return real if left == rows else with_body(real, {**told, "tickers": left})
