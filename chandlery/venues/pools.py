"""Which pools a source has of the coins whose tokens' addresses are known."""

from collections.abc import Iterator, Mapping, Sequence

import httpx
import polars as pl

from chandlery.venues.fetch import paged, send
from chandlery.venues.source import POOLS, Pools, Source
from chandlery.venues.verdicts import said_by


def networks(client: httpx.Client, source: Source, pools: Pools) -> Mapping[str, str]:
    """The source's own name of each network, by CoinGecko's name of the platform."""
    with said_by(source.name, "networks"):
        pages = paged(client, source.venue, pools.networks, pools.platforms)
        return {platform: name for page in pages for platform, name in page.items()}


def pools_of(
    client: httpx.Client, source: Source, pools: Pools, tokens: pl.DataFrame
) -> pl.DataFrame:
    """The pools (POOLS) of these tokens (TOKENS), as many a request as the source takes.

    A pool that it names another coin's is left out. Platforms that it does not know are passed
    over.
    """
    known = networks(client, source, pools)
    found = [
        _asked(client, source, pools.request(network, addresses), pools)
        for network, addresses in _requests(tokens, known, pools.most)
    ]
    named = pl.concat([POOLS.to_frame(), *found])
    return named.filter(pl.col("id").is_in(tokens["id"].implode()))


def _asked(
    client: httpx.Client, source: Source, request: httpx.Request, pools: Pools
) -> pl.DataFrame:
    with said_by(source.name, "pools"):
        return pools.parse(send(client, source.venue, request))


def _requests(
    tokens: pl.DataFrame, networks: Mapping[str, str], most: int
) -> Iterator[tuple[str, Sequence[str]]]:
    """Each network with some of its tokens' addresses."""
    for platform, name in sorted(networks.items()):
        addresses = tokens.filter(pl.col("platform") == platform)["address"].unique().sort()
        for first in range(0, len(addresses), most):
            yield name, addresses[first : first + most].to_list()
