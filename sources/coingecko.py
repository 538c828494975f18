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
- `/coins/markets` moves as well: a coin that slid onto the next page meanwhile counts once. A page
  that mostly came before is a cache's, and no word on the coins that it hides.
- `/coins/list` with `include_platform=true` has every coin's tokens in one answer, by blockchain:
  an address is null or empty where the coin has none there.
- `/global` says how many coins there are, as `data.active_cryptocurrencies`.
- `market_cap` is 0 or null where nobody knows how many of a coin there are: it is then unknown.
- One object without an id or a symbol does not cost the others: it is left out, and told.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import polars as pl

from chandlery.errors import Malformed
from chandlery.model import Window, one_line, whole_hour, whole_hour_up
from chandlery.venues.fetch import MOST_ANSWERS, send
from chandlery.venues.parsing import columns
from chandlery.venues.source import LONGEST_NAME, TOKENS, Many, Ranking, Source, is_nameable
from chandlery.venues.verdicts import said_by
from sources import _coingecko
from sources import _coingecko_prices as prices
from sources._coingecko import URL

log = logging.getLogger(__name__)

VENUE = _coingecko.VENUE
COINS_A_PAGE = 250
TICKERS_A_PAGE = 100
LONGEST_TICKER = 40
MOST_RANKS = 2**31
SLID = 10
"""So many may slide onto the next page while pages are read, however short that is."""
REACH = timedelta(days=364)

COINS = pl.Schema(
    {
        "id": pl.String(),
        "symbol": pl.String(),
        "name": pl.String(),
        "rank": pl.Int64(),
        "price": pl.Float64(),  # in dollars; null where unknown
        "market_cap": pl.Float64(),  # in dollars; null where unknown
    },
)
TICKERS = pl.Schema(
    {
        "symbol": pl.String(),  # null on spot: there base and target are all that is told
        "base": pl.String(),
        "target": pl.String(),
        "coin_id": pl.String(),
    },
)

NAMES = ("id", "symbol", "name", "base", "target", "coin_id", "platform", "address")
Row = Mapping[str, object]
Read = Callable[[Row], Row | None]
"""An object of a list as a row: None where it is not wanted, ValueError where it is odd."""


def coins(client: httpx.Client, most: int | None = None) -> pl.DataFrame:
    """The `most` highly valued coins, or all, by rank: COINS."""
    frame = COINS.to_frame()
    with said_by(VENUE.name, "coins"):
        for found in _pages(client, coins_request, "coins", COINS_A_PAGE):
            page = _frame(found, coin, COINS)
            frame = pl.concat([frame, page]).unique("id", keep="first", maintain_order=True)
            if most is not None and frame.height >= most:
                break
        if frame.is_empty():
            raise Malformed("its list of coins is empty")
    # An answer is nearly in the order of the ranks, not quite: the one recorded in 2023 is not.
    ranked = frame.sort("rank", nulls_last=True, maintain_order=True)
    return ranked if most is None else ranked.head(most)


def number_of_coins(client: httpx.Client) -> int:
    """How many coins CoinGecko has."""
    with said_by(VENUE.name, "global"):
        body = columns.json(send(client, VENUE, httpx.Request("GET", f"{URL}/global")))
        told = body.get("data") if isinstance(body, dict) else None
        number = told.get("active_cryptocurrencies") if isinstance(told, dict) else None
        if type(number) is not int or not 0 < number < MOST_RANKS:
            raise Malformed(f"the number of its coins is {one_line(repr(number))}")
    return number


def tickers(client: httpx.Client, exchange: str, *, derivatives: bool) -> pl.DataFrame:
    """Which coin is behind each symbol of `exchange`: symbol, base, target, coin_id."""
    with said_by(VENUE.name, exchange):
        if derivatives:
            found, read = _listed(send(client, VENUE, contracts_request(exchange))), contract
        else:
            request = partial(tickers_request, exchange)
            pages = _pages(client, request, "tickers", TICKERS_A_PAGE)
            found, read = [each for page in pages for each in page], ticker
        return _frame(found, read, TICKERS).unique(maintain_order=True)


def tokens(client: httpx.Client) -> pl.DataFrame:
    """The addresses of all coins' tokens, by blockchain: TOKENS."""
    with said_by(VENUE.name, "list"):
        return _frame(_tokens(_listed(send(client, VENUE, tokens_request()))), token, TOKENS)


def tokens_request() -> httpx.Request:
    """All coins, with the addresses of their tokens."""
    return httpx.Request("GET", f"{URL}/coins/list", params={"include_platform": "true"})


def _tokens(coins: list[object]) -> list[object]:
    """An object for each token of coins' objects."""
    return [
        {"id": each.get("id"), "platform": platform, "address": address}
        for each in coins
        if isinstance(each, dict) and isinstance(each.get("platforms"), dict)
        for platform, address in each["platforms"].items()
    ]


def token(found: Row) -> Row | None:
    """A coin's token as a row of TOKENS; None where it has no address."""
    if not found.get("address") or not found.get("platform"):
        return None
    return {name: _word(found, name).strip() for name in TOKENS.names()}


def market_caps(client: httpx.Client, coin: str, now: datetime) -> pl.DataFrame:
    """A coin's market caps of the past year, as MARKET_CAPS: one request, for daily points."""
    year = Window(whole_hour_up(now - REACH), whole_hour(now))
    with said_by(VENUE.name, coin):
        return prices.market_caps(send(client, VENUE, prices.chart_request(coin, year)))


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


def coin(found: Row) -> Row:
    """An object of the ranking as a row of COINS."""
    key, rank = _word(found, "id"), found.get("market_cap_rank")
    if rank is not None and (type(rank) is not int or abs(rank) > MOST_RANKS):
        raise ValueError(f"its rank is {rank!r}")
    return {
        "id": key,
        "symbol": one_line(_word(found, "symbol"), LONGEST_TICKER - 1) or key,
        "name": one_line(_word(found, "name"), LONGEST_NAME - 1) or key,
        "rank": rank,
        "price": _dollars(found.get("current_price")),
        "market_cap": _dollars(found.get("market_cap")),
    }


def ticker(found: Row) -> Row | None:
    """A spot exchange's ticker as a row of TICKERS; None where nobody knows the coin."""
    if not found.get("coin_id"):
        return None
    names = {name: _word(found, name) for name in ("base", "target", "coin_id")}
    return {"symbol": None, **names}


def contract(found: Row) -> Row | None:
    """A derivatives exchange's perpetual contract as a row of TICKERS."""
    row = ticker(found) if found.get("contract_type") == "perpetual" else None
    return None if row is None else {**row, "symbol": _word(found, "symbol")}


def _word(found: Row, name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(f"its {name} is {value!r}")  # noqa: TRY004  of what came, not of ours
    return value


def _dollars(value: Any) -> float | None:  # noqa: ANN401 - JSON may be anything
    # By type: to Python true is a number.
    known = type(value) in {int, float} and 0 < value < math.inf
    return float(value) if known else None


def _pages(
    client: httpx.Client, request: Callable[[int], httpx.Request], what: str, full: int
) -> Iterator[list[object]]:
    """The objects of page after page, up to the first that is not full."""
    before = set[str]()
    for page in range(1, MOST_ANSWERS + 1):
        found = _listed(send(client, VENUE, request(page)))
        keys = list(map(_key, found))
        repeated = sum(key in before for key in keys)
        if repeated > SLID and 2 * repeated >= len(found):
            raise Malformed(f"its page {page} repeats {repeated} {what} of pages before")
        before.update(keys)
        yield found
        if len(found) < full:
            return
    raise Malformed(f"no end after {MOST_ANSWERS} pages")


def _key(found: object) -> str:
    """What tells objects of a list apart: a coin's id, or a ticker's market and coin."""
    names = ("id", "base", "target", "coin_id")
    return repr([found.get(name) for name in names] if isinstance(found, dict) else found)


def _listed(response: httpx.Response) -> list[object]:
    body = columns.json(response)
    found = body.get("tickers") if isinstance(body, dict) else body
    if not isinstance(found, list):
        raise Malformed(f"not a list of objects but {type(found).__name__}")
    return found


def _frame(found: list[object], read: Read, schema: pl.Schema) -> pl.DataFrame:
    """The objects that `read` makes rows of; those that are odd are left out and told.

    Malformed where there are odd ones only.
    """
    rows, odd = [], []
    for each in found:
        try:
            rows.append(_row(each, read))
        except ValueError as error:
            odd.append(one_line(str(error)))
    if odd and len(odd) == len(found):
        raise Malformed(odd[0])
    if odd:
        log.warning("%s: %s of %s left out: %s", VENUE.name, len(odd), len(found), odd[0])
    return pl.DataFrame([row for row in rows if row is not None], schema=schema, strict=True)


def _row(found: object, read: Read) -> Row | None:
    if not isinstance(found, dict):
        raise ValueError(f"not an object but {found!r}")  # noqa: TRY004  of what came, not of ours
    row = read(found)
    names = [] if row is None else [row[name] for name in NAMES if row.get(name) is not None]
    if not all(map(is_nameable, names)):
        raise ValueError(f"its names are {names}")
    return row


SOURCE = Source(
    venue=VENUE,
    kind="indicative",
    page_hours=prices.PAGE_HOURS,
    request=prices.request,
    parse=prices.parse,
    place=30,
    colour="#f0e442",
    ranking=Ranking(
        VENUE.name,
        coins=coins,
        number=number_of_coins,
        tickers=tickers,
        tokens=tokens,
        market_caps=market_caps,
    ),
    market_caps=prices.market_caps,
    reach=REACH,
    many=Many(
        most=prices.MOST,
        reach=prices.REACH,
        request=prices.many_request,
        parse=prices.many_parse,
    ),
)
