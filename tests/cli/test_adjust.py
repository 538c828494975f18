"""`chandlery adjust`: a person's decision, and a line for each mistake."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from chandlery import store
from chandlery.cli.main import main
from chandlery.settings import Settings

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
Adjust = Callable[..., tuple[int, str, str]]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
NOW = T0 + timedelta(days=90)
FIRST, SECOND = "2024-03-05 06:00Z", "2024-03-20 00:00Z"
AT_FIRST, AT_SECOND = "2024-03-05T06:00", "2024-03-20T00:00"


@pytest.fixture
def adjust(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Adjust:
    """Run the verb on the test's database."""
    monkeypatch.setenv("CHANDLERY_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")

    def once(*words: str) -> tuple[int, str, str]:
        code = main(["adjust", *words, "--now", NOW.isoformat()])
        return (code, *capsys.readouterr())

    return once


@pytest.fixture
def twice(connection: store.Connection, learn: Learn, frame: Frame) -> None:
    """A coin that was redenominated two times, and one that never was."""
    learn(("binaryx", "BNX"), ("bitcoin", "BTC"))
    source = store.source_key(connection, "spot")
    for hours, price in ((range(48), 200.0), (range(150, 400), 2.0), (range(504, 700), 0.2)):
        flat = dict.fromkeys(("open", "high", "low", "close"), price)
        store.write(connection, {1: frame(hours, quote_volume=10 * price, **flat)}, source)
    store.write(connection, {2: frame(range(700))}, source)
    store.refresh(connection)
    store.look_for(connection, [1, 2], NOW)


def told(adjust: Adjust, *words: str) -> list[tuple[object, ...]]:
    code, out, _ = adjust(*words, "--json")
    assert code == 0
    found = json.loads(out)["adjustments"]
    return [(it["symbol"], it["open_time"][:16], it["factor"], it["confirmed_at"]) for it in found]


@pytest.mark.usefixtures("twice")
def test_what_is_proposed_is_listed_confirmed_and_taken_back(
    adjust: Adjust, connection: store.Connection
) -> None:
    proposed = [("BNX", AT_FIRST, 0.01, None), ("BNX", AT_SECOND, 0.1, None)]
    assert told(adjust) == proposed == told(adjust, "BNX")
    assert told(adjust, "BTC") == []
    _, out, _ = adjust()
    assert "proposed" in out
    assert connection.execute("select count(*) from adjustment").fetchone() == (0,)

    now = NOW.isoformat()
    assert told(adjust, "BNX", FIRST, "--confirm") == [("BNX", AT_FIRST, 0.01, now)]
    assert told(adjust, "bnx", "--confirm")[1] == ("BNX", AT_SECOND, 0.1, now)  # the other one
    again = told(adjust, "BNX", SECOND, "--confirm", "--factor", "0.125")
    assert again == [("BNX", AT_SECOND, 0.125, now)]
    assert told(adjust, "BNX", FIRST, "--take-back") == [proposed[0]]
    assert told(adjust, "BNX", "--take-back") == proposed
    own = told(adjust, "BTC", "2024-03-01", "--confirm", "--factor", "4")
    assert own == [("BTC", "2024-03-01T00:00", 4.0, now)]


@pytest.mark.usefixtures("twice")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--confirm"], "no coin is named: write chandlery adjust COIN --confirm"),
        (["--take-back"], "no coin is named: write chandlery adjust COIN --take-back"),
        (["BNX", "--factor", "0.01"], "--factor is for --confirm: write both"),
        (["BNX", FIRST, "--confirm", "--factor", "0"], "factor 0 is none: write what prices"),
        (["BNX", FIRST, "--confirm", "--factor", "1"], "factor 1 is none"),
        (["BNX", FIRST, "--confirm", "--factor", "nan"], "factor nan is none"),
        (["BNX", FIRST, "--confirm", "--factor", "1e13"], "factor 1e+13 is none"),
        (["BNX", "--confirm"], f"BNX has 2 proposed: give MOMENT, of '{FIRST}', '{SECOND}'"),
        (["BNX", "--take-back"], "nothing is confirmed for BNX: `chandlery adjust` lists"),
        (["BNX", FIRST, "--take-back"], f"nothing is confirmed for BNX at {FIRST}: "),
        (["BTC", "--confirm"], "nothing is proposed for BTC: give MOMENT and --factor"),
        (["BTC", FIRST, "--confirm"], "nothing tells by how much BTC changed then: give --factor"),
        (["BNX", "2024-03-05T06:30Z"], "moment '2024-03-05T06:30Z' is not a whole hour: write"),
        (["BNX", "2099-03-05"], "moment 2099-03-05 00:00Z is in the future"),
        (["BNX", "noon"], "moment 'noon' is not a time"),
        (["BNY"], "no coin 'BNY' is known: did you mean BNX"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_line(adjust: Adjust, words: list[str], says: str) -> None:
    code, out, err = adjust(*words)
    assert (code, out) == (2, "")
    assert err.startswith(f"chandlery: {says}")
    assert err.count("\n") == 1


def test_where_there_is_nothing_the_way_to_it_is_told(adjust: Adjust, learn: Learn) -> None:
    learn(("bitcoin", "BTC"))
    code, out, _ = adjust()
    assert (code, out.strip()) == (
        0,
        "nothing is proposed or confirmed: `chandlery quality` looks for it",
    )
