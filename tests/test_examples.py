"""The worked examples in docstrings are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["chandlery.rate_limit.account", "chandlery.venues.transport"])
def test_a_worked_example_says_what_comes_out(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted
    assert not done.failed
