"""Waiting for what must come true: how long it takes is the machine's, and no test's, business."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from chandlery.local.processes import until

Found = TypeVar("Found")
PATIENCE = 900.0  # seconds: what takes longer hangs, however busy the machine is


def wait(look: Callable[[], Found | None], what: str | Callable[[], str]) -> Found:
    """What `look` finds in the end; the test fails, and says what was waited for, else."""
    found = until(look, PATIENCE)
    if found is None:
        pytest.fail(f"not within {PATIENCE:.0f} s: {what if isinstance(what, str) else what()}")
    return found
