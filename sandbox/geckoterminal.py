"""GeckoTerminal: pools of tokens on one blockchain, in their own wire format.

Documented at api.geckoterminal.com/docs and docs.coingecko.com ("Pool OHLCV Chart", "Tokens Data by
Addresses", "Networks List"). What the documentation leaves open, and what is done here:

- `before_timestamp` leaves out the hour that opens then; rows come newest first.
- Hours without a trade are left out, or flat at the close before, with `include_empty_intervals`.
- Each token has two pools, and the second one is a tenth as deep: nobody is to take it.
- Ethereum is the only network of which CoinGecko's platform is told; another has none.
- History ends 180 days ago. More than 30 requests in a minute are refused (429).
"""

from math import inf
from typing import Any

import polars as pl

from sandbox.facts import Facts, Layout
from sandbox.known import GECKOTERMINAL, address
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Endpoint, Venue, json
from sandbox.words import DAY, HOUR, Listing, Market, hour_of

_MOST = 1000
_USUAL = 100
_MOST_TOKENS = 30
_FREE = 180 * DAY
_DEPTH = 250_000.0
_NETWORKS = {"eth": "ethereum", "testnet_made_up": None}
Object = dict[str, Any]


def _error(status: int, title: str) -> Answer:
    """Return an error as JSON:API words it."""
    return json({"errors": [{"status": str(status), "title": title}]}, status)


def _not_found(_: Ask) -> Answer:
    return _error(404, "Not Found")


class GeckoTerminal:
    """GeckoTerminal, over a market's pools."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        return {
            "/api/v2/networks": self._networks,
            "/api/v2/networks/eth/tokens/multi/*": self._tokens,
            "/api/v2/networks/eth/pools/*/ohlcv/hour": self._hours,
        }

    def _networks(self, ask: Ask) -> Answer:
        """Answer a page of the networks: there is one."""
        found = [
            {
                "id": id_,
                "type": "network",
                "attributes": {"name": id_.title(), "coingecko_asset_platform_id": platform},
            }
            for id_, platform in _NETWORKS.items()
        ]
        return json({"data": found if ask.query.get("page", "1") == "1" else []})

    def _tokens(self, ask: Ask) -> Answer:
        """Answer some tokens, each with its pools."""
        wanted = ask.path.rpartition("/")[2].split(",")
        if len(wanted) > _MOST_TOKENS:
            return _error(422, "Exceeded maximum number of addresses")
        known = {address("token", str(each.coin)): each for each in self._listed(ask.now)}
        found = [(token, known[token]) for token in wanted if token in known]
        pools = [pool for token, each in found for pool in _pools(token, each)]
        names = {coin.id: coin.name for coin in self._market.coins}
        tokens = [_token(*each, names.get(str(each[1].coin), each[1].base)) for each in found]
        return json({"data": tokens, "included": pools})

    def _listed(self, now: int) -> list[Listing]:
        """Return the pools that there are."""
        return [x for x in self._market.listings(GECKOTERMINAL) if x.trades_at(now)]

    def _hours(self, ask: Ask) -> Answer:
        """Answer a pool's hours before a time, newest first."""
        candles = self._market.candles(GECKOTERMINAL, _symbol(ask), "1h")
        if candles is None:
            return _not_found(ask)
        end = min(int(ask.query.get("before_timestamp", 10**10)) * 1000, hour_of(ask.now) + HOUR)
        limit = min(int(ask.query.get("limit", _USUAL)), _MOST)
        first = max(end - limit * HOUR, hour_of(ask.now - _FREE))
        held = candles.frame(first, min(end, hour_of(ask.now)))
        if end > hour_of(ask.now):
            held = pl.concat([held, candles.so_far(ask.now)])
        if ask.query.get("include_empty_intervals") == "true":
            held = _filled(held, end)
        return json({"data": {"attributes": {"ohlcv_list": _rows(held)}}, "meta": {}})


def _symbol(ask: Ask) -> str:
    """Return the pool that is asked for, and which of its tokens."""
    network, _, pool, *_ = ask.path.rpartition("/networks/")[2].split("/")
    return f"{network}/{pool}/{ask.query.get('token', 'base')}"


def _filled(held: pl.DataFrame, end: int) -> pl.DataFrame:
    """Return the hours from the first one on, those without a trade flat at the close before."""
    if held.is_empty():
        return held
    first = held["open_time"][0]
    hours = pl.select(open_time=pl.int_range(first, end, HOUR, dtype=pl.Int64))
    whole = hours.join(held, on="open_time", how="left", maintain_order="left")
    close = pl.col("close").fill_null(strategy="forward")
    return whole.with_columns(
        *(pl.col(name).fill_null(close) for name in ("open", "high", "low", "close")),
        pl.col("quote_volume").fill_null(0.0),
    )


def _rows(held: pl.DataFrame) -> list[list[float]]:
    """Return rows of six, newest first, times in seconds, volume in dollars."""
    columns = held.select(
        pl.col("open_time") // 1000,
        "open",
        "high",
        "low",
        "close",
        pl.col("quote_volume").fill_null(0.0),
    )
    return [list(row) for row in reversed(columns.rows())]


def _token(token: str, listing: Listing, name: str) -> Object:
    """Return a token with what it is at CoinGecko, and its best pools."""
    related = [{"id": f"eth_{each}", "type": "pool"} for each in _addresses(listing)]
    return {
        "id": f"eth_{token}",
        "type": "token",
        "attributes": {
            "address": token,
            "name": name,
            "symbol": listing.base,
            "coingecko_coin_id": listing.coin,
        },
        "relationships": {"top_pools": {"data": related}},
    }


def _addresses(listing: Listing) -> tuple[str, str]:
    """Return a token's two pools, the deepest first."""
    return listing.symbol.split("/")[1], address("shallow pool", str(listing.coin))


def _pools(token: str, listing: Listing) -> list[Object]:
    """Return a token's two pools, the shallow one first."""
    shallow_last = zip(_addresses(listing), (_DEPTH, _DEPTH / 10), strict=True)
    return [
        {
            "id": f"eth_{pool}",
            "type": "pool",
            "attributes": {
                "address": pool,
                "name": f"{listing.base} / WETH",
                "reserve_in_usd": str(depth),
                "pool_created_at": "2021-05-05T21:42:11Z",
            },
            "relationships": {
                "base_token": {"data": {"id": f"eth_{token}", "type": "token"}},
                "quote_token": {"data": {"id": f"eth_{address('weth')}", "type": "token"}},
            },
        }
        for pool, depth in reversed([*shallow_last])
    ]


# A page may have the hour of `before_timestamp`, and one more than fit into it: no row is astray.
_ROWS = Layout(
    keys=("data", "attributes", "ohlcv_list"),
    times=(0,),
    volume=None,
    quote=5,
    trades=None,
    window=("", "before_timestamp"),
    exclusive=(False, True),
    unit=1000,
    off=(),
)
FACTS = (
    Facts(
        GECKOTERMINAL,
        candles="/ohlcv/hour",
        hour=("aggregate", "1"),
        symbol=_symbol,
        layout=_ROWS,
    ),
)
LIMITS = {"geckoterminal": Limit(30, patience=inf)}


def venues(market: Market, meters: Meters) -> list[Venue]:
    """Return GeckoTerminal."""
    return [
        Venue(
            source="geckoterminal",
            endpoints=GeckoTerminal(market).endpoints(),
            not_found=_not_found,
            faces={"429": lambda _, __: _error(429, "Too Many Requests")},
            meter=meters["geckoterminal"],
            weigh=lambda _: 1,
        )
    ]
