"""GeckoTerminal: what is asked, and whole pages of the sandbox's pools."""

from datetime import UTC, datetime, timedelta

import httpx
import polars as pl
import pytest

from chandlery.model import HOUR, Listing, Window
from chandlery.venues import client, fetch, load, pools_of
from chandlery.venues.source import TOKENS
from sandbox import serving
from sandbox.known import address, pool
from tests.sources.conftest import Connect

SOURCE = load()["geckoterminal"]
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
TWIN = "ethereum-made-up-twin"


def asked(symbol: str, hours: int) -> httpx.URL:
    page = Window(NOW.replace(minute=0) - hours * HOUR, NOW.replace(minute=0))
    return SOURCE.request(Listing(1, SOURCE.name, symbol), page).url


@pytest.mark.parametrize(("hours", "limit"), [(1, "2"), (24, "25"), (999, "1000")])
def test_a_page_asks_for_an_hour_more_before_its_end(hours: int, limit: str) -> None:
    url = asked("polygon_pos/0xb/quote", hours)
    assert url.path == "/api/v2/networks/polygon_pos/pools/0xb/ohlcv/hour"
    assert dict(url.params) == {
        "aggregate": "1",
        "before_timestamp": str(int(NOW.replace(minute=0).timestamp())),
        "limit": limit,
        "currency": "usd",
        "token": "quote",
        "include_empty_intervals": "true",
    }


def test_the_longest_page_is_what_comes_in_one_answer() -> None:
    assert SOURCE.page_hours + 1 == 1000


def test_what_is_no_pool_is_asked_for_all_the_same() -> None:
    assert asked("BTCUSDT", 1).path == "/api/v2/networks/BTCUSDT/pools//ohlcv/hour"


def test_addresses_go_thirty_to_a_request_and_platforms_by_the_sources_names(
    connect: Connect,
) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path.removeprefix("/api/v2"))
        networks = [
            {"id": "eth", "attributes": {"coingecko_asset_platform_id": "ethereum"}},
            {"id": "polygon_pos", "attributes": {"coingecko_asset_platform_id": "polygon-pos"}},
        ]
        first = request.url.params.get("page") == "1"
        data = networks if first else []
        return httpx.Response(200, json={"data": data, "included": []})

    rows = [(f"c{n}", "ethereum", f"0x{n:02}") for n in range(31)]
    rows += [("c1", "polygon-pos", "0xp"), ("c2", "nowhere", "0xn")]
    tokens = pl.DataFrame(rows, schema=TOKENS, orient="row")
    assert SOURCE.pools is not None
    assert pools_of(connect(answer), SOURCE, SOURCE.pools, tokens).is_empty()
    assert [path.count(",") for path in seen] == [0, 0, 29, 0, 0]
    assert seen[3:] == ["/networks/eth/tokens/multi/0x30", "/networks/polygon_pos/tokens/multi/0xp"]


def test_the_sandboxs_pools_are_found_and_their_hours_whole_across_pages() -> None:
    with serving(coins=13, seed=7, now=NOW, limits=False) as sandbox, client(sandbox.url) as web:
        assert SOURCE.pools is not None
        row = (TWIN, "ethereum", address("token", TWIN))
        found = pools_of(web, SOURCE, SOURCE.pools, pl.DataFrame([row], TOKENS, orient="row"))
        assert found.sort("depth", descending=True)["symbol"][0] == pool(TWIN)
        listing = Listing(1, SOURCE.name, pool(TWIN))
        end = NOW.replace(minute=0)
        life = Window(end - timedelta(days=170), end)
        pages = [fetch(web, SOURCE, listing, page, NOW) for page in life.tiles(SOURCE.page_hours)]
    assert all(page.malformed == () for page in pages)
    whole = pl.concat(page.frame for page in pages)
    assert whole["open_time"].to_list() == [life.start + n * HOUR for n in range(life.hours)]
    assert whole["volume"].null_count() == whole.height
    still = whole.filter(pl.col("quote_volume") == 0)
    assert still.filter(pl.col("open") != pl.col("close")).is_empty()
