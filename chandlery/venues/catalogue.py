"""What a source lists: its symbols, and what it tells of the coins behind them."""

import logging

import httpx
import polars as pl

from chandlery.errors import Malformed, SourceError
from chandlery.model import one_line
from chandlery.venues.fetch import paged
from chandlery.venues.source import (
    CATALOGUE,
    Assets,
    Markets,
    OddEntry,
    Source,
    is_nameable,
    nameable,
)
from chandlery.venues.verdicts import said_by

log = logging.getLogger(__name__)


def catalogue(client: httpx.Client, source: Source) -> Markets:
    """What `source` lists, as CATALOGUE, and what of its list is odd; nothing where it has no list.

    Malformed where it has one without a single entry that can be taken.
    """
    if source.catalogue is None:
        return Markets(CATALOGUE.to_frame())
    known = source.catalogue
    with said_by(source.name, "catalogue"):
        told = list(paged(client, source.venue, known.request, known.parse))
        found = _nameable(
            Markets(
                pl.concat(each.frame for each in told).match_to_schema(CATALOGUE),
                tuple(odd for each in told for odd in each.odd),
            )
        )
        if found.frame.is_empty():
            words = f": {found.odd[0].words}" if found.odd else " is empty"
            raise Malformed(f"its list of symbols{words}")
    if known.assets is None:
        return found
    return Markets(_with_assets(client, source, known.assets, found.frame), found.odd)


def _with_assets(
    client: httpx.Client, source: Source, assets: Assets, markets: pl.DataFrame
) -> pl.DataFrame:
    """Markets with the names and contracts that a second list has; a list that fails costs those.

    They are told by log alone: what trades is known, and the next day asks again.
    """
    try:
        with said_by(source.name, "names"):
            told = pl.concat(paged(client, source.venue, assets.request, assets.parse))
    except SourceError as error:
        log.warning("names and contracts are not learnt: %s", error)
        return markets
    named = markets.drop("name", "contract").join(
        told.unique("asset", keep="first"), on="asset", how="left", maintain_order="left"
    )
    return named.select(CATALOGUE.names())


def _nameable(told: Markets) -> Markets:
    """Markets without those whose names nobody could print, ask for or store: these are odd."""
    names = ("symbol", "asset", "base", "quote")
    held = told.frame.select(nameable(*names)).to_series()
    odd = [
        OddEntry(row[0] if is_nameable(row[0]) else None, one_line(f"its names are {row}"))
        for row in told.frame.filter(~held).select(names).iter_rows()
    ]
    return Markets(told.frame.filter(held), (*told.odd, *odd))
