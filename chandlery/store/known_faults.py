"""Versions of TimescaleDB with a fault that candles would meet, as its own releases tell them."""

from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong with which versions, where that is told, and the version that mends it."""

    versions: tuple[str, ...]
    what: str
    thread: str
    mended: str


FAULTS = (
    Fault(
        ("2.22.0",),
        "a refresh may leave days out of 4h and 1d, and crash",
        "timescale/timescaledb#8621",
        "2.22.1",
    ),
    Fault(
        ("2.26.0", "2.26.1"),
        "a query whose bound is no constant may leave chunks out",
        "timescale/timescaledb#9392",
        "2.26.2",
    ),
    Fault(
        ("2.27.0", "2.27.1"),
        "grouping compressed candles may be wrong, or crash",
        "timescale/timescaledb#9902",
        "2.27.2",
    ),
    Fault(
        ("2.28.0", "2.28.1", "2.28.2"),
        "a delete may take more compressed candles than it names",
        "timescale/timescaledb#10254",
        "2.28.3",
    ),
)


def known_fault(version: str) -> str | None:
    """What to say of this version of TimescaleDB; None where nothing is known against it."""
    for fault in FAULTS:
        if version in fault.versions:
            return (
                f"TimescaleDB {version} has a known fault: {fault.what} ({fault.thread});"
                f" {fault.mended} mends it: upgrade the server"
            )
    return None
