from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox import Serving, serving

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the recordings are not there: {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def replayed(shared: Path) -> Iterator[Serving]:
    now = datetime(2026, 4, 30, 3, 30, tzinfo=UTC)
    with serving(market=shared / "market", now=now, limits=False) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def made_up() -> Iterator[Serving]:
    now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    with serving(coins=60, seed=7, now=now, limits=False) as sandbox:
        yield sandbox
