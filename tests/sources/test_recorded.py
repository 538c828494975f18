"""Every source against the recordings in `recorded/`, as the expected.toml beside them says."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import polars as pl
import pytest

from chandlery.errors import Malformed, SourceError
from chandlery.model import SCHEMA, Listing
from chandlery.model.frame import RULES, broken
from chandlery.venues import (
    Fetched,
    Source,
    catalogue,
    fetch,
    fetch_many,
    first_candle,
    last_candle,
    load,
    months,
    symbols,
)
from chandlery.venues.pools import networks
from sources import coingecko
from tests.sources.conftest import Connect, Page
from tests.sources.recordings import (
    ALL,
    EXPECTED,
    FOLDER,
    Recording,
    each,
    expected,
    summary,
    without_nulls,
)

COINGECKO: Mapping[str, Callable[[httpx.Client], pl.DataFrame]] = {
    "coins": coingecko.coins,
    "tickers": partial(coingecko.tickers, exchange="binance", derivatives=False),
    "tokens": coingecko.tokens,
    "contracts": partial(coingecko.tickers, exchange="binance_futures", derivatives=True),
}
ANSWERS = ("candles", "markets", "many", "networks", "pools", "number of coins", *COINGECKO)
KINDS = {*ANSWERS, "symbols", "months", "malformed candles", "malformed markets", "refusal"}
SOURCES = load()


def endpoints(source: Source) -> set[str]:
    """The kinds of answer that a source reads."""
    kinds = {
        "markets": source.catalogue,
        "many": source.many,
        "networks": source.pools,
        "pools": source.pools,
        "symbols": source.folders,
        "months": source.folders,
    }
    return {"candles", "refusal"} | {kind for kind, reads in kinds.items() if reads}


def test_each_source_has_a_folder_and_each_folder_a_source() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_no_recording_is_left_out(name: str) -> None:
    folder, tables = FOLDER / name, expected(name)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    following = {file for table in tables.values() for file in table.get("then", ())}
    own = {file for file in {*tables, *following} if not file.startswith("../")}
    assert files - {EXPECTED} == own


@pytest.mark.parametrize("name", SOURCES)
def test_every_endpoint_is_recorded(name: str) -> None:
    kinds = {table["kind"] for table in expected(name).values()}
    assert kinds <= KINDS
    assert kinds >= endpoints(SOURCES[name])


def test_every_kind_of_answer_is_recorded() -> None:
    assert {recording.kind for recording in ALL} == KINDS


@each(*ANSWERS)
def test_an_answer_is_no_refusal(recording: Recording) -> None:
    assert recording.source.venue.verdict(recording.answer()) is None


@each("candles")
def test_a_page_is_read_as_it_was_sent(recording: Recording) -> None:
    request = recording.source.request(recording.listing, recording.window)
    frame = recording.source.parse(recording.answer(request))
    assert frame.schema == SCHEMA
    assert summary(frame) == recording.expected["parsed"]
    assert frame["open_time"].n_unique() == frame.height
    assert not any(broken(frame.sort("open_time"), RULES).sum().row(0))


@each("candles")
def test_a_page_passes_through_fetch(recording: Recording, connect: Connect) -> None:
    with recording.client(connect) as client:
        found = ask(recording, client)
    assert summary(found.frame) == recording.fetched
    assert found.malformed == ()
    assert found.frame["open_time"].is_sorted()


def ask(recording: Recording, client: httpx.Client) -> Fetched:
    now = recording.expected["now"]
    return fetch(client, recording.source, recording.listing, recording.window, now)


@each("candles", having="newest")
def test_the_ends_of_a_history_are_told(recording: Recording, connect: Connect) -> None:
    source, listing, now = recording.source, recording.listing, recording.expected["now"]
    with recording.client(connect) as client:
        oldest = first_candle(client, source, listing, now)
    with recording.client(connect) as client:
        newest = last_candle(client, source, listing, now)
    assert (oldest, newest) == (recording.expected["oldest"], recording.expected["newest"])


@each("malformed candles")
def test_what_is_no_page_of_hours_is_malformed(recording: Recording, connect: Connect) -> None:
    with recording.client(connect) as client, pytest.raises(Malformed, match=starting(recording)):
        ask(recording, client)


def starting(recording: Recording) -> str:
    """A pattern of a message's beginning."""
    return f"^{recording.source.name}: {re.escape(recording.expected['words'])}"


@each("markets")
def test_a_list_gives_its_markets(recording: Recording, connect: Connect) -> None:
    with recording.client(connect) as client:
        found = catalogue(client, recording.source)
    assert rows(found.frame) == recording.expected["rows"]
    assert [odd.symbol for odd in found.odd] == recording.expected.get("odd", [])


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return list(map(without_nulls, frame.iter_rows(named=True)))


@each("malformed markets")
def test_a_list_without_a_market_is_malformed(recording: Recording, connect: Connect) -> None:
    with recording.client(connect) as client, pytest.raises(Malformed, match=starting(recording)):
        catalogue(client, recording.source)


@each("markets", having="budget")
def test_a_list_states_the_budget(recording: Recording, page: Page) -> None:
    source, (budget,) = recording.source, recording.source.venue.metering.budgets
    assert source.catalogue is not None
    assert budget.restated is not None
    lists, pages = source.catalogue.request(None), source.request(recording.listing, page(1))
    assert budget.restated(recording.answer(lists)) == recording.expected["budget"]
    assert budget.restated(recording.answer(pages)) is None


@each("many")
def test_the_newest_hours_of_many_come_at_once(recording: Recording, connect: Connect) -> None:
    source, now = recording.source, recording.expected["now"]
    listings = [
        Listing(n, source.listings, symbol)
        for n, symbol in enumerate(recording.expected["symbols"], start=1)
    ]
    with recording.client(connect) as client:
        found = fetch_many(client, source, listings, recording.window, now)
    hours = {listing.symbol: summary(frame) for listing, frame in found.items()}
    assert hours == recording.expected["fetched"]


@each("networks")
def test_networks_bear_coingeckos_names(recording: Recording, connect: Connect) -> None:
    pools = recording.source.pools
    assert pools is not None
    with recording.client(connect) as client:
        found = networks(client, recording.source, pools)
    assert found == recording.expected["networks"]


@each("pools")
def test_tokens_tell_their_pools(recording: Recording) -> None:
    pools = recording.source.pools
    assert pools is not None
    assert rows(pools.parse(recording.answer())) == recording.expected["rows"]


@each("symbols")
def test_folders_are_the_symbols(recording: Recording, connect: Connect) -> None:
    with recording.client(connect) as client:
        found = symbols(client, recording.source)
    assert found == recording.expected["symbols"]


@each("months")
def test_files_tell_the_months(recording: Recording, connect: Connect) -> None:
    with recording.client(connect) as client:
        found = months(client, recording.source, recording.expected["symbol"])
    assert found == recording.window


@each(*COINGECKO)
def test_a_list_of_coingeckos_is_read(recording: Recording, connect: Connect) -> None:
    with recording.client(connect) as client:
        frame = COINGECKO[recording.kind](client)
    assert rows(frame) == recording.expected["rows"]


@each("number of coins")
def test_the_number_of_coins_is_told(recording: Recording, connect: Connect) -> None:
    with recording.client(connect) as client:
        number = coingecko.number_of_coins(client)
    assert number == recording.expected["number"]


@each("refusal")
def test_a_refusal_is_told_in_the_venues_own_words(recording: Recording) -> None:
    error = recording.source.venue.verdict(recording.answer())
    assert type(error).__name__ == recording.expected["error"]
    assert str(error).startswith(recording.expected["words"])
    after = getattr(error, "after", None)
    assert (after and after.total_seconds()) == recording.expected.get("after")


@each("refusal")
def test_a_refusal_ends_a_fetch(
    recording: Recording, connect: Connect, now: datetime, page: Page
) -> None:
    client = recording.stubborn(connect)
    with pytest.raises(SourceError, match=starting(recording)) as caught:
        fetch(client, recording.source, recording.listing, page(24), now)
    assert type(caught.value).__name__ == recording.expected["error"]
