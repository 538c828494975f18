import pytest

from chandlery.venues.parsing.multiples import plain


@pytest.mark.parametrize(
    ("asset", "base", "multiple"),
    [
        ("1000PEPE", "PEPE", 1000),
        ("1000X", "X", 1000),
        ("1000SATS", "SATS", 1000),
        ("10000LADYS", "LADYS", 10_000),
        ("1000000BOB", "BOB", 1_000_000),
        ("1000000MOG", "MOG", 1_000_000),
        ("10000000AIDOGE", "AIDOGE", 10_000_000),
        ("100SATS", "SATS", 100),
        ("100X", "X", 100),
        ("1000000000000000X", "X", 10**15),
        ("1KRATS", "RATS", 1000),
        ("1MBABYDOGE", "BABYDOGE", 1_000_000),
        ("1MMOG", "MOG", 1_000_000),
        ("1BPEIPEI", "PEIPEI", 10**9),
        ("1TQUBIC", "QUBIC", 10**12),
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
        "1CAT",
        "1SOL",
        "1BCH",
        "1BOX",
        "10SET",
        "100",
        "1001X",
        "200X",
        "100_X",
        "1M",
        "1MAB",
        "币安",
        "",
    ],
)
def test_a_coin_that_begins_with_a_number_is_left_alone(asset: str) -> None:
    assert plain(asset) == (asset, 1)


def test_a_number_that_no_price_needs_is_no_multiple() -> None:
    with pytest.raises(ValueError, match="is not of so many coins"):
        plain("1" + "0" * 40 + "X")
