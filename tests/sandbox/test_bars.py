import polars as pl
import pytest

from sandbox.bars import bought
from sandbox.words import Digits

BARS = pl.DataFrame(
    {
        "open": [10.0, 12.0, 11.0, 10.0, 10.0],
        "high": [12.0, 12.0, 12.0, 10.0, 10.0],
        "low": [10.0, 10.0, 10.0, 10.0, 10.0],
        "close": [12.0, 10.0, 11.5, 10.0, 10.0],
        "volume": [100.0, 100.0, 100.0, 100.0, 0.0],
        "quote_volume": [1100.0, 1100.0, 1100.0, None, 0.0],
    }
)


def test_takers_bought_more_of_what_rose_and_half_of_what_stood_still() -> None:
    made = bought(BARS, Digits(price=2, volume=0, quote=1))
    (base, base_digits), (quote, quote_digits) = made.values()
    assert (base_digits, quote_digits) == (0, 1)
    assert base.to_list() == pytest.approx([70, 30, 55, 50, 0])
    assert quote.to_list() == pytest.approx([770, 330, 605, 0, 0])
