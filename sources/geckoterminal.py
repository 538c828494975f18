"""GeckoTerminal: hours of a pool at a decentralised venue, for coins that trade nowhere else.

https://api.geckoterminal.com/docs, docs.coingecko.com/demo/reference (pool-ohlcv-contract-address,
tokens-data-contract-addresses, networks-list), apiguide.geckoterminal.com/faq. Quirks:

- A pool's hours are **pooled**: one pool's trades, of thin pools few. Their volume is in dollars,
  of the coin's own units nothing is told. A symbol is `network/pool/side`: which of the pool's two
  tokens the coin is decides whose price is asked for.
- `before_timestamp` in seconds; whether the hour that opens then is left out is not told [U]. So a
  page is an hour shorter than the 1,000 rows that come, and asks for one more: both are right.
- An hour without a trade is left out, unless `include_empty_intervals=true`: then it is flat at the
  close before, its volume 0. It is asked for so, as a page then has all of its hours.
- Rows are [time in seconds, open, high, low, close, volume], numbers, newest first [U].
- Free callers get 30 requests in a minute, and the past 6 months: empty beyond.
- A pool of more than two tokens is HTTP 422, one that is gone 404, both with `errors`.
- `/networks/{network}/tokens/multi/{30 addresses}?include=top_pools` has the best pools of 30
  tokens, each token with its name and the coin's id at CoinGecko. `reserve_in_usd` is what lies in
  a pool. Ids are `network_address`, and a network's name may have an underscore itself: only
  addresses count.
- `/networks` is paged, and names CoinGecko's platform of each, or null.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import polars as pl

from chandlery.errors import Malformed, SourceError
from chandlery.model import Listing, Window, one_line
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.parsing import answers, columns
from chandlery.venues.parsing.assets import Fields, described
from chandlery.venues.source import POOLS, Pools, Source, Venue, is_nameable
from chandlery.venues.verdicts import Meaning, broken, by_status, refused, too_many

NAME = "geckoterminal"
URL = "https://api.geckoterminal.com/api/v2"
ROWS = 1000
WIDTH = 6
PLACES = {"open_time": 0, "open": 1, "high": 2, "low": 3, "close": 4, "quote_volume": 5}
TOKENS_A_REQUEST = 30
REACH = timedelta(days=180)
HOURLY = 1000
"""At 30 requests a minute these are half an hour's."""
FIELDS = Fields(name="name", contract="address")
SIDES = {"base": "base_token", "quote": "quote_token"}

_too_many = too_many(timedelta(minutes=1))
STATUSES: Mapping[int, Meaning] = {404: refused, 422: refused, 429: _too_many}


def _request(listing: Listing, page: Window) -> httpx.Request:
    # One of another form is a pool that nobody has: let the venue say so.
    network, pool, side = (*listing.symbol.split("/"), "", "")[:3]
    params: dict[str, str | int] = {
        "aggregate": 1,
        "before_timestamp": int(page.end.timestamp()),
        "limit": page.hours + 1,
        "currency": "usd",
        "token": side,
        "include_empty_intervals": "true",
    }
    path = f"/networks/{quote(network, safe='')}/pools/{quote(pool, safe='')}/ohlcv/hour"
    return httpx.Request("GET", f"{URL}{path}", params=params)


def _parse(response: httpx.Response) -> pl.DataFrame:
    rows = answers.within(response, "data", "attributes", "ohlcv_list")
    return columns.candles(answers.in_milliseconds(rows), width=WIDTH, places=PLACES, source=NAME)


def _verdict(response: httpx.Response) -> SourceError | None:
    errors = answers.envelope(response).get("errors")
    if response.is_success and not errors:
        return broken(response)
    words = one_line(_title(errors))
    if words and response.status_code in STATUSES:
        return STATUSES[response.status_code](response, f"HTTP {response.status_code} {words}")
    return by_status(response, words or None) or Malformed(f"its answer is an error: {words}")


def _title(errors: object) -> str:
    """The first error's words; nothing where there are none."""
    first = errors[0] if isinstance(errors, list) and errors else None
    return answers.text(first.get("title")) if isinstance(first, dict) else ""


def _networks(answer: httpx.Response | None) -> httpx.Request | None:
    """A page of the networks, up to one that has none."""
    if answer is not None and not _listed(answer, "data"):
        return None
    page = 1 if answer is None else int(answers.asked(answer, "page") or 1) + 1
    return httpx.Request("GET", f"{URL}/networks", params={"page": page})


def _platforms(response: httpx.Response) -> Mapping[str, str]:
    told = [
        (_attributes(each).get("coingecko_asset_platform_id"), each.get("id"))
        for each in _listed(response, "data")
    ]
    return {str(platform): str(id_) for platform, id_ in told if is_nameable(platform) and id_}


def _pools_request(network: str, addresses: Sequence[str]) -> httpx.Request:
    # By hand: the commas stay.
    named = ",".join(quote(each, safe="") for each in addresses)
    path = f"/networks/{quote(network, safe='')}/tokens/multi/{named}"
    return httpx.Request("GET", f"{URL}{path}?include=top_pools")


def _pools(response: httpx.Response) -> pl.DataFrame:
    pools = {each.get("id"): each for each in _listed(response, "included")}
    rows = [
        row
        for token in _listed(response, "data")
        for pool in _best(token, pools)
        if (row := _row(token, pool)) is not None
    ]
    return pl.DataFrame(rows, schema=POOLS, orient="row")


def _best(
    token: Mapping[str, Any], pools: Mapping[object, Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """The pools that the answer names for a token, as far as it has them."""
    for each in _related(token, "top_pools"):
        if each.get("id") in pools:
            yield pools[each["id"]]


def _row(token: Mapping[str, Any], pool: Mapping[str, Any]) -> Sequence[object] | None:
    """A pool as a row of POOLS; None where it is not told whose it is, or how deep."""
    told, coin = _attributes(pool), _attributes(token).get("coingecko_coin_id")
    sides = [side for side, name in SIDES.items() if token.get("id") in _ids(pool, name)]
    depth, address = _number(told.get("reserve_in_usd")), told.get("address")
    if not is_nameable(coin) or not is_nameable(address) or len(sides) != 1 or depth is None:
        return None
    symbol = f"{_network(token)}/{address}/{sides[0]}"
    if not is_nameable(symbol) or symbol.count("/") != len(SIDES):
        return None
    start = _moment(told.get("pool_created_at"))
    return [coin, symbol, depth, start, *described(_attributes(token), FIELDS)]


def _network(token: Mapping[str, Any]) -> str:
    """The network of a token, whose id is `network_address`."""
    return str(token.get("id")).removesuffix(f"_{_attributes(token).get('address')}")


def _listed(response: httpx.Response, name: str) -> list[Mapping[str, Any]]:
    """The objects under `name`; Malformed where there is no list."""
    found = answers.within(response, name)
    if not isinstance(found, list):
        raise Malformed(f"its {name} is not a list")
    return [each for each in found if isinstance(each, dict)]


def _attributes(found: Mapping[str, Any]) -> Mapping[str, Any]:
    told = found.get("attributes")
    return told if isinstance(told, dict) else {}


def _related(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """What an object says to be related to: one or several of `type` and `id`."""
    relations = found.get("relationships")
    told = relations.get(name) if isinstance(relations, dict) else None
    data = told.get("data") if isinstance(told, dict) else None
    several = data if isinstance(data, list) else [data]
    return [each for each in several if isinstance(each, dict)]


def _ids(found: Mapping[str, Any], name: str) -> set[object]:
    return {each.get("id") for each in _related(found, name) if isinstance(each.get("id"), str)}


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return number if number is not None and 0 < number < float("inf") else None


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None


SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        metering=Metering((Budget(30, 60),)),
        verdict=_verdict,
    ),
    kind="pooled",
    page_hours=ROWS - 1,
    request=_request,
    parse=_parse,
    place=130,
    slow_to_list=True,
    colour="#661100",
    pools=Pools(
        most=TOKENS_A_REQUEST,
        networks=_networks,
        platforms=_platforms,
        request=_pools_request,
        parse=_pools,
    ),
    hourly=HOURLY,
    reach=REACH,
)
