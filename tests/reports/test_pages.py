"""The pages of runs: what is in them, and that nothing from outside breaks them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from markdown_it import MarkdownIt

from chandlery import store
from chandlery.engine.maintenance import MaintenanceResult
from chandlery.engine.result import RunResult
from chandlery.model import HOUR, Coin
from chandlery.quality.check import assess
from chandlery.quality.completeness import Survey
from chandlery.reports import of_coins, of_collection, of_maintenance, of_quality, of_shards
from chandlery.reports.collection_page import least_complete
from chandlery.symbology.learn import Universe

T0 = datetime(2024, 2, 28, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")
EVIL = "<script>x</script> | [a](https://evil.example)\n# BTC"


def html(page: str) -> str:
    """As Prefect's UI has it, by and large."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    reader.validateLink = lambda _: True  # type: ignore[method-assign]
    return str(reader.render(page))


def survey(present: int = 5, reasons: Mapping[str, Mapping[str, int]] | None = None) -> Survey:
    held = pl.DataFrame(
        [("bitcoin", "BTC", T0, 24, present)],
        schema={
            "id": pl.String(),
            "symbol": pl.String(),
            "at": TIME,
            "expected": pl.Int64(),
            "present": pl.Int64(),
        },
        orient="row",
    )
    shares = pl.DataFrame({"at": [T0], "source": ["okx"], "hours": [present]})
    return Survey("day", held, shares.with_columns(pl.col("at").cast(TIME)), reasons or {})


def result(**more: Any) -> RunResult:
    coins = [Coin(key, f"C{key}", f"c{key}", f"Coin {key}", key) for key in range(1, 41)]
    made = RunResult(coins=coins, pages=7, seconds=2.0, **more)
    made.wrote("okx", [1, 2], 500)
    return made


def test_failures_of_one_kind_are_one_line_in_the_venues_words() -> None:
    failed = {f"C{key}": "403 go away" for key in range(1, 36)} | {"C40": "418 banned"}
    page = of_collection("backfill 40 coins", result(failed=failed), survey())
    shown = html(page)
    assert "<h1>500 candles</h1>\n<p><strong>backfill 40 coins</strong></p>" in shown
    assert "“403 go away”" in shown
    assert "C30 and 5 more" in shown
    assert shown.count("go away") == 1
    assert "<li><strong>35 coins</strong>: “403 go away” C1, C2, " in shown  # a cell is cut off
    assert '<td style="text-align:right">250</td>' in shown  # candles a second


@pytest.mark.parametrize(
    "more",
    [
        {"failed": {"C1": EVIL}},
        {"failed": {EVIL: "403"}},
        {"off": {"okx": EVIL}},
        {"skipped": {"okx": EVIL}},
        {"findings": [EVIL]},
        {"unlisted": [EVIL]},
    ],
    ids=lambda more: next(iter(more)),
)
def test_nothing_from_outside_is_markup(more: dict[str, Any]) -> None:
    shown = html(of_collection(EVIL, result(**more), survey()))
    assert "<script" not in shown
    assert "href" not in shown
    assert shown.count("<h1>") == 1


def test_what_is_complete_is_said_and_what_is_not_is_shown() -> None:
    assert "Every hour is there, of each coin that lived then: 1." in of_collection(
        "x", result(), survey(24)
    )
    lacking = of_collection("x", result(), survey(5, {"no trades": {"gaps": 1, "hours": 19}}))
    assert "![Coins by day](data:image/svg+xml;base64," in lacking
    assert "![Missing hours by reason](data:" in lacking
    assert html(lacking).count("<img") == 3


def test_a_run_that_was_stopped_says_so_and_what_it_did() -> None:
    shown = html(of_collection("backfill", result(), stopped="cancelled; what was written stays"))
    assert "<p>cancelled; what was written stays</p>" in shown
    assert "<td>okx</td>" in shown
    assert "<img" not in shown


def test_of_many_coins_the_least_complete_are_named_in_their_order() -> None:
    many = survey().held.clear()
    for key in range(100):
        many = many.vstack(
            survey(20 + key % 5).held.with_columns(id=pl.lit(f"c{key}"), symbol=pl.lit(f"C{key}"))
        )
    found = least_complete(many)["symbol"].to_list()
    assert found == [f"C{key}" for key in range(100) if key % 5 < 3]
    shown = of_collection("x", result(), replace(survey(), held=many))
    assert "The 60 least complete coins of 100." in shown


def test_coins_and_upkeep_have_pages_too() -> None:
    shown = html(
        of_coins("sync", Universe(3, listings={"okx": 2}, unmapped=4, failures={"bybit": EVIL}))
    )
    assert "<script" not in shown
    assert "4 coins are known by a venue's word only" in shown
    shared = Universe(3, shared_contracts={"0xab": f"mexc A is a, kucoin {EVIL} is b"})
    shown = html(of_coins("sync", shared))
    assert "Under one contract" in shown
    assert "0xab" in shown
    assert "<script" not in shown
    packed = store.Packed(chunks=3, left=1, candles=1000, bytes_before=2**22, bytes_after=2**20)
    shown = html(of_maintenance("maintain", MaintenanceResult(12, packed, 1.5)))
    assert '<td style="text-align:right">1,048.6</td>' in shown  # bytes a candle


def test_shards_are_told_beside_each_other_and_one_that_died_too() -> None:
    told = {
        "1/2": {"total_symbols": 20, "failed": 1, "total_records": 5000, "failures": {"A": EVIL}},
        "2/2": {},
    }
    shown = html(of_shards("backfill", {"1/2": "Partial", "2/2": "Crashed"}, told))
    assert "<td>2/2</td>\n<td>Crashed</td>" in shown
    assert '<td style="text-align:right">5,000</td>' in shown
    assert "<script" not in shown


def test_the_quality_page_tells_what_is_new_and_what_lacks(
    connection: store.Connection, frame: Any, learn: Any
) -> None:
    learn(("btc", "BTC"), ("eth", "ETH"), ("new", "NEW"))
    spot = store.source_key(connection, "binance_spot")
    whole = [*range(240)]
    holed = [*range(100), *range(110, 240)]
    store.write(connection, {1: frame(whole), 2: frame(holed)}, spot)
    assess(connection, T0 + 200 * HOUR)
    report = assess(connection, T0 + 240 * HOUR)
    page = of_quality(report)
    shown = html(page)
    assert "<h1>97.91 % complete</h1>" in shown
    assert "All 2 coins that are listed have their newest hour" in shown
    assert '<td>ETH</td>\n<td style="text-align:right">10</td>' in shown
    assert "<td>BTC</td>" not in shown
    assert "![Hours missing, day by day](data:" in page
    assert "![Coins by month](data:" in page
    assert "![Candles by source](data:" in page
    late = of_quality(assess(connection, T0 + 243 * HOUR))
    assert "2 of 2 coins that are listed lack their newest hour" in late


def test_without_a_candle_there_is_a_page_all_the_same(connection: store.Connection) -> None:
    assert of_quality(assess(connection, T0)).startswith("# No candles yet")


def test_outages_and_failing_venues_are_told(
    connection: store.Connection, frame: Any, learn: Any
) -> None:
    learn(("btc", "BTC"))
    spot = store.source_key(connection, "binance_spot")
    store.write(connection, {1: frame(range(48))}, spot)
    words = "418 banned <b>"
    store.note_health(connection, spot, answered_at=None, failed_at=T0, words=words)
    connection.execute(
        "insert into outage (source, starts_at, ends_at, coins) values (%s, %s, %s, 7)",
        (spot, T0 + 5 * HOUR, T0 + 9 * HOUR),
    )
    shown = html(of_quality(assess(connection, T0 + 48 * HOUR)))
    assert "“418 banned &lt;b&gt;”" in shown
    assert "binance_spot had no candle of any of 7 coins from 2024-02-28 05:00Z, 4 hours" in shown
