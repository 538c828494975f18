"""What was done for the database."""

from collect import Upkeep
from reports.markdown import page, plain, table

MB = 2**20


def of_upkeep(title: str, done: Upkeep) -> str:
    """A page about what was compressed and refreshed."""
    packed = done.packed
    rows = [
        ("chunks compressed", f"{packed.chunks:,}"),
        ("chunks in use, left for the next time", f"{packed.left:,}"),
        ("hourly candles", f"{packed.candles:,}"),
        ("MB before", f"{packed.bytes_before / MB:,.1f}"),
        ("MB after", f"{packed.bytes_after / MB:,.1f}"),
        ("bytes a candle", f"{packed.bytes_after / max(packed.candles, 1):,.1f}"),
        ("days refreshed", f"{done.refreshed_days:,}"),
        ("seconds", f"{done.seconds:,.1f}"),
    ]
    return page(f"# {plain(title)}", table(("", ""), rows, numbers=[1]))
