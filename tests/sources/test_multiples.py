import pytest

from sources.multiples import plain


@pytest.mark.parametrize(
    ("asset", "base", "multiple"),
    [
        ("1000PEPE", "PEPE", 1000),
        ("1000X", "X", 1000),
        ("1000SATS", "SATS", 1000),
        ("10000LADYS", "LADYS", 10_000),
        ("1000000BOB", "BOB", 1_000_000),
        ("1000000MOG", "MOG", 1_000_000),
        ("1MBABYDOGE", "BABYDOGE", 1_000_000),
        ("1000币安", "币安", 1000),
    ],
)
def test_a_leading_multiple_is_taken_off(asset: str, base: str, multiple: int) -> None:
    assert plain(asset) == (base, multiple)


@pytest.mark.parametrize(
    "asset",
    [
        "BTC",
        "1INCH",
        "1INCHUP",
        "1MIL",
        "1MT",
        "1MCT",
        "1000",
        "100X",
        "1M",
        "10000000A",
        "币安",
        "",
    ],
)
def test_a_coin_that_begins_with_a_number_is_left_alone(asset: str) -> None:
    assert plain(asset) == (asset, 1)
