"""Every SQL of the Grafana board, run as Grafana runs it against the embedded database."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from time import monotonic, time
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.conninfo import make_conninfo

from chandlery import embedded, store
from chandlery.engine.context import open_context
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR
from chandlery.quality.check import assess
from chandlery.rate_limit.gate import Timepiece
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import load
from sandbox import serving

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "compose/grafana"
BOARD = json.loads((GRAFANA / "boards/candles.json").read_text("utf-8"))
PANELS = {each["id"]: each for each in BOARD["panels"] if each["type"] != "row"}
VARIABLES = BOARD["templating"]["list"]
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
START = datetime(2026, 9, 1, tzinfo=UTC)
TROUBLE = """
delete from candle_1h using coin
where coin = coin.key and symbol = 'BTC' and open_time >= '2026-10-01Z' and open_time < '2026-10-01 05:00Z';
insert into absence
select key, 0, '2026-10-01Z', '2026-10-01 05:00Z', 'hole', null, '2026-11-22Z', '2026-11-22Z', 1, null
from coin where symbol = 'BTC';
insert into outage values (0, '2026-10-01Z', '2026-10-01 05:00Z', 2);
insert into finding select 'jump', key, '2026-10-02Z', 'It''s odd.', '2026-11-22Z' from coin where symbol = 'BTC';
"""  # noqa: E501  SQL
CHOSEN = {"coin": "BTC", "timeframe": "4h"}


def rendered(sql: str, chosen: dict[str, str]) -> str:
    """What Grafana makes of a query: its macros of PostgreSQL and its variables.

    As its documentation has them: times are ISO 8601 in quotes, `:sqlstring` quotes as SQL does.
    """
    start, end = (f"'{at:%Y-%m-%dT%H:%M:%SZ}'" for at in (START, NOW))
    sql = re.sub(r"\$__timeFilter\(([^)]*)\)", rf"\1 BETWEEN {start} AND {end}", sql)
    sql = sql.replace("$__timeFrom()", start).replace("$__timeTo()", end)
    sql = sql.replace("$__interval", "1d")
    for name, value in chosen.items():
        quoted = value.replace("'", "''")
        sql = sql.replace(f"${{{name}:sqlstring}}", f"'{quoted}'")
    assert "$" not in sql, sql
    return sql


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve weeks of sandbox candles, checked; and one of each thing that can go wrong."""
    settings = Settings(DATABASE_URL=None, CHANDLERY_HOME=tmp_path_factory.mktemp("board"))
    slept = [0.0]
    clock = Timepiece(
        monotonic=lambda: monotonic() + slept[0],
        wall=lambda: time() + slept[0],
        sleep=lambda seconds: slept.__setitem__(0, slept[0] + seconds),
    )
    with serving(coins=12, seed=7, now=NOW, limits=False) as venues:
        asked = settings.model_copy(update={"venues_url": venues.url})
        with open_context(asked, timepiece=clock) as context:
            learn(context, NOW)
            asking = {"sources": ("binance_futures", "binance_spot"), "now": NOW}
            run(context, run_spec(known_sources=load(), start="2026-09-01", **asking))
            store.note_spent(context.connection, "coingecko", NOW, 4711)
            assess(context.connection, now=NOW)
            context.connection.execute(TROUBLE)
            store.make_roles(context.connection)
            store.share(context.connection)
            store.refresh(context.connection)
    return settings.home


@pytest.fixture
def grafana(home: Path) -> Iterator[store.Connection]:
    """A connection of the reader's as of the sandbox's now, in a transaction that cannot write."""
    reading = make_conninfo(embedded.ensure(home), options="-c role=postgres_reader")
    settings = Settings(DATABASE_URL=reading, CHANDLERY_HOME=home)
    with store.connect(settings) as connection, connection.transaction():
        connection.execute("set transaction read only")
        connection.execute("select set_config('chandlery.now', %s, true)", (NOW.isoformat(),))
        yield connection


def asked(
    connection: store.Connection, sql: str, chosen: dict[str, str] | None = None
) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """The types by column, and the rows."""
    cursor = connection.execute(rendered(sql, chosen or CHOSEN).encode())
    described = cursor.description or []
    types = {each.name: psycopg.adapters.types[each.type_code].name for each in described}
    return types, cursor.fetchall()


def queries(panel: dict[str, Any]) -> list[dict[str, Any]]:
    return [target for target in panel["targets"] if "rawSql" in target]


@pytest.mark.parametrize("key", PANELS, ids=lambda key: PANELS[key]["title"])
def test_a_panel_shows_what_is_there(grafana: store.Connection, key: int) -> None:
    panel = PANELS[key]
    for target in queries(panel):
        types, rows = asked(grafana, target["rawSql"])
        assert rows, "nothing to show"
        assert any(value is not None for value in rows[0])
        if target["format"] == "time_series":
            # Long: a time, a word that names the series, a number.
            assert types["time"] == "timestamptz"
            assert types["metric"] == "text"
            number = (types.keys() - {"time", "metric"}).pop()
            assert types[number] in {"int8", "float8", "numeric"}
            times = [row[list(types).index("time")] for row in rows]
            assert times == sorted(times)
        for each in panel["fieldConfig"]["overrides"]:
            name = each["matcher"]["options"]
            assert name in types, f"no column {name}"
            if {"id": "unit", "value": "dateTimeAsIso"} in each["properties"]:
                assert types[name] == "timestamptz"
        if named := panel["options"].get("reduceOptions", {}).get("fields"):
            assert named.strip("/^$") in types


def test_the_numbers_are_those_that_the_database_tells(grafana: store.Connection) -> None:
    def one(title: str) -> Any:
        panel = next(each for each in PANELS.values() if each["title"] == title)
        return asked(grafana, panel["targets"][0]["rawSql"])[1]

    assert one("Newest hour") == [(datetime(2026, 11, 22, 9, tzinfo=UTC),)]
    assert one("Behind") == [(1800,)]
    assert one("Open findings") == [(1,)]
    assert one("Findings by kind") == [("jump", 1)]
    held, gone = one("Complete coins")[0][0], one("Incomplete coins")[0][0]
    coins = grafana.execute("select count(distinct coin) from candle_1d").fetchone()
    assert (held + gone,) == coins
    gaps = dict(one("Missing hours by reason"))
    assert gaps["outage at the venue"] == 5
    assert one("Requests of the month") == [("coingecko", datetime(2026, 11, 1, tzinfo=UTC), 4711)]
    shown = {(at.month, coin): float(share) for at, coin, share in one("Coverage by month")}
    assert shown[(9, "ETH")] == 100
    assert shown[(10, "BTC")] == pytest.approx(100 * (744 - 5) / 744)
    assert shown[(11, "ETH")] == 100  # of a month that is not over, the hours that are
    rows = one("$coin, $timeframe")
    assert len(rows) == (NOW - START) // (4 * HOUR) - 1  # those of the gap make one bar less
    assert rows[0][0] == START


@pytest.mark.parametrize("name", ["O'NEIL", "'; drop table coin; --"])
def test_a_symbol_with_a_quote_breaks_no_panel(grafana: store.Connection, name: str) -> None:
    for panel in PANELS.values():
        for target in queries(panel):
            rows = asked(grafana, target["rawSql"], CHOSEN | {"coin": name})[1]
            assert rows or "${coin" in target["rawSql"]


def test_a_variable_offers_what_there_is(grafana: store.Connection) -> None:
    coin, timeframe = VARIABLES
    assert [coin["name"], timeframe["name"]] == list(CHOSEN)
    types, rows = asked(grafana, coin["query"])
    assert types == {"symbol": "text"}
    assert rows[0] == ("BTC",)
    assert len(rows) > 5
    assert timeframe["query"] == "1h,4h,1d,1w,1M"
    for panel in PANELS.values():
        for target in queries(panel):
            # Anything but :sqlstring would let a quote through.
            found = re.findall(r"\$\{?(?!__)(\w+)[^}\s]*\}?", target["rawSql"])
            assert len(found) == target["rawSql"].count(":sqlstring}")


def test_the_board_is_in_shape() -> None:
    everything = BOARD["panels"]
    assert len({each["id"] for each in everything}) == len(everything)
    uid = yaml.safe_load((GRAFANA / "provisioning/datasources/chandlery.yaml").read_text("utf-8"))[
        "datasources"
    ][0]["uid"]
    for each in PANELS.values():
        assert each["title"], each["id"]
        assert each["description"].endswith("."), each["title"]
        assert each["fieldConfig"]["defaults"]["unit"], each["title"]
        used = {each["datasource"]["uid"], *(one["datasource"]["uid"] for one in each["targets"])}
        assert used == {uid}, each["title"]
    assert {each["datasource"]["uid"] for each in VARIABLES if each["type"] == "query"} == {uid}


def test_no_panel_lies_on_another() -> None:
    for one, other in combinations([each["gridPos"] for each in BOARD["panels"]], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    assert all(each["gridPos"]["x"] + each["gridPos"]["w"] <= 24 for each in BOARD["panels"])
