"""`chandlery try`: the venue on loopback, in the same process; no database."""

import json
from collections.abc import Callable, Iterator

import pytest

from chandlery.cli.main import main
from chandlery.model import instant
from sandbox import Serving, serving

NOW = "2026-11-22T10:30Z"
Try = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def venues() -> Iterator[Serving]:
    with serving(coins=12, seed=7, now=instant(NOW), limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def attempt(
    venues: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Try:
    monkeypatch.setenv("CHANDLERY_VENUES_URL", venues.url)
    monkeypatch.delenv("COINGECKO_PRO_API_KEY", raising=False)

    def one(*words: str) -> tuple[int, str, str]:
        code = main(["try", *words, "--now", NOW])
        return (code, *capsys.readouterr())

    return one


def test_what_came_is_told_as_one_object(attempt: Try) -> None:
    code, out, _ = attempt("binance_spot", "BTCUSDT", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["source"], told["symbol"], told["hours_behind"]) == ("binance_spot", "BTCUSDT", 0)
    assert told["hours"] == len(told["candles"]) > 20
    assert told["newest"] == "2026-11-22T09:00:00+00:00"


def test_a_venue_that_refuses_is_told_in_its_words(attempt: Try) -> None:
    code, out, said = attempt("binance_spot", "NOPE")
    assert (code, out) == (1, "")
    assert said == "chandlery: binance_spot: -1121 Invalid symbol. (NOPE)\n"


def test_a_venue_without_its_key_says_what_to_set(attempt: Try) -> None:
    code, _, said = attempt("coingecko_pro", "bitcoin")
    assert code == 1
    assert "not configured: set COINGECKO_PRO_API_KEY" in said


def test_a_source_that_nobody_knows_is_bad_use(attempt: Try) -> None:
    code, _, said = attempt("nosuch", "BTCUSDT")
    assert code == 2
    assert "no source nosuch: there are binance_futures, " in said


def test_bulk_files_are_behind_and_say_how_far(attempt: Try) -> None:
    code, out, _ = attempt("binance_spot_archive", "BTCUSDT", "--hours", "96", "--json")
    assert code == 0
    assert json.loads(out)["hours_behind"] == 34
    assert json.loads(attempt("binance_spot_archive", "BTCUSDT", "--json")[1])["newest"] is None
