"""What `import chandlery` gives: frames for a notebook, and mistakes in a line."""

import subprocess
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest

import chandlery
from chandlery import api, store
from chandlery.errors import ChandleryError
from chandlery.model import HOUR
from chandlery.settings import Settings
from tests.conftest import T0, Frame, Learn

DAY = 24
LATER = T0 + 2 * DAY * HOUR


@pytest.fixture
def at_home(
    settings: Settings,
    connection: store.Connection,
    learn: Learn,
    frame: Frame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two days of BTC that lack 10:00 and 11:00, and a day of ETH, in the database in force."""
    learn(("bitcoin", "BTC"), ("ethereum", "ETH"))
    source = store.source_key(connection, "binance_spot")
    hours = [hour for hour in range(2 * DAY) if hour not in {10, 11}]
    store.write(connection, {1: frame(hours), 2: frame(range(DAY), close=2.5)}, source)
    store.refresh(connection)
    monkeypatch.setenv("CHANDLERY_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")


def test_it_exports_what_is_documented() -> None:
    assert sorted(chandlery.__all__) == ["closes", "coins", "gaps", "read", "universe"]
    assert {*chandlery.__all__} <= {*dir(chandlery)}
    for name in chandlery.__all__:
        assert getattr(chandlery, name).__module__ == "chandlery.api"
        assert getattr(chandlery, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'candles'"):
        _ = chandlery.candles


def test_the_import_alone_loads_nothing_heavy() -> None:
    heavy = "{'polars', 'psycopg', 'httpx', 'prefect', 'pyarrow'}"
    code = f"import sys, chandlery; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.usefixtures("at_home")
def test_candles_of_one_coin_and_of_several() -> None:
    frame = chandlery.read("btc")
    assert frame.schema == api.CANDLES
    assert frame.height == 2 * DAY - 2
    assert frame.row(0) == (
        *("BTC", T0, 2.0, 4.0, 1.0, 3.0, 10.0, "binance_spot"),
        *(20.0, 2.0, None, None, 1),
    )
    both = chandlery.read(["ETH", "bitcoin"], "4h", start=T0, end=date(2024, 2, 29))
    assert both.group_by("symbol", maintain_order=True).len().rows() == [("BTC", 6), ("ETH", 6)]
    assert both["hours"].to_list() == [4, 4, 2, 4, 4, 4] + 6 * [4]
    window = chandlery.read("ETH", start="2024-02-28T05:00Z", end=T0 + 7 * HOUR)
    assert window["timestamp"].to_list() == [T0 + 5 * HOUR, T0 + 6 * HOUR]


@pytest.mark.usefixtures("at_home")
def test_closes_lie_side_by_side() -> None:
    wide = chandlery.closes(["BTC", "ETH"], "1d")
    assert wide.rows() == [(T0, 3.0, 2.5), (T0 + DAY * HOUR, 3.0, None)]
    assert wide.columns == ["timestamp", "BTC", "ETH"]
    assert chandlery.closes("BTC", start="2030-01-01").schema == {
        "timestamp": pl.Datetime("us", "UTC")
    }


@pytest.mark.usefixtures("at_home")
def test_adjusted_prices_are_asked_for_by_name(connection: store.Connection) -> None:
    (coin,) = store.find(connection, ["BTC"])
    store.confirm_adjustment(connection, coin, T0 + HOUR, 0.5, LATER)
    adjusted = chandlery.read("BTC", adjusted=True)
    assert adjusted.schema == api.CANDLES
    assert adjusted["close"].to_list()[:2] == [1.5, 3.0]
    assert adjusted["volume"].to_list()[:2] == [20.0, 10.0]
    assert chandlery.closes("BTC", "1h", adjusted=True)["BTC"][0] == 1.5
    assert chandlery.read("BTC")["close"][0] == 3.0


@pytest.mark.usefixtures("at_home")
def test_gaps_and_coins() -> None:
    lacks = chandlery.gaps("BTC", end=LATER)
    assert lacks.schema == api.GAPS
    assert lacks.rows() == [("BTC", T0 + 10 * HOUR, T0 + 12 * HOUR, 2, "not tried")]
    assert chandlery.coins()["id"].to_list() == ["bitcoin", "ethereum"]


@pytest.mark.usefixtures("at_home")
def test_the_universe_of_a_day() -> None:
    assert chandlery.universe(T0)["symbol"].to_list() == ["BTC", "ETH"]
    assert chandlery.universe("2024-03-05", top=1)["symbol"].to_list() == ["BTC"]
    before = chandlery.universe(date(2024, 2, 1))
    assert (before.height, before.schema) == (0, api.UNIVERSE)
    traded = chandlery.universe("2024-03-01", ranked_by="volume_30d")
    assert traded.select("symbol", "volume_30d", "basis").rows() == [
        ("BTC", 46 * 20.0, "volume_30d"),
        ("ETH", 24 * 20.0, "volume_30d"),
    ]


@pytest.mark.usefixtures("at_home")
def test_another_database_for_one_call(connection: store.Connection) -> None:
    assert chandlery.coins(database=connection.info.dsn).height == 2
    with pytest.raises(ChandleryError, match="cannot reach the database"):
        chandlery.coins(database="postgresql://me:secret@127.0.0.1:1/none")


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: chandlery.read("BTX"), "no coin 'BTX' is known: did you mean BTC"),
        (
            lambda: chandlery.read("BTC", "2h"),
            "timeframe '2h' is not kept: write 1h, 4h, 1d, 1w,",
        ),
        (lambda: chandlery.read("BTC", start="noon"), "start 'noon' is not a time"),
        (lambda: chandlery.read("BTC", start=datetime(2024, 1, 1)), "has no time zone"),  # noqa: DTZ001
        (lambda: chandlery.read("BTC", start=T0, end=T0), "is not before end"),
        (lambda: chandlery.universe("2024-01-01", top=0), "top 0 is out of range"),
        (
            lambda: chandlery.universe("2024-01-01", ranked_by="volume"),
            "coins are not ranked by 'volume': write market_cap, volume_30d",
        ),
        (lambda: chandlery.universe(datetime(1960, 1, 1, tzinfo=UTC)), "out of range"),
    ],
)
def test_a_mistake_is_a_line(call: object, says: str) -> None:
    with pytest.raises(ChandleryError) as caught:
        call()  # type: ignore[operator]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
