"""What strangers call their coins: rows of the fault table, from CoinGecko to every screen.

Anybody can make a coin and give it a name. All of these are learnt in one answer, and everything
that shows a coin is asked for once.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from markdown_it import MarkdownIt

from chandlery import store
from chandlery.cli.main import main
from chandlery.engine.run import fill_gaps
from chandlery.model import Window, instant, one_line
from chandlery.quality.check import check
from chandlery.quality.completeness import survey
from chandlery.reports import of_collection, of_quality
from chandlery.symbology.learn import learn
from sandbox.front import whole
from sources.coingecko import LONGEST_TICKER
from tests.fault_table import Happened
from tests.faults.conftest import Place

BOARD = Path(__file__).resolve().parents[2] / "compose/grafana/boards/candles.json"
NOW = ("--now", "2026-11-22T10:30Z")
DAYS = Window(instant("2026-11-20"), instant("2026-11-22"))
NAMES: Mapping[str, str] = {
    "bitcoin": "\x1b[2J\x1b]0;pwned\x07\x1b]52;c;cHduZWQ=\x07ESCAPED\x9b31m",
    "ethereum": "[/RED][BOLD]RICH[/BOLD][LINK=HTTPS://EVIL.EXAMPLE]",
    "ripple": "**MD** ![X](HTTPS://EVIL.EXAMPLE/P.PNG) [C](HTTPS://EVIL.EXAMPLE)\n\n# HEAD | |",
    "binancecoin": "<SCRIPT>ALERT(1)</SCRIPT><IMG SRC=X ONERROR=ALERT(1)>",
    "solana": "'; DROP TABLE COIN; -- \" \\' ${coin:raw} %S {0}",
    "pepe": "\u202eCTB\u2066\u200bRTL\ufeff",
    "shiba-inu": "L" * 10_240,
    "monero": "N\0U\0L\r\nLINES\u2028\u2029",
}
"""By coin id, in capitals: so tickers are kept."""


@dataclass(frozen=True)
class Shown:
    """What everybody sees of these coins."""

    terminal: Mapping[str, str]  # by verb
    table: list[list[str]]
    pages: str
    panels: Mapping[str, int]  # rows of Grafana's candles, by coin id
    coins: int


def renamed(name: str, answer: httpx.Response) -> Iterator[bytes]:
    body = answer.json()
    if name == "coingecko" and answer.request.url.path.endswith("/coins/markets"):
        for coin in body:
            given = NAMES.get(coin["id"])
            coin.update({} if given is None else {"symbol": given, "name": given})
        hostile = {**body[0], "symbol": "x", "name": "x"}
        body += [{**hostile, "id": name} for name in ("a\0b", "\x1b[2J", "x" * 10_240, "a\nb")]
    yield whole(answer, json.dumps(body).encode())


def say(*words: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    assert code in {0, 1}, err.getvalue()
    assert "Traceback" not in err.getvalue()
    return out.getvalue() + err.getvalue()


@pytest.fixture(scope="module")
def shown(opened: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Everything that shows a coin, once."""
    opened.empty()
    opened.front.spoil, opened.front.everything = renamed, True
    with opened.context() as context:
        assert learn(context, _now()).failures == {}
    opened.mend()
    file = tmp_path_factory.mktemp("shown") / "candles.csv"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHANDLERY_HOME", str(opened.settings.home))
        environment.setenv("CHANDLERY_VENUES_URL", opened.front.url)
        environment.setenv("CHANDLERY_SOURCES", "binance_futures")
        environment.setenv("DATABASE_URL", "")
        terminal = {"hourly": say("hourly", "--hours", "30", *NOW)}
        opened.venues.fault("403")
        terminal["failed"] = say("hourly", "--hours", "40", *NOW)
        opened.mend()
        terminal["failed as json"] = json.dumps(json.loads(say("status", "--json", *NOW)))
        with store.connect(opened.settings) as connection:
            connection.execute("delete from candle_1h where open_time = '2026-11-22 03:00Z'")
        for verb in ("status", "gaps", "quality"):
            terminal[verb] = say(verb, *NOW)
        for coin in NAMES:
            terminal[f"history {coin}"] = say("history", coin, "2026-11-22T08:00Z", *NOW)
        say("export", "--to", str(file))
    yield Shown(terminal, _table(file), _pages(opened), *_database(opened))
    opened.empty()
    with opened.context() as context:
        learn(context, _now())


def _now() -> datetime:
    return instant(NOW[1])


def _table(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as read:
        return list(csv.reader(read))


def _pages(place: Place) -> str:
    """A run's page and the quality page, as a browser has them."""
    place.venues.fault("403")
    ask = {"symbols": None, "start": None, "end": None, "hours": 45, "do": fill_gaps}
    result = place.collect("binance_futures", **ask)
    place.mend()
    with store.connect(place.settings) as connection:
        seen = survey(connection, result.coins, _now(), DAYS)
    report = check(place.settings, _now())
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    reader.validateLink = lambda _: True  # type: ignore[method-assign]
    title = f"hourly {','.join(NAMES.values())}"
    return "".join(map(reader.render, (of_collection(title, result, seen), of_quality(report))))


def _database(place: Place) -> tuple[dict[str, int], int]:
    """How many rows the board's candle panel has of each coin, as Grafana asks; and all coins."""
    board = json.loads(BOARD.read_text("utf-8"))
    targets = [target for panel in board["panels"] for target in panel.get("targets", ())]
    (sql,) = (each["rawSql"] for each in targets if "${coin" in each.get("rawSql", ""))
    variable = next(each for each in board["templating"]["list"] if each["name"] == "coin")
    rows = {}
    with store.connect(place.settings) as connection:
        offered = [symbol for (symbol,) in connection.execute(variable["query"].encode())]
        for coin in store.find(connection, list(NAMES)):
            assert coin.symbol in offered
            found = connection.execute(_rendered(sql, coin.symbol).encode()).fetchall()
            rows[coin.id] = len(found)
        return rows, len(store.find(connection))


def _rendered(sql: str, coin: str) -> str:
    """As Grafana does: macros, and variables in quotes as SQL has them."""
    span = "'2026-11-20T00:00:00Z' AND '2026-11-23T00:00:00Z'"
    asked = re.sub(r"\$__timeFilter\(([^)]*)\)", rf"\1 BETWEEN {span}", sql)
    asked = asked.replace("${timeframe:sqlstring}", "'1h'")
    return asked.replace("${coin:sqlstring}", "'{}'".format(coin.replace("'", "''")))


@pytest.mark.parametrize(
    "coin",
    [
        pytest.param(
            coin,
            marks=pytest.mark.fault("people", f"a coin with {what} for its ticker and name", must),
            id=what,
        )
        for coin, what, must in (
            ("bitcoin", "a terminal's escape sequences", "no control sign on any screen"),
            ("ethereum", "rich's markup", "shown as it is, no style, no traceback"),
            ("ripple", "Markdown: a picture, a link, a heading", "shown as it is in pages"),
            ("binancecoin", "HTML with a script", "text in pages"),
            (
                "solana",
                "SQL, and Grafana's variables",
                "nothing executed; the board finds the coin",
            ),
            ("pepe", "marks that turn the reading direction", "left out"),
            ("shiba-inu", "10 kB", f"cut to {LONGEST_TICKER} signs"),
            ("monero", "NUL, and ends of lines", "left out: PostgreSQL cannot keep NUL"),
        )
    ],
)
def test_a_coins_name(shown: Shown, coin: str, happened: Happened) -> None:
    name = one_line(NAMES[coin], LONGEST_TICKER - 1).upper()
    for verb, text in shown.terminal.items():
        assert all(sign.isprintable() or sign == "\n" for sign in text), verb
    # A table wraps what is long.
    for verb in ("status", "gaps", "quality", f"history {coin}"):
        told = re.sub(r"\s", "", shown.terminal[verb])
        assert re.sub(r"\s", "", name[:20]) in told, verb
    assert name in {row[0] for row in shown.table[1:]}
    lower = shown.pages.lower()
    assert not re.search(r"<script|<img(?! src=\"data:)|href|<h1>head|onerror=(?!alert)", lower)
    assert shown.panels[coin] == 29
    assert shown.coins == 12
    happened(
        f"“{name[:60]}” on {len(shown.terminal)} screens, in a file, two pages, and Grafana's board"
        " (29 rows); no control sign, no markup, 12 coins as before"
    )
