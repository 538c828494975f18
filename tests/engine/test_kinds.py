"""What is a coin that trades, and what is a claim on a stock or a fund."""

import pytest

from chandlery.symbology.kinds import is_crypto, why_left_out


def taken(id_: str, *include: str) -> bool:
    return is_crypto(id_, include)


@pytest.mark.parametrize(
    "id_", ["bitcoin", "tether-gold", "pax-gold", "kinesis-silver", "perth-mint-gold-token"]
)
def test_coins_and_tokens_on_metals_are_taken(id_: str) -> None:
    assert taken(id_)


@pytest.mark.parametrize(
    "id_", ["apple-xstock", "tesla-ondo-tokenized-stock", "silver-tokenized-stock-defichain"]
)
def test_claims_on_stocks_and_funds_are_left_out_and_can_be_taken_in(id_: str) -> None:
    assert not taken(id_)
    assert why_left_out(id_) == "stock or fund"
    assert taken(id_, id_)
    assert taken(id_, "nothing", f"{id_[:3]}*")
    assert not taken(id_, id_[:3], f"*{id_[:3]}")


def test_signs_of_regular_expressions_are_taken_as_they_are() -> None:
    assert not taken("apple-xstock", ".*", "[a-z-]+", "apple.xstock")
