"""What the parts of a backfill did, each a run of its own with a page of its own."""

from collections.abc import Mapping
from typing import cast

from chandlery.reports.collection_page import failures
from chandlery.reports.markdown import page, plain, section, table

COLUMNS = {
    "total_symbols": "coins",
    "failed": "failed",
    "total_records": "candles",
    "pages": "requests",
    "seconds": "seconds",
}


def of_shards(
    title: str, states: Mapping[str, str], told: Mapping[str, Mapping[str, object]]
) -> str:
    """A page about shards (as 2/4): the states they ended in, and their statistics.

    One that did not live to tell has none.
    """
    rows = [
        (shard, plain(state), *(_number(told[shard].get(name)) for name in COLUMNS))
        for shard, state in states.items()
    ]
    failed: dict[str, str] = {}
    for statistics in told.values():
        failed |= cast("Mapping[str, str]", statistics.get("failures", {}))
    numbers = range(2, 2 + len(COLUMNS))
    return page(
        f"# {sum(map(_candles, told.values())):,} candles",
        f"**{plain(title)}**",
        table(("shard", "state", *COLUMNS.values()), rows, numbers),
        section("Failed", failures(failed)),
    )


def _candles(statistics: Mapping[str, object]) -> int:
    return cast("int", statistics.get("total_records", 0))


def _number(value: object) -> str:
    return "" if value is None else f"{cast('float', value):,}"
