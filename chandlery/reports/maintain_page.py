"""What was done for the database."""

from chandlery.engine.maintenance import MaintenanceResult
from chandlery.reports.markdown import bullets, page, plain, section, table

MB = 2**20


def of_maintenance(title: str, done: MaintenanceResult) -> str:
    """A page about what was lost, compressed, refreshed and removed."""
    packed = done.packed
    rows = [
        ("chunks compressed", f"{packed.chunks:,}"),
        ("chunks in use, left for the next time", f"{packed.left:,}"),
        ("MB before", f"{packed.bytes_before / MB:,.1f}"),
        ("MB after", f"{packed.bytes_after / MB:,.1f}"),
        ("bytes a candle", f"{packed.bytes_after / max(packed.candles, 1):,.1f}"),
        ("days refreshed", f"{done.refreshed_days:,}"),
        *((f"old rows of {name} removed", f"{rows:,}") for name, rows in done.thinned.items()),
        ("seconds", f"{done.seconds:,.1f}"),
    ]
    lost = bullets(plain(sentence) for sentence in done.lost.sentences())
    return page(
        f"# {packed.candles:,} candles compressed",
        f"**{plain(title)}**",
        section("Days that did not agree with their hours", lost),
        table(("what", "how much"), rows, numbers=[1]),
    )
