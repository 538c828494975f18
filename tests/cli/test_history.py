"""`chandlery history`: what an hour was before, for people and as one object."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from chandlery import store
from chandlery.cli.main import main
from chandlery.engine.context import open_client
from chandlery.model import HOUR, SCHEMA, Coin, Listing, Window
from chandlery.settings import Settings
from chandlery.venues import fetch, load
from sandbox import Serving, serving

History = Callable[..., tuple[int, str, str]]
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=1, seconds=5)


@pytest.fixture(scope="module")
def venues() -> Iterator[Serving]:
    with serving(coins=12, seed=7, now=NOW, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def btc(connection: store.Connection) -> Coin:
    seen = {"id": ["bitcoin", "odd"], "ticker": ["BTC", "[b]"], "name": ["", ""], "rank": [1, 2]}
    store.learn_coins(connection, pl.DataFrame(seen), NOW)
    return store.find(connection, ["BTC"])[0]


@pytest.fixture
def history(
    btc: Coin,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> History:
    """The verb, on a database that knows two coins."""
    assert btc.symbol == "BTC"
    monkeypatch.setenv("CHANDLERY_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")

    def one(*words: str) -> tuple[int, str, str]:
        code = main(["history", *words, "--now", NOW.isoformat()])
        return (code, *capsys.readouterr())

    return one


def candle(close: float, volume: float | None = 10.0) -> pl.DataFrame:
    row = (NINE, 2.0, 4.0, 1.0, close, volume, None, None, None, None)
    return pl.DataFrame([row], schema=SCHEMA, orient="row")


def test_a_wrong_candle_that_is_restated_is_told_with_both_values(
    connection: store.Connection, btc: Coin, settings: Settings, venues: Serving, history: History
) -> None:
    source = load()["binance_spot"]
    key = store.source_key(connection, source.name)
    asked = settings.model_copy(update={"venues_url": venues.url})
    listing = Listing(btc.key, source.name, "BTCUSDT")
    window = Window(NINE - 5 * HOUR, NINE + HOUR)

    def collect(now: datetime) -> int:
        with open_client(asked) as client:
            frame = fetch(client, source, listing, window, now).frame
        return store.write(connection, {btc.key: frame}, key, now=now)

    venues.fault("wrong", source=source.name, symbol="BTCUSDT", start=NINE.isoformat(), by=1.5)
    assert collect(NOW) == 6
    venues.clear()
    assert [collect(LATER), collect(LATER)] == [1, 0]

    code, out, _ = history("BTC", "2026-11-22T09:00Z", "--json")
    told = json.loads(out)
    assert (code, out.count("\n")) == (0, 1)
    assert list(told) == [
        "symbol",
        "coin_id",
        "open_time",
        "current",
        "before",
        "asked",
        "imported",
    ]
    assert told["open_time"] == "2026-11-22T09:00:00+00:00"
    (wrong,) = told["before"]
    assert (wrong["source"], wrong["replaced_at"]) == (source.name, LATER.isoformat())
    for name in ("open", "high", "low", "close", "volume"):
        assert wrong[name] == pytest.approx(told["current"][name] * 1.5, rel=1e-3)

    code, out, _ = history("bitcoin", "2026-11-22T14:00+05:00")
    title, _, now, before = out.splitlines()
    assert code == 0
    assert title == ("BTC (bitcoin) 2026-11-22 09:00Z: replaced once, last at 2026-11-23 10:30Z")
    assert now.split()[:2] == ["now", source.name]
    assert now.split()[-2].startswith("-33.3")
    assert before.split()[:3] == ["2026-11-23", "10:30Z", source.name]


def test_a_volume_that_is_not_known_and_a_candle_that_is_gone_are_told(
    connection: store.Connection, btc: Coin, history: History
) -> None:
    gecko, spot = (store.source_key(connection, name) for name in ("gecko", "[spot]"))
    store.write(connection, {btc.key: candle(3.0, None)}, gecko)
    store.write(connection, {btc.key: candle(3.0)}, spot, now=NOW)
    _, out, _ = history("btc", "2026-11-22T09:00Z")
    now, before = (" ".join(line.split()) for line in out.splitlines()[2:])
    assert now == "now [spot] 2.0 4.0 1.0 3.0 10.0 +0.0000 %"
    assert before == "2026-11-22 10:30Z gecko 2.0 4.0 1.0 3.0 unknown"

    connection.execute("delete from candle_1h")
    _, out, _ = history("btc", "2026-11-22T09:00Z")
    assert out.splitlines()[0].endswith("10:30Z, and is gone now")
    told = json.loads(history("btc", "2026-11-22T09:00Z", "--json")[1])
    assert (told["current"], len(told["before"])) == (None, 1)


def test_an_hour_with_nothing_is_no_mistake(history: History) -> None:
    told = history("[b]", "2026-11-22")
    assert told == (0, "[b] (odd) 2026-11-22 00:00Z: no candle, now or before\n", "")
    told = json.loads(history("odd", "2026-11-22", "--json")[1])
    assert (told["symbol"], told["current"], told["before"]) == ("[b]", None, [])


WRONG = [
    (("BTX", "2026-11-22"), "no coin 'BTX' is known: did you mean BTC?"),
    (("BTC", "2026-11-22T09:30Z"), "is not a whole one: write '2026-11-22 09:00Z'"),
    (("BTC", "2026-11-22T10:00Z"), "has not closed: the newest is 2026-11-22 09:00Z"),
    (("BTC", "2026-11-22T09:00"), "has no time zone: write 2026-11-22T09:00Z"),
    (("BTC", "nine"), "hour 'nine' is not a time"),
    (("BTC",), "Missing argument 'HOUR'"),
]


def test_a_mistake_is_one_line_and_exit_2(history: History) -> None:
    for words, says in WRONG:
        code, out, said = history(*words)
        assert (code, out, said.count("\n")) == (2, "", 1)
        assert says in said
