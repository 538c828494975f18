"""Coins by the score."""

from collections.abc import Callable

import pytest

import store

Learn = Callable[..., int]


@pytest.fixture
def twenty_known(connection: store.Connection, learn: Learn) -> None:
    """Coins 1 to 20 and source 0: what is replaced leaves a trace, which names who is known."""
    learn(*((f"coin-{n}", f"C{n}") for n in range(1, 21)))
    store.source_key(connection, "spot")
