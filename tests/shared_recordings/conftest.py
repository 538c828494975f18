"""Large recordings beside the checkout, in ../shared: tests of them skip where these are not.

What they prove of whole lists and histories is proved of small ones in tests/sources, everywhere.
"""

from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.sources.conftest import clock, connect

__all__ = ["clock", "connect"]

MISSING = "needs the large recordings in ../shared, which are not here"


def folder(name: str) -> Path:
    if not (SHARED / name).is_dir():
        pytest.skip(MISSING)
    return SHARED / name


@pytest.fixture
def recorded() -> Path:
    """Answers of the venues' APIs."""
    return folder("recorded")


@pytest.fixture
def archive() -> Path:
    """Files of Binance's archive."""
    return folder("market/archive/data.binance.vision")
