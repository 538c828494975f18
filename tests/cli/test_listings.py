"""The verb `listings`: where a coin is, as what."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest

from chandlery import store
from chandlery.cli.main import main
from chandlery.model import HOUR
from chandlery.settings import Settings
from chandlery.store.frames.learn_listings import learn_listings

BEGAN = datetime(2024, 2, 28, 7, tzinfo=UTC)
TOKEN, SOLANA = "0x5afe00000000000000000000000000000000c0de", "MadeUp1111111111111111111111pump"
Listings = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verb(
    connection: store.Connection,
    learn: Callable[..., int],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Listings:
    """The verb, of a coin that two sources list, and a third one did."""
    learn(("bitcoin", "BTC"))
    monkeypatch.setenv("CHANDLERY_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")
    for source, end, name, contract in (
        ("okx", BEGAN + 24 * HOUR, None, None),
        ("gate", None, "[red]Bitcoin", None),
        ("mexc", None, "Bitcoin", f"{TOKEN},{SOLANA}"),
    ):
        told = {"start": BEGAN, "end": end, "name": name, "contract": contract}
        row = {"id": "bitcoin", "symbol": f"BTC-{source}", "multiple": 1, "trading": end is None}
        seen = pl.DataFrame([row | told], strict=False).cast({"end": pl.Datetime("us", "UTC")})
        learn_listings(connection, source, seen, BEGAN, seen)

    def one(*words: str) -> tuple[int, str, str]:
        code = main(["listings", *words])
        return (code, *capsys.readouterr())

    return one


def test_each_listing_has_its_venues_words_and_what_is_over_comes_last(verb: Listings) -> None:
    code, said, _ = verb("btc", "--json")
    told = json.loads(said)
    assert (code, told["symbol"], told["coin_id"]) == (0, "BTC", "bitcoin")
    began = BEGAN.isoformat()
    common = {"multiple": 1, "start": began, "end": None}
    assert told["listings"] == [
        {"source": "gate", "symbol": "BTC-gate", "name": "[red]Bitcoin", "contracts": []} | common,
        {"source": "mexc", "symbol": "BTC-mexc", "name": "Bitcoin", "contracts": [TOKEN, SOLANA]}
        | common,
        {"source": "okx", "symbol": "BTC-okx", "name": None, "contracts": []}
        | common
        | {"end": (BEGAN + 24 * HOUR).isoformat()},
    ]


def test_people_see_a_line_a_listing(verb: Listings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, said, _ = verb("bitcoin")
    title, head, gate, mexc, okx = said.splitlines()
    assert (code, title.split(":")[0]) == (0, "BTC (bitcoin)")
    assert head.split() == ["source", "symbol", "from", "to", "name", "contracts"]
    assert gate.split() == ["gate", "BTC-gate", "2024-02-28", "07:00Z", "[red]Bitcoin"]
    assert mexc.rstrip().endswith(f"Bitcoin       {TOKEN}, {SOLANA}")
    assert okx.split()[2:] == ["2024-02-28", "07:00Z", "2024-02-29", "07:00Z"]


def test_a_coin_that_is_not_known_is_one_line(verb: Listings) -> None:
    code, said, error = verb("BTX")
    assert (code, said) == (2, "")
    assert "no coin 'BTX' is known: did you mean BTC?" in error
