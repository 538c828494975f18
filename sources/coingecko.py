"""CoinGecko: which coins there are, in the order of their worth, and what each venue's symbol is.

https://docs.coingecko.com. What is known of it:

- Map by coin id, never by ticker: tickers collide by the hundred. `/exchanges/{id}/tickers` and
  `/derivatives/exchanges/{id}` name the `coin_id` behind each symbol of a venue; a ticker without
  one is of a coin that nobody knows, and is left out. Tickers are asked for in the order
  `base_target`, since by trust or volume they move from page to page while
  they are read (docs.coingecko.com/demo/reference/exchanges-id-tickers says so).
- `/coins/markets` moves as well: a coin that slid onto the next page meanwhile counts once.
- Without a key the limit is shared and unstated; what was seen is 429 with `retry-after: 53`, and
  the same body with HTTP 200. Ten requests a minute are gentle enough.
- What lies further back than the free 365 days is HTTP 401 with error_code 10012: a refusal of
  the request, not of the caller.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import httpx
import orjson
import polars as pl

from candles import Malformed, SourceError, Unavailable
from sources import columns
from sources.fetch import MOST_ANSWERS, send
from sources.source import Budget, Metering, Venue
from sources.words import (
    Meaning,
    broken,
    by_status,
    closed,
    excerpt,
    line,
    refused,
    retry_after,
    said_by,
)

URL = "https://api.coingecko.com/api/v3"
COINS_A_PAGE = 250
TICKERS_A_PAGE = 100
MINUTE = timedelta(minutes=1)

COINS = pl.Schema(
    {"id": pl.String(), "symbol": pl.String(), "name": pl.String(), "rank": pl.Int64()},
)
TICKERS = pl.Schema(
    {
        "symbol": pl.String(),  # null on spot: there base and target are all that is told
        "base": pl.String(),
        "target": pl.String(),
        "coin_id": pl.String(),
    },
)

Rows = list[dict[str, object]]


def coins(client: httpx.Client, most: int | None = None) -> pl.DataFrame:
    """The `most` highly valued coins, or all, by rank: id, symbol, name, rank."""
    frame = COINS.to_frame()
    with said_by(VENUE.name, "coins"):
        for rows in _pages(client, coins_request, coins_rows, COINS_A_PAGE):
            page = _frame(rows, COINS, ("id", "symbol", "name"))
            frame = pl.concat([frame, page]).unique("id", keep="first", maintain_order=True)
            if most is not None and frame.height >= most:
                break
    # An answer is nearly in the order of the ranks, not quite: the one recorded in 2023 is not.
    ranked = frame.sort("rank", nulls_last=True, maintain_order=True)
    return ranked if most is None else ranked.head(most)


def tickers(client: httpx.Client, exchange: str, *, derivatives: bool) -> pl.DataFrame:
    """Which coin is behind each symbol of `exchange`: symbol, base, target, coin_id."""
    with said_by(VENUE.name, exchange):
        if derivatives:
            found = contracts_rows(send(client, VENUE, contracts_request(exchange)))
        else:
            pages = _pages(
                client, lambda page: tickers_request(exchange, page), tickers_rows, TICKERS_A_PAGE
            )
            found = [row for page in pages for row in page]
        known = [row for row in found if row["coin_id"]]
        return _frame(known, TICKERS, ("base", "target", "coin_id")).unique(maintain_order=True)


def coins_request(page: int) -> httpx.Request:
    """A page of the ranking."""
    ranked = {"vs_currency": "usd", "order": "market_cap_desc"}
    paged = {"per_page": str(COINS_A_PAGE), "page": str(page)}
    return httpx.Request("GET", f"{URL}/coins/markets", params={**ranked, **paged})


def tickers_request(exchange: str, page: int) -> httpx.Request:
    """A page of a spot exchange's tickers."""
    params = {"page": str(page), "order": "base_target"}
    return httpx.Request("GET", f"{URL}/exchanges/{exchange}/tickers", params=params)


def contracts_request(exchange: str) -> httpx.Request:
    """All contracts of a derivatives exchange that have not expired."""
    params = {"include_tickers": "unexpired"}
    return httpx.Request("GET", f"{URL}/derivatives/exchanges/{exchange}", params=params)


def coins_rows(response: httpx.Response) -> Rows:
    """A page of the ranking as rows of COINS."""
    fields = {"id": "id", "symbol": "symbol", "name": "name", "rank": "market_cap_rank"}
    return _rows(columns.json(response), fields)


def tickers_rows(response: httpx.Response) -> Rows:
    """A spot exchange's tickers as rows of TICKERS, those of unknown coins among them."""
    fields = {"base": "base", "target": "target", "coin_id": "coin_id"}
    return [{"symbol": None, **row} for row in _rows(_listed(response), fields)]


def contracts_rows(response: httpx.Response) -> Rows:
    """A derivatives exchange's perpetual contracts as rows of TICKERS."""
    fields = {name: name for name in (*TICKERS, "contract_type")}
    rows = _rows(_listed(response), fields)
    return [row for row in rows if row.pop("contract_type") == "perpetual"]


def _pages(
    client: httpx.Client,
    request: Callable[[int], httpx.Request],
    rows: Callable[[httpx.Response], Rows],
    full: int,
) -> Iterator[Rows]:
    """Page after page, up to the first that is not full."""
    for page in range(1, MOST_ANSWERS + 1):
        found = rows(send(client, VENUE, request(page)))
        yield found
        if len(found) < full:
            return
    raise Malformed(f"no end after {MOST_ANSWERS} pages")


def _listed(response: httpx.Response) -> object:
    body = columns.json(response)
    return body.get("tickers") if isinstance(body, dict) else body


def _rows(found: object, fields: Mapping[str, str]) -> Rows:
    """`fields` of each object in a list; a field that is left out is null."""
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Malformed(f"not a list of objects but {type(found).__name__}")
    return [{name: each.get(field) for name, field in fields.items()} for each in found]


def _frame(rows: Rows, schema: pl.Schema, needed: tuple[str, ...]) -> pl.DataFrame:
    try:
        frame = pl.DataFrame(rows, schema=schema, strict=True)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        raise Malformed(line(f"{type(error).__name__} {error}")) from None
    if any(frame[name].null_count() for name in needed):
        raise Malformed(f"{' or '.join(needed)} is left out")
    return frame


def _too_many(response: httpx.Response, words: str) -> SourceError:
    return Unavailable(words, after=retry_after(response) or MINUTE)


CODES: Mapping[int, Meaning] = {
    429: _too_many,
    10002: closed,  # API key missing
    10010: closed,  # a pro key at the demo's address
    10011: closed,  # a demo key at the pro address
    10012: refused,  # further back than the plan reaches
}
_TOLD = (b'{"status"', b'{"error"')


def verdict(response: httpx.Response) -> SourceError | None:
    """By CoinGecko's own code where there is one, whatever the status; else by the status."""
    told = response.content[:64].translate(None, b" \r\n\t").startswith(_TOLD)
    if response.is_success and not told:
        return broken(response)
    code, words = _said(response)
    if code in CODES:
        return CODES[code](response, words)
    return by_status(response, words) or refused(response, words)


def _said(response: httpx.Response) -> tuple[int, str]:
    """Code and words of `{"status": …}`, `{"error": {"status": …}}` or `{"error": "…"}`."""
    try:
        body = orjson.loads(response.content)
        error = body.get("error", body)
        if isinstance(error, str):
            return 0, line(error)
        code = int(error["status"]["error_code"])
        return code, line(f"{code} {error['status']['error_message']}")
    except (ValueError, AttributeError, KeyError, TypeError, OverflowError):
        return 0, excerpt(response)


def _one(_: httpx.Request) -> float:
    return 1


VENUE = Venue(
    name="coingecko",
    url=URL,
    metering=Metering((Budget(10, 60, _one),)),
    verdict=verdict,
    key_header="x-cg-demo-api-key",
)
