"""What people type and set: rows of the fault table. One line, exit 2, nothing written or asked."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from chandlery import store
from chandlery.cli.failures import LONGEST
from chandlery.cli.main import main
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.errors import Misuse
from chandlery.model import HOUR, instant
from chandlery.venues import load
from tests.fault_table import Happened
from tests.faults.conftest import Place

Refused = Callable[..., str]
NOW = "2026-11-22T10:30Z"
AT = ("--now", NOW)
MUST = "one line, exit 2, nothing asked, written or executed"
TABLES = "coin coin_rank listing source learnt candle_1h absence finding claim spent quality outage"
HUGE, SECRET = "x" * 10_240, "planted-in-a-password"


def rows(of: Mapping[str, object], group: str = "people") -> list[object]:
    """A row of the table for each."""
    return [
        pytest.param(value, marks=pytest.mark.fault(group, what, MUST), id=what)
        for what, value in of.items()
    ]


CONCLUDING = (
    ("hourly",),
    ("backfill", "--start", "2026-10-03"),
    ("fill-gaps",),
    ("coins",),
    ("quality",),
    ("maintain",),
)
CLOCKS = {"1970": "1970-01-01T00:00:05Z", "2005": "2005-03-01T12:00Z"}


@pytest.fixture
def held(place: Place) -> datetime:
    """A day of bitcoin is stored; its newest hour."""
    place.collect("okx")
    return max(place.stored())


@pytest.fixture
def refused(
    place: Place,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Refused]:
    """Run a verb that must be refused; what it says. In the end nothing was written or asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHANDLERY_HOME", str(place.settings.home))
    monkeypatch.setenv("CHANDLERY_VENUES_URL", place.front.url)
    monkeypatch.setenv("CHANDLERY_SOURCES", "binance_futures,okx")
    monkeypatch.setenv("DATABASE_URL", "")

    before, asked = written(place), place.venues.requests()["total"]

    def once(*words: str) -> str:
        code = main(words)
        said = capsys.readouterr()
        assert (code, said.out) == (2, ""), (words, said)
        assert re.fullmatch(rf"chandlery: [^\n]{{1,{LONGEST + 1}}}\n", said.err), words
        assert said.err[:-1].isprintable()
        assert SECRET not in said.err
        return said.err.removeprefix("chandlery: ").strip()

    yield once
    assert (written(place), place.venues.requests()["total"]) == (before, asked)
    assert list(tmp_path.iterdir()) == []


def written(place: Place) -> list[str]:
    """What is in the tables, in short."""
    told = "select coalesce(md5(string_agg(it::text, '' order by it::text)), '') from {} it"
    with store.connect(place.settings) as connection:
        asked = " union all ".join(told.format(table) for table in TABLES.split())
        return [text for (text,) in connection.execute(asked.encode())]


@pytest.mark.parametrize("now", rows({f"a clock of {year}": at for year, at in CLOCKS.items()}))
def test_a_clock_of_another_age(refused: Refused, happened: Happened, now: str) -> None:
    said = {refused(*verb, "--now", now) for verb in CONCLUDING}
    assert said == {f"now {now!r} is out of range: write a year from 2017 on"}
    happened(f"“{said.pop()}”; {len(CONCLUDING)} verbs, nothing stored yet")


@pytest.mark.fault("process", "a clock a day and more before the newest candle", MUST)
def test_a_clock_behind_the_candles(held: datetime, refused: Refused, happened: Happened) -> None:
    now = held - 25 * HOUR
    said = {refused(*verb, "--now", f"{now:%FT%RZ}") for verb in CONCLUDING if len(verb) == 1}
    words = f"now is {now:%F %RZ}, and a candle of {held:%F %RZ} is stored: set the clock"
    (told,) = said
    assert told.startswith(words)
    happened(f"“{told}”; {len(CONCLUDING)} verbs")


@pytest.fixture
def ahead(place: Place, held: datetime) -> None:
    """And one of 2099: a file was imported, or a backup restored, by a clock that was ahead."""
    moved = "insert into candle_1h select %s, open, high, low, close, volume, quote_volume, trades,"
    with store.connect(place.settings) as connection:
        one = f"{moved} coin, source from candle_1h where open_time = %s".encode()
        connection.execute(one, (instant("2099-12-31"), held))


@pytest.mark.fault(
    "process",
    "candles of a time to come",
    "one line, exit 2, from every verb that goes by the clock; `maintain --remove-future` mends it",
)
@pytest.mark.usefixtures("ahead")
def test_candles_of_a_time_to_come(refused: Refused, happened: Happened) -> None:
    said = {refused(verb).partition("Z, ")[2] for verb in ("status", "gaps", "hourly")}
    (words,) = said
    assert words.startswith("and a candle of 2099-12-31 00:00Z is stored: set the clock")
    happened(f"“now is …, {words}”")


@pytest.mark.usefixtures("held", "ahead")
def test_candles_of_a_time_to_come_are_removed(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHANDLERY_HOME", str(place.settings.home))
    monkeypatch.setenv("DATABASE_URL", "")
    assert main(["maintain", "--remove-future", *AT]) == 0
    assert "; 1 candles of a time to come removed" in capsys.readouterr().out
    assert len(place.stored()) == place.DAY.hours
    assert main(["maintain", *AT]) == 0
    assert "to come" not in capsys.readouterr().out


SYMBOLS = {
    "SQL for a symbol": "'; drop table coin; --",
    "a shell's signs for a symbol": "$(touch pwned)`touch pwned`;|touch pwned&>pwned",
    "control signs for a symbol: ESC, BEL, NUL, a new line": "\x1b[2J\x1b]0;x\x07\0\nBTC",
    "look-alikes for a symbol: Cyrillic ВТС": "ВТС",  # noqa: RUF001  the point
    "10 kB for a symbol": HUGE,
    "half of a sign for a symbol": "BTC\udcff",
    "markup and formats for a symbol": "[/red]%s%n{0}${HOME}<b>",
    "a turned reading direction for a symbol": "\u202eCTB",
}


@pytest.mark.parametrize("symbol", rows(SYMBOLS))
def test_a_symbol(refused: Refused, place: Place, happened: Happened, symbol: str) -> None:
    said = refused("hourly", "--symbols", symbol, *AT)
    for words in (
        ("gaps", symbol),
        ("quality", "--symbols", symbol),
        ("history", symbol, "2026-01-01T00:00Z"),
        ("export", "--symbols", symbol, "--to", "x.csv"),
        ("hourly", "--sources", symbol),
        ("backfill", "--shard", symbol),
        ("try", symbol, "BTC"),
    ):
        refused(*words, *AT)
    refused("listings", symbol)
    # The same from a form of Prefect's, where it may be anything.
    with pytest.raises(Misuse) as caught:
        place.collect("okx", symbols=[symbol])
    assert len(str(caught.value)) < LONGEST
    happened(f"“{said}”; 9 verbs")


NUMBERS = ("1" + "0" * 30, "-1", "nan", "inf", "1e400", "1.5", "", "0x10")
COUNTS = {
    "--hours": ("hourly", "--hours"),
    "--max-coins": ("backfill", "--max-coins"),
    "--max-coins of coins": ("coins", "--max-coins"),
    "--max-coins of status": ("status", "--max-coins"),
    "--max-coins of quality": ("quality", "--max-coins"),
    "--start-year": ("backfill", "--start-year"),
    "--recheck-hours": ("fill-gaps", "--recheck-hours"),
    "--most": ("gaps", "--most"),
    "--hours of try": ("try", "okx", "BTC-USDT", "--hours"),
}
FINE = {"--most": {NUMBERS[0]}, "--recheck-hours": {"0"}}


@pytest.mark.parametrize(
    "option", rows({f"hostile numbers in {option}": option for option in COUNTS})
)
def test_a_number(refused: Refused, happened: Happened, option: str) -> None:
    numbers = {*NUMBERS, "0"} - FINE.get(option, set())
    said = {number: refused(*COUNTS[option], number, *AT) for number in sorted(numbers)}
    happened(f"“{said['-1']}”; {len(said)} numbers")


@pytest.mark.fault("people", "shards 0/0, 5/4, -1/2, 1/1e9 and the like", MUST)
def test_a_shard(refused: Refused, happened: Happened) -> None:
    asked = (
        "0/0",
        "0/4",
        "5/4",
        "-1/2",
        "1/1e9",
        "1/" + "9" * 30,
        "/",
        "1",
        "1/2/3",
        "nan/nan",
        "",
    )
    said = [refused("backfill", "--shard", each, *AT) for each in asked]
    happened(f"“{said[0]}”; {len(said)} shards")


TIMES = (
    "0000-01-01", "0001-01-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "99999-01-01",
    "1969-12-31", "2100-01-02", "-1", "1e400", "nan", "", "now", "2026-13-01", "2026-11-22T10:30",
    "\x1b[2J", "2026-11-22T10:30Z; drop table coin", HUGE,
)  # fmt: skip
MOMENTS = {
    "--now": [
        ("hourly", "--now"),
        ("backfill", "--now"),
        ("fill-gaps", "--now"),
        ("coins", "--now"),
        ("gaps", "--now"),
        ("quality", "--now"),
        ("status", "--now"),
        ("maintain", "--now"),
        ("export", "--to", "x.csv", "--now"),
        ("try", "okx", "BTC-USDT", "--now"),
        ("history", "BTC", "2026-01-01T00:00Z", "--now"),
    ],
    "--start, --end and an hour": [
        ("backfill", *AT, "--start"),
        ("backfill", *AT, "--end"),
        ("fill-gaps", *AT, "--start"),
        ("gaps", *AT, "--start"),
        ("gaps", *AT, "--end"),
        ("status", *AT, "--start"),
        ("status", *AT, "--end"),
        ("export", "--to", "x.csv", "--start"),
        ("export", "--to", "x.csv", "--end"),
        ("history", *AT, "BTC"),
    ],
}


@pytest.mark.parametrize(
    "verbs",
    rows({f"years 0 and 99999, NaN, ESC, 10 kB in {each}": MOMENTS[each] for each in MOMENTS}),
)
def test_a_time(refused: Refused, happened: Happened, verbs: Sequence[tuple[str, ...]]) -> None:
    said = {time: refused(*verb, time) for verb in verbs for time in TIMES}
    happened(f"“{said[TIMES[1]]}”; {len(verbs)} verbs, {len(TIMES)} times")


TRY, STATUS = ("try", "okx", "BTC-USDT", *AT), ("status", *AT)
SETTINGS: Mapping[str, tuple[tuple[str, ...], Sequence[str]]] = {
    "DATABASE_URL": (
        STATUS,
        (
            "garbage", "\x1b[2J", HUGE, "sqlite:///x", f"mysql://u:{SECRET}@h/x",
            f"postgresql://u:a@{SECRET}/x@127.0.0.1:1/x", f"postgresql://u:{SECRET}@[::1/x",
            f"postgresql://u:{SECRET}@127.0.0.1:1/x", f"postgresql://u:{SECRET}@127.0.0.1:99999/x",
            f"postgresql://u:{SECRET}@127.0.0.1:1/x?sslmode=$(touch pwned)",
            f"postgresql://u:{SECRET}@127.0.0.1:1/x?connect_timeout=nan",
            "postgresql:///x?host=/etc/passwd", "postgresql://127.0.0.1:1/%00",
        ),
    ),
    "CHANDLERY_HOME": (STATUS, ("/dev/null", "/dev/null/x", "~nobody-here/x", f"/{HUGE}")),
    "CHANDLERY_HOME, for config": (("config",), ("~nobody-here/x", f"/{HUGE}")),
    "CHANDLERY_VENUES_URL": (
        TRY,
        (
            "http://[", "http://a b", "http://127.0.0.1:99999", "http://127.0.0.1:port", "http://",
            "file:///etc/passwd", "http://\x1b[2J", "http://h\nx", f"http://{HUGE}", "javascript:1",
        ),
    ),
    "HTTPS_PROXY": (
        TRY,
        (
            f"socks5://u:{SECRET}@h:1", f"http://u:{SECRET}@h:99999", f"u:{SECRET}@h", "\x1b",
            f"http://u:{SECRET}@{HUGE}:1", "http://[::1",
        ),
    ),
    "CHANDLERY_SOURCES": (("hourly", *AT), (",", "x;y", "\x1b[2J", HUGE, "'; drop table coin")),
    "CHANDLERY_INCLUDE": (
        ("coins", "--left-out"),
        (",", "\x1b[2J", HUGE, "'; drop table coin", "*-xstock, \u202eCTB"),
    ),
    "CHANDLERY_ADDRESS": (STATUS, ("x" * 101, HUGE)),
    "COINGECKO_API_KEY": (TRY, (f"{SECRET}\r\nx: y", f"{SECRET}é", f"\x1b{SECRET}")),
}  # fmt: skip


@pytest.mark.parametrize("name", rows({f"hostile values of {name}": name for name in SETTINGS}))
def test_a_setting(
    refused: Refused, happened: Happened, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    verb, values = SETTINGS[name]
    said = []
    for value in values:
        monkeypatch.setenv(name.partition(",")[0], value)
        said.append(refused(*verb))
    happened(f"“{said[0]}”; {len(values)} values")


@pytest.mark.fault(
    "people", "hostile parameters of a flow", "refused by the form or in a line, nothing written"
)
def test_a_flows_parameters(place: Place, happened: Happened) -> None:
    from prefect.exceptions import ParameterTypeError  # noqa: PLC0415

    from flows.backfill import backfill  # noqa: PLC0415  Prefect takes seconds
    from flows.fill_gaps import fill  # noqa: PLC0415
    from flows.hourly import hourly  # noqa: PLC0415

    flows = {"hours": hourly, "start_year": backfill, "shards": backfill, "max_coins": hourly}
    flows["recheck_hours"] = fill
    numbers = (10**30, -1, float("nan"), float("inf"), "1e400", [], {"a": 1})
    for name, flow in flows.items():
        for number in numbers:
            with pytest.raises(ParameterTypeError):
                flow.validate_parameters({name: number})
    before = written(place)
    texts = ("\0", "\x1b[2J", HUGE, "'; drop table coin; --", "\ud800")
    for text in texts:
        for given in ({"symbols": [text]}, {"start": text}, {"shard": text}, {"sources": [text]}):
            wanted = {"sources": ["okx"], "now": instant(NOW), "known_sources": load()} | given
            with pytest.raises(Misuse) as caught, place.context() as context:
                run(context, run_spec(**wanted))
            assert len(str(caught.value)) < LONGEST
    assert written(place) == before
    happened(
        f"{len(flows)} numbers of {len(numbers)} kinds refused by the form, 4 texts of"
        f" {len(texts)} kinds by a line"
    )
