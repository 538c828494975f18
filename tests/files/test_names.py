"""No two coins share a file, on any disk."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chandlery.files.names import file_name, folder_value, is_plain
from chandlery.model import Coin
from tests.files.conftest import COINS


def named(symbol: str, id_: str = "some-coin") -> str:
    return file_name(Coin(1, id_, symbol, symbol))


@pytest.mark.parametrize(
    "symbol", ["BTC", "1INCH", "币安人生", "420", "wrapped-bitcoin", "usd-coin-2"]
)
def test_a_plain_symbol_is_its_file_s_name(symbol: str) -> None:
    assert named(symbol) == folder_value(symbol) == symbol


@pytest.mark.parametrize(
    ("symbol", "begins"),
    [
        ("A/B", "AB-"),
        ("..", "coin-"),
        (".", "coin-"),
        ("bitcoin", "bitcoin-"),
        ("ſ", "s-"),  # noqa: RUF001
        ("X_Y", "XY-"),
        ("A" * 41, "A" * 20 + "-"),
        ("x-1a2b3c4d", "x1a2b3c4d-"),
        ("../../etc/passwd", "etcpasswd-"),
        ("A\u0301", "Á-"),
    ],
)
def test_another_has_its_letters_and_a_digest_of_its_coin(symbol: str, begins: str) -> None:
    name = named(symbol)
    assert name.startswith(begins)
    assert len(name) == len(begins) + 8
    assert name != named(symbol, "another-coin")
    assert "/" not in folder_value(symbol)


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def test_no_two_of_these_coins_have_one_name_on_any_disk() -> None:
    assert len({folded(file_name(coin)) for coin in COINS}) == len(COINS)
    assert len({folded(folder_value(coin.symbol)) for coin in COINS}) == len(COINS)


@given(st.text(min_size=1), st.text(min_size=1))
def test_nor_have_any_two(one: str, other: str) -> None:
    if one == other:
        return
    assert folded(named(one, one)) != folded(named(other, other))
    assert folded(folder_value(one)) != folded(folder_value(other))
    assert is_plain(one) or named(one) != one
