"""Names and contracts, as far as venues tell them; none of it is worth a listing."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from chandlery.errors import Malformed
from chandlery.venues import Source, catalogue, client, load
from chandlery.venues.parsing.assets import MOST, Fields, assets, contract, described
from sandbox import Serving, serving
from tests.engine.replay import coin, hours, lay, listed
from tests.sources.conftest import Connect
from tests.sources.recordings import ALL, Recording
from tests.sources.test_any_bytes import answers, frame_or_malformed, given

SOURCES = load()
ASKED = {
    "bitget": "https://api.bitget.com/api/v2/spot/public/coins",
    "coinbase": "https://api.exchange.coinbase.com/currencies",
    "kucoin": "https://api.kucoin.com/api/v3/currencies",
}
MIXED = "0x5AFE00000000000000000000000000000000c0de"
ABC = "0x814df0c853550c78bfb4cccb885fa42a3283eab5"
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
# Whether a venue tells names and contracts, and how it spells a symbol against dollars.
TELLS = {
    "mexc": (True, True, "{}USDT"),
    "gate": (True, False, "{}_USDT"),
    "kucoin": (True, True, "{}-USDT"),
    "bitget": (False, True, "{}USDT"),
    "coinbase": (True, True, "{}-USD"),
    "okx": (False, False, "{}-USDT"),
}
SOLANA = "MadeUp11111111111111111111111111111111pump"


def told_elsewhere() -> Iterator[Source]:
    return (each for each in SOURCES.values() if each.catalogue and each.catalogue.assets)


def test_hexadecimal_addresses_are_one_in_any_case_and_others_are_not() -> None:
    assert contract([MIXED, MIXED.lower(), SOLANA]) == f"{MIXED.lower()},{SOLANA}"
    assert contract([SOLANA, SOLANA.lower()]) == f"{SOLANA},{SOLANA.lower()}"


@pytest.mark.parametrize(
    "told", [None, "", " ", 5, {}, "0x" + "0" * 40, "0x" + "Ee" * 20, "0xa,0xb", "a b", "\x1b[2J"]
)
def test_what_is_no_address_is_none(told: object) -> None:
    assert contract([told]) is None
    assert contract([told, SOLANA]) == SOLANA


def test_no_entry_has_more_addresses_than_a_line_can_hold() -> None:
    told = contract(f"0x{n:040x}" for n in range(1, 500))
    assert told is not None
    assert told.count(",") == MOST - 1


@pytest.mark.parametrize("networks", [None, "", 5, {}, [None, 5, []]])
def test_networks_that_cannot_be_read_tell_no_contract(networks: object) -> None:
    fields = Fields(name="n", contract="c", networks="chains")
    assert described({"n": " Made Up ", "c": SOLANA, "chains": networks}, fields) == (
        "Made Up",
        None,
    )


@pytest.mark.parametrize("name", [None, "", " ", 5, "two\nlines", "x" * 201])
def test_a_name_that_fits_no_line_is_none(name: object) -> None:
    assert described({"n": name}, Fields(name="n")) == (None, None)


def test_what_is_no_list_of_assets_is_malformed() -> None:
    with pytest.raises(Malformed, match="its list of assets: not a list but dict"):
        assets({}, asset="id", fields=Fields())


def test_each_list_of_assets_is_asked_for_once() -> None:
    asked = {}
    for source in told_elsewhere():
        assert source.catalogue is not None
        assert source.catalogue.assets is not None
        request = source.catalogue.assets.request(None)
        asked[source.name] = request and str(request.url)
        assert source.catalogue.assets.request(httpx.Response(200)) is None
    assert asked == ASKED


@given(answers())
def test_assets_are_that_or_malformed(answer: httpx.Response) -> None:
    for source in told_elsewhere():
        assert source.catalogue is not None
        assert source.catalogue.assets is not None
        frame = frame_or_malformed(source.catalogue.assets.parse, answer)
        assert frame is None or frame.columns == ["asset", "name", "contract"]


@pytest.mark.parametrize("status", [200, 400, 403, 500])
@pytest.mark.parametrize(
    "recording",
    [each for each in ALL if each.kind == "markets" and each.source.name in ASKED],
    ids=repr,
)
def test_a_list_of_assets_that_fails_costs_names_alone(
    recording: Recording, status: int, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    source = recording.source

    def serve(request: httpx.Request) -> httpx.Response:
        if str(request.url) == ASKED[source.name]:
            return httpx.Response(status, text="<html>Not today</html>")
        return recording.answer(request)

    with caplog.at_level(logging.WARNING):
        found = catalogue(connect(serve), source).frame
    assert found["symbol"].to_list() == [row["symbol"] for row in recording.expected["rows"]]
    assert found["name"].null_count() == found["contract"].null_count() == found.height
    assert f"names and contracts are not learnt: {source.name}: " in caplog.text


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A coin of its own network and a token, at every venue that is asked below."""
    folder, start = tmp_path_factory.mktemp("market"), datetime(2026, 11, 20, tzinfo=UTC)
    for name, (_, _, spelled) in TELLS.items():
        for ticker in ("BTC", "ABC"):
            lay(folder, name, spelled.format(ticker), hours(start, NOW, 2.0))
    told = [
        coin(
            id_,
            ticker.lower(),
            rank,
            *(listed(name, each[2].format(ticker)) for name, each in TELLS.items()),
        )
        for rank, (ticker, id_) in enumerate({"BTC": "bitcoin", "ABC": "made-up"}.items(), start=1)
    ]
    (folder / "coins.json").write_text(json.dumps(told))
    with serving(market=folder, now=NOW, limits=False) as served:
        yield served


@pytest.mark.parametrize("name", TELLS)
def test_what_a_venue_tells_of_a_coin_and_of_a_token(sandbox: Serving, name: str) -> None:
    names, contracts, _ = TELLS[name]
    with client(sandbox.url) as connected:
        found = catalogue(connected, SOURCES[name]).frame
    told = {asset: what for asset, *what in found.select("asset", "name", "contract").iter_rows()}
    assert told["BTC"] == ["bitcoin" if names else None, None]
    assert told["ABC"] == ["made-up" if names else None, ABC if contracts else None]
