"""Prices in words."""

from math import inf

import pytest

from chandlery.model import price


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5e-05, "0.00005"),
        (1.23e-12, "0.00000000000123"),
        (256.89999999, "256.9"),
        (0.1 + 0.2, "0.3"),
        (0.0695662, "0.0695662"),
        (61234.56, "61234.56"),
        (2.0, "2"),
        (1e6, "1000000"),
        (0.0, "0"),
        (-1.5, "-1.5"),
        (inf, "Infinity"),
    ],
)
def test_a_price_is_written_as_people_write_it(value: float, words: str) -> None:
    assert price(value) == words
