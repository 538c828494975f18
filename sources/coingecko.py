"""CoinGecko: which coins there are, in the order of their worth, and what each venue's symbol is.

Its prices make it a source as well, of indicative candles for every coin, under the coin's id:
`_coingecko_prices` tells how, `_coingecko` what its API allows. It has no catalogue: there is no
coin here that it does not list. Free callers get the past 365 days, of which the oldest is left
alone since a run takes its time. Of the coins and symbols:

- Map by coin id, never by ticker: tickers collide by the hundred. `/exchanges/{id}/tickers` and
  `/derivatives/exchanges/{id}` name the `coin_id` behind each symbol of a venue; a ticker without
  one is of a coin that nobody knows, and is left out. Tickers are asked for in the order
  `base_target`, since by trust or volume they move from page to page while
  they are read (docs.coingecko.com/demo/reference/exchanges-id-tickers says so).
- Anybody can make a coin and name it: a name or ticker is cleaned of what cannot be printed, a
  coin or market whose id or symbols have that is left out.
- `/coins/markets` moves as well: a coin that slid onto the next page meanwhile counts once.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import httpx
import polars as pl

from candles import Malformed, line
from sources import _coingecko, columns
from sources import _coingecko_prices as prices
from sources._coingecko import URL
from sources.fetch import MOST_ANSWERS, send
from sources.source import LONGEST_NAME, Many, Source, nameable
from sources.words import said_by

VENUE = _coingecko.VENUE
COINS_A_PAGE = 250
TICKERS_A_PAGE = 100
LONGEST_TICKER = 40
REACH = timedelta(days=364)

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
    rows = _rows(columns.json(response), fields)
    longest = {"symbol": LONGEST_TICKER, "name": LONGEST_NAME}
    return [
        row | {name: _cleaned(row, name, most) for name, most in longest.items()} for row in rows
    ]


def _cleaned(row: Mapping[str, object], name: str, most: int) -> object:
    """A name in one line; the id where nothing is left of it."""
    given = row[name]
    return (line(given, most - 1) or row["id"]) if isinstance(given, str) else given


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
    before: Rows = []
    for page in range(1, MOST_ANSWERS + 1):
        found = rows(send(client, VENUE, request(page)))
        if found == before and found:
            raise Malformed(f"its page {page} is page {page - 1} again")
        yield found
        if len(found) < full:
            return
        before = found
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
    return frame.filter(nameable(*needed))


SOURCE = Source(
    venue=VENUE,
    kind="indicative",
    page_hours=prices.PAGE_HOURS,
    request=prices.request,
    parse=prices.parse,
    reach=REACH,
    many=Many(
        most=prices.MOST,
        reach=prices.REACH,
        request=prices.many_request,
        parse=prices.many_parse,
    ),
)
