"""Whatever comes, a reader gives data or says in one of our own words why not."""

from collections.abc import Callable
from contextlib import suppress

import httpx
import orjson
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from chandlery.errors import Malformed, SourceError
from chandlery.model import SCHEMA
from chandlery.venues import CATALOGUE, MARKET_CAPS, load
from sources import coingecko

numbers = st.integers(-(2**70), 2**70) | st.floats() | st.booleans() | st.none()
words = st.text(max_size=8) | st.sampled_from(["1", "1.5", "NaN", "1e999", "-0", "1704067200000"])
scalars = numbers | words
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=13) | st.dictionaries(words, inner, max_size=5),
    max_leaves=30,
)
rows = st.lists(st.lists(scalars, min_size=12, max_size=12), min_size=1, max_size=3)
symbols = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ["symbol", "baseAsset", "quoteAsset", "status", "onboardDate", "deliveryDate"], scalars
    )
    | {"contractType": st.just("PERPETUAL"), "underlyingType": st.just("COIN")},
)
listed = st.builds(lambda found: {"symbols": found}, st.lists(symbols | anything, max_size=3))
fields = ["id", "symbol", "name", "market_cap_rank", "base", "target", "coin_id"]
told = st.fixed_dictionaries({}, optional=dict.fromkeys(fields, scalars))
tickers = st.builds(lambda found: {"tickers": found}, st.lists(told | anything, max_size=3))
stated = st.fixed_dictionaries({"error_code": anything, "error_message": anything})
errors = st.one_of(
    st.fixed_dictionaries({"code": anything, "msg": anything}),
    st.builds(lambda status: {"status": status}, stated | anything),
    st.builds(lambda error: {"error": error}, anything),
)
bodies = st.binary() | (rows | listed | tickers | errors | anything).map(
    lambda value: (
        orjson.dumps(value, default=str, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
        if not _huge(value)
        else str(value).replace("'", '"').encode()
    )
)
statuses = st.sampled_from([200, 200, 200, 204, 301, 400, 401, 403, 418, 429, 451, 500, 599])
headers = st.fixed_dictionaries(
    {},
    optional={
        "retry-after": st.text("0123456789.-eE \t", max_size=12).map(str.strip),
        "date": st.sampled_from(["Sun, 22 Nov 2026 11:00:00 GMT", "0", "", "Sun, 99 Nov 2026"]),
    },
)


def _huge(value: object) -> bool:
    if isinstance(value, int):
        return not -(2**63) <= value < 2**64
    if isinstance(value, dict):
        return any(map(_huge, value.values()))
    return isinstance(value, list) and any(map(_huge, value))


def answers() -> st.SearchStrategy[httpx.Response]:
    request = httpx.Request("GET", "https://venue/api/exchangeInfo")
    return st.builds(
        lambda status, body, named: httpx.Response(
            status, content=body, headers=named, request=request
        ),
        statuses,
        bodies,
        headers,
    )


def frame_or_malformed(
    read: Callable[[httpx.Response], pl.DataFrame], answer: httpx.Response
) -> pl.DataFrame | None:
    with suppress(Malformed):
        return read(answer)
    return None


@given(answers())
def test_candles_are_candles_or_malformed(answer: httpx.Response) -> None:
    for source in load().values():
        frame = frame_or_malformed(source.parse, answer)
        assert frame is None or frame.schema == SCHEMA


@given(answers())
def test_market_caps_are_that_or_malformed(answer: httpx.Response) -> None:
    for read in (source.market_caps for source in load().values() if source.market_caps):
        frame = frame_or_malformed(read, answer)
        assert frame is None or frame.schema == MARKET_CAPS


@given(answers())
def test_a_catalogue_is_a_catalogue_or_malformed(answer: httpx.Response) -> None:
    for catalogue in (source.catalogue for source in load().values() if source.catalogue):
        with suppress(Malformed):
            markets = catalogue.parse(answer)
            assert markets.frame.schema == CATALOGUE
            assert all(odd.words.isprintable() and len(odd.words) < 300 for odd in markets.odd)


@given(answers())
def test_a_verdict_is_one_line_of_ours_or_none(answer: httpx.Response) -> None:
    venues = [source.venue for source in load().values()]
    for venue in [*venues, coingecko.VENUE]:
        error = venue.verdict(answer)
        assert error is None or isinstance(error, SourceError)
        assert str(error).isprintable()
        assert len(str(error)) < 300
        assert answer.is_success or error is not None
        for budget in venue.metering.budgets:
            assert budget.restated is None or (budget.restated(answer) or 1) > 0


@given(answers())
def test_coins_and_tickers_are_that_or_one_of_our_errors(answer: httpx.Response) -> None:
    transport = httpx.MockTransport(lambda _: answer)
    with httpx.Client(transport=transport) as client, suppress(SourceError):
        frame = coingecko.coins(client, 1)
        assert frame.schema == coingecko.COINS
    for derivatives in (True, False):
        with httpx.Client(transport=transport) as client, suppress(SourceError):
            frame = coingecko.tickers(client, "binance", derivatives=derivatives)
            assert frame.schema == coingecko.TICKERS
