"""Coins by the score, and by the handful."""

from collections.abc import Callable

import polars as pl
import pytest

from chandlery import store
from tests.store.looking import STEADY

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]


@pytest.fixture
def twenty_known(connection: store.Connection, learn: Learn) -> None:
    """Coins 1 to 20 and source 0: what is replaced leaves a trace, which names who is known."""
    learn(*((f"coin-{n}", f"C{n}") for n in range(1, 21)))
    store.source_key(connection, "spot")


@pytest.fixture
def spot(connection: store.Connection, learn: Learn) -> int:
    """A source, and five coins that are there to be its candles' owners."""
    learn(*((name, name.upper()) for name in "abcde"))
    return store.source_key(connection, "spot")


@pytest.fixture
def others(connection: store.Connection, spot: int, frame: Frame) -> None:
    """A coin that the source has all hours of: what it lacks of the others is no outage."""
    store.write(connection, {5: frame(range(400), **STEADY)}, spot)
