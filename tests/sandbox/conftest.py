from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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


Rude = Callable[..., Serving]


@pytest.fixture
def rude() -> Iterator[Rude]:
    """Start sandboxes that play these kinds whenever they can, in a period of 20 days."""
    with ExitStack() as stack:

        def start(*kinds: str, rate: float = 1.0, coins: int = 12, **more: Any) -> Serving:
            period = {"start": "2026-11-15", "end": "2026-12-05"}
            odd = {"rate": rate, "kinds": kinds or None, **period, **more}
            now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
            return stack.enter_context(serving(coins=coins, seed=7, now=now, limits=False, odd=odd))

        yield start


@pytest.fixture(scope="session")
def clean() -> Iterator[Serving]:
    """The same sandbox without anything odd."""
    now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    with serving(coins=12, seed=7, now=now, limits=False) as sandbox:
        yield sandbox
