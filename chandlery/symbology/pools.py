"""Which pool stands for a coin that trades at decentralised venues only: the deepest.

    a coin's pools, by depth        held: none    held: eth/0xa/base    held: eth/0xc/base
    eth/0xa/base   $ 90,000
    base/0xb/base  $ 150,000        0xb           0xa: 0xb is not       0xb, from this hour on:
                                                  twice as deep         0xc is not told of

A pool that is left ends with the hour before the new one begins, so that the place where two pools'
prices meet has a date.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import polars as pl

from chandlery import store, venues
from chandlery.engine.context import RunContext
from chandlery.model import whole_hour
from chandlery.symbology.source_list import LISTED, SourceList
from chandlery.venues import CATALOGUE, Pools, Source

DEEPER = 2.0
"""How many times as deep a pool must be for the one that is held to be left."""
MARKETS = pl.Schema({name: CATALOGUE[name] for name in ("symbol", "trading", "end")})


def listed_in_pools(  # noqa: PLR0913, PLR0917  a source, and what is known around it
    context: RunContext,
    source: Source,
    pools: Pools,
    coins: pl.DataFrame,
    traded: Collection[str],
    now: datetime,
) -> SourceList:
    """The pool of each of these coins (id, rank) that is ranked and not `traded` at a venue."""
    held = {each.id: each.symbol for each in context.database.do(store.open_pairs, source.name)}
    wanted = coins.filter(pl.col("rank").is_not_null() & ~pl.col("id").is_in([*traded]))
    tokens = venues.ranking().tokens(context.client)
    found = venues.pools_of(
        context.client, source, pools, tokens.join(wanted.select("id"), on="id", how="semi")
    )
    chosen = _chosen(found, held)
    hour = whole_hour(now)
    listed = pl.DataFrame(
        [
            (id_, symbol, 1, hour if held.get(id_, symbol) != symbol else start, None, start, *told)
            for id_, symbol, start, *told in chosen.iter_rows()
        ],
        schema=LISTED,
        orient="row",
    )
    now_held = dict(chosen.select("id", "symbol").iter_rows())
    return SourceList(listed, _markets(held, now_held, traded, hour))


def _chosen(found: pl.DataFrame, held: Mapping[str, str]) -> pl.DataFrame:
    """One pool a coin of POOLS: the one that is held, unless another is far deeper."""
    kept = pl.DataFrame([*held.items()], schema={"id": pl.String, "kept": pl.String}, orient="row")
    times = pl.when(pl.col("symbol") == pl.col("kept")).then(DEEPER).otherwise(1)
    weighed = found.join(kept, on="id", how="left").with_columns(weight=pl.col("depth") * times)
    best = weighed.sort("weight", "symbol", descending=[True, False])
    first = best.unique("id", keep="first", maintain_order=True)
    return first.select("id", "symbol", "start", "name", "contract")


def _markets(
    held: Mapping[str, str], chosen: Mapping[str, str], traded: Collection[str], hour: datetime
) -> pl.DataFrame:
    """What the source has (MARKETS); a pool that was left, or is no longer needed, ends now."""
    left = {
        symbol for id_, symbol in held.items() if id_ in traded or chosen.get(id_, symbol) != symbol
    }
    symbols = sorted({*held.values(), *chosen.values()})
    rows = [(each, each not in left, hour if each in left else None) for each in symbols]
    return pl.DataFrame(rows, schema=MARKETS, orient="row")
