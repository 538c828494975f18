"""A coin's chart: each bar, gap, mark and source is in the picture, and says what it is."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from chandlery import store
from chandlery.errors import Misuse
from chandlery.model import HOUR, Coin, Window
from chandlery.reports import chart_panels, coin_chart
from chandlery.reports.chart_page import of_coin
from chandlery.reports.coin_facts import Asked, Facts, facts
from chandlery.reports.html import document, rendered
from chandlery.reports.letters import families
from chandlery.reports.svg import SVG
from chandlery.reports.thinned import PIECES, pieces, spans
from chandlery.store import Absence, Gap
from chandlery.store.gaps import NOT_MISSING
from tests.conftest import As

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
LAST = 480  # hours after T0, when it is now
README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")


def hour(number: int) -> datetime:
    return T0 + number * HOUR


@pytest.fixture
def btc(connection: store.Connection, learn: Learn) -> Coin:
    learn(("bitcoin", "BTC"), ("ethereum", "ETH"))
    (coin,) = store.find(connection, ["BTC"])
    return coin


@pytest.fixture
def write(connection: store.Connection, btc: Coin) -> Callable[..., None]:
    """Store candles of BTC by a source, each time an hour later, and refresh."""
    times = (T0 + each * HOUR for each in count())

    def one(candles: pl.DataFrame, source: str = "okx") -> None:
        key = store.source_key(connection, source)
        store.write(connection, {btc.key: candles}, key, now=next(times))
        store.refresh(connection)

    return one


@pytest.fixture
def shown(connection: store.Connection, btc: Coin) -> Callable[..., Facts]:
    """What a chart of BTC's hours shows."""

    def one(timeframe: str = "1h", window: tuple[int, int] | None = None, **more: Any) -> Facts:
        within = None if window is None else Window(*map(hour, window))
        now = hour(more.pop("now", LAST))
        return facts(connection, Asked(btc, timeframe, within, now, **more))

    return one


def drawn(given: Facts) -> ET.Element:
    return ET.fromstring(coin_chart.svg(given))  # noqa: S314  our own


def group(picture: ET.Element, name: str) -> ET.Element:
    (found,) = (each for each in picture.iter(f"{{{SVG}}}g") if each.get("id") == name)
    return found


def shapes(picture: ET.Element, name: str) -> list[ET.Element]:
    found = group(picture, name)
    return list(found.iter(f"{{{SVG}}}use")) or found.findall(f"{{{SVG}}}path")


def titles(picture: ET.Element, name: str) -> list[str]:
    return [each.findtext(f"{{{SVG}}}title", "") for each in shapes(picture, name)]


def left(shape: ET.Element) -> float:
    return min(float(x) for x in re.findall(r"[ML] ([\d.]+) ", shape.get("d", "")))


def colour(shape: ET.Element) -> str:
    found = re.search(r"fill: (#\w+)", shape.get("style", ""))
    return found.group(1) if found else ""


def texts(picture: ET.Element) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{{{SVG}}}text")]


def lacks(connection: store.Connection, *holes: tuple[int, int, str]) -> None:
    """What the source had none of, as (first hour, end, outcome)."""
    key = store.source_key(connection, "okx")
    told = [
        Absence(1, Window(hour(start), hour(end)), outcome, None, T0, T0, 1, None, "have")
        for start, end, outcome in holes
    ]
    store.replace_absences(connection, key, [1], told)


def test_a_bar_has_a_body_a_wick_a_volume_and_says_what_it_is(
    write: Any, shown: Any, frame: Frame
) -> None:
    rose, fell = {"close": 3.0}, {"close": 1.5}
    write(pl.concat([frame(range(10), **rose), frame(range(10, 16), **fell)]))
    picture = drawn(shown(now=16))
    for name in ("bodies", "wicks", "volumes", "bars"):
        assert len(shapes(picture, name)) == 16, name
    paint = [colour(each) for each in shapes(picture, "bodies")]
    assert paint == [chart_panels.UP] * 10 + [chart_panels.DOWN] * 6
    assert titles(picture, "bars")[10] == (
        "2024-02-28 10:00Z\nopen 2, high 4, low 1, close 1.5\nvolume 10\nokx"
    )
    places = [left(each) for each in shapes(picture, "bodies")]
    steps = [later - sooner for sooner, later in pairwise(places)]
    assert steps == pytest.approx([steps[0]] * 15, abs=0.001)
    assert "BTC 1h" in texts(picture)


def test_gaps_are_shaded_each_with_its_reason_and_its_hours(
    connection: store.Connection, write: Any, shown: Any, frame: Frame
) -> None:
    holes = {(20, 26): "hole", (40, 41): "failed", (60, 70): "malformed"}
    missing = {each for start, end in holes for each in range(start, end)} | {80, 81}
    lacks(connection, *((start, end, outcome) for (start, end), outcome in holes.items()))
    write(frame([each for each in range(120) if each not in missing]))
    given = shown(now=120)
    picture = drawn(given)
    for place in ("gap", "volume-gap", "band-gap"):
        assert titles(picture, f"{place}-no-trades") == [
            "no trades: 6 hours\n2024-02-28 20:00Z to 2024-02-29 02:00Z"
        ]
        assert titles(picture, f"{place}-fetch-failed")[0].startswith("fetch failed: 1 hour\n")
        assert len(shapes(picture, f"{place}-malformed-at-the-venue")) == 1
        assert titles(picture, f"{place}-not-tried")[0].startswith("not tried: 2 hours\n")
    legend = texts(picture)
    assert {"no trades: 6 hours", "fetch failed: 1 hour", "not tried: 2 hours"} <= set(legend)
    assert any("19 hours missing" in text for text in legend)
    assert [gap.window.hours for gap in given.gaps] == [6, 1, 10, 2]


def test_every_reason_of_the_documents_has_a_colour_of_its_own() -> None:
    rows = re.findall(
        r"^\| (`.+?) \|",
        README.split("## Why is an hour missing?")[1].split("\n## ")[0],
        re.MULTILINE,
    )
    reasons = {name for row in rows for name in re.findall(r"`(.+?)`", row)}
    assert len(reasons) == 9
    assert reasons <= set(chart_panels.REASONS)
    assert set(NOT_MISSING) <= set(chart_panels.REASONS)
    assert len(set(chart_panels.REASONS.values())) == len(chart_panels.REASONS)


def test_whose_each_bar_is_is_a_band_and_both_are_told_of_a_bar_of_two(
    write: Any, shown: Any, frame: Frame
) -> None:
    write(frame(range(42)), "okx")
    write(frame(range(42, 80)), "bybit")
    picture = drawn(shown("4h", now=80))
    runs = [title.partition("\n")[0] for title in titles(picture, "sources")]
    assert sorted(set(runs)) == ["bybit", "okx", "okx+bybit"]
    paint = [colour(each) for each in shapes(picture, "sources")]
    assert len(paint) == 4  # one, one of each of two, the other
    assert set(paint) == {"#009e73", "#e69f00"}
    assert {"okx", "bybit"} <= set(texts(picture))


def test_restated_hours_and_findings_are_marked_and_say_what_happened(
    connection: store.Connection, write: Any, shown: Any, frame: Frame
) -> None:
    write(frame(range(60)))
    write(frame([30, 31], close=3.5))
    connection.execute(
        "insert into finding (kind, coin, open_time, detail, found_at) values"
        " ('splice', 1, %(at)s, 'okx closed at 1 & 2', %(at)s),"
        " ('restated', 1, %(at)s, 'is told hour by hour', %(at)s)",
        {"at": hour(50)},
    )
    picture = drawn(shown(now=60))
    told = titles(picture, "mark-restated")
    assert [words[:17] for words in told] == ["2024-02-29 06:00Z", "2024-02-29 07:00Z"]
    assert told[0].endswith("it closed at 3, and closes at 3.5.")
    (splice,) = titles(picture, "mark-splice")
    assert splice == (
        "BTC is joined from two sources that disagree at 2024-03-01 02:00Z: okx closed at 1 & 2."
    )
    assert {"restated: 2", "splice: 1"} <= set(texts(picture))
    by_bar = titles(drawn(shown("4h", now=60)), "mark-restated")
    assert len(by_bar) == 1  # both hours are in one bar
    assert by_bar[0].count("\n") == 1


def test_an_odd_hour_whose_bar_is_not_over_is_marked_at_its_time(
    write: Any, shown: Any, frame: Frame
) -> None:
    write(frame(range(31)))
    write(frame([28, 29], close=3.5))
    picture = drawn(shown("4h", now=31))
    places = [float(each.get("x", "0")) for each in shapes(picture, "mark-restated")]
    bodies = [left(each) for each in shapes(picture, "bodies")]
    assert len(bodies) == 7
    assert len(places) == 2
    assert places[1] > places[0] > bodies[-1] + 0.8 * (bodies[-1] - bodies[-2])


def test_where_few_of_many_hours_are_missing_the_shade_is_fainter(
    write: Any, shown: Any, frame: Frame
) -> None:
    write(frame([*range(0, 1000, 2), *range(1000, 1200)]))
    picture = drawn(shown(window=(0, 1200), now=1200))
    thick = [
        float(found.group(1))
        for each in shapes(picture, "band-gap-not-tried")
        if (found := re.search(r"fill-opacity: ([\d.]+)", each.get("style", "")))
    ]
    assert titles(picture, "band-gap-not-tried")[0].startswith("not tried: 500 hours in 500 gaps")
    assert thick == pytest.approx([500 / 999], abs=1e-4)


def test_a_candle_of_a_better_source_and_less_than_a_hundredth_of_a_percent_restate_nothing(
    connection: store.Connection, write: Any, frame: Frame, btc: Coin
) -> None:
    write(frame(range(10), close=2.5), "coingecko")
    write(frame([1], close=3.5), "okx")
    write(frame([2]), "okx")
    write(frame([2], close=3.0001), "okx")
    write(frame([3]), "okx")
    write(frame([3], close=3.4), "okx")
    found = store.restated_hours(connection, btc, Window(T0, hour(10)))
    assert [(each.open_time, each.told_first, each.close) for each in found] == [(hour(3), 3, 3.4)]
    assert store.restated_hours(connection, btc, Window(T0, hour(3))) == []


def test_a_redenomination_is_marked_and_adjusted_prices_need_no_powers(
    connection: store.Connection, write: Any, shown: Any, frame: Frame, btc: Coin
) -> None:
    old = {name: value * 1000 for name, value in OPENS.items()}
    write(pl.concat([frame(range(50), **old), frame(range(50, 100), **OPENS)]))
    store.confirm_adjustment(connection, btc, hour(50), 0.001, T0)
    raw = drawn(shown(now=100))
    (words,) = titles(raw, "mark-redenomination")
    assert words == (
        "BTC was redenominated at 2024-03-01 02:00Z, prices before times 0.001"
        " (confirmed, `chandlery adjust`)."
    )
    assert {"1", "10", "100", "1,000"} <= set(texts(raw))  # equal changes are equally high
    adjusted = drawn(shown(now=100, adjusted=True))
    assert "BTC 1h, adjusted" in texts(adjusted)
    assert "1,000" not in texts(adjusted)
    assert {title.split("\n")[1] for title in titles(adjusted, "bars")} == {
        "open 2, high 4, low 1, close 3"
    }


OPENS = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0}


def test_of_too_many_bars_the_closing_line_and_the_range_are_drawn(
    write: Any, shown: Any, frame: Frame
) -> None:
    write(frame([*range(300), *range(320, LAST)]))
    picture = drawn(shown(window=(0, LAST)))
    ids = {each.get("id") for each in picture.iter(f"{{{SVG}}}g")}
    assert not {"bodies", "wicks", "bars"} & ids
    assert len(shapes(picture, "closes")) == 2  # before the gap and after it
    assert len(shapes(picture, "ranges")) == 2
    assert len(shapes(picture, "volumes")) == LAST - 20


def bars(number: int, every: int = 1) -> pl.DataFrame:
    opened = [T0 + each * every * HOUR for each in range(number)]
    return pl.DataFrame(
        {
            "timestamp": opened,
            "ends": [each + HOUR for each in opened],
            **{f"{name}_price": [float(at) for at in range(1, number + 1)] for name in OPENS},
            "volume": [1.0] * number,
            "source": ["okx"] * number,
        }
    )


def test_seven_years_of_hours_are_thinned_to_what_a_picture_has_room_for() -> None:
    many = bars(61_320)
    thin = pieces(many, timedelta(hours=100))
    assert thin.height <= PIECES
    assert thin["volume"].sum() == 61_320
    assert (thin["open_price"][0], thin["close_price"][-1]) == (1, 61_320)
    first = thin.row(0, named=True)
    assert (first["low_price"], first["high_price"]) == (1, first["close_price"])
    assert thin["run"].n_unique() == 1
    assert pieces(bars(30, every=200), timedelta(hours=100))["run"].n_unique() == 30
    unknown = many.with_columns(volume=pl.when(pl.col("close_price") > 100).then("volume"))
    assert pieces(unknown, HOUR)["volume"].null_count() == 2  # 52 hours each


def test_gaps_closer_than_can_be_seen_are_one_with_their_number() -> None:
    def gap(start: int, end: int, reason: str) -> Gap:
        window = Window(hour(start), hour(end))
        return Gap("BTC", "bitcoin", window, reason, [], 0, None, None, None, None)

    many = [gap(2 * each, 2 * each + 1, "no trades") for each in range(1000)]
    (one,) = spans([*many], 5 * HOUR)
    assert one == ("no trades", Window(T0, hour(1999)), 1000, 1000)
    apart = spans([gap(0, 1, "a"), gap(1, 2, "b"), gap(20, 21, "a")], 5 * HOUR)
    assert [(each.reason, each.gaps) for each in apart] == [("a", 1), ("a", 1), ("b", 1)]


def test_without_a_start_the_newest_bars_are_shown_up_to_now(
    write: Any, shown: Any, frame: Frame
) -> None:
    write(frame(range(300)))
    given = shown(newest_only=True)
    assert (given.bars.height, given.window.start) == (200, hour(100))
    assert given.window.end == hour(320)  # of the hours since, a tenth
    assert [(gap.reason, gap.window.hours) for gap in given.gaps] == [("not tried", 20)]
    until = shown(window=(0, 250), newest_only=True)
    assert (until.bars["timestamp"][-1], until.window.end) == (hour(249), hour(250))
    asked = shown(window=(280, 10_000))
    assert (asked.window.start, asked.window.end) == (hour(280), hour(LAST))


def test_of_the_time_before_a_listing_a_tenth_is_shown(
    connection: store.Connection, write: Any, shown: Any, frame: Frame
) -> None:
    write(frame(range(300, 400)))
    given = shown(window=(0, 400))
    assert given.window.start == hour(290)
    assert [(gap.reason, gap.window.hours) for gap in given.gaps] == [("not listed yet", 10)]
    assert given.missing == []
    assert "no hour missing" in coin_chart.summary(given)
    assert shown(window=(5, 333)).window == Window(hour(297), hour(333))  # whole hours
    with pytest.raises(Misuse, match="BTC has no 1h candles in these times"):
        shown(window=(0, 200))
    (eth,) = store.find(connection, ["ETH"])
    with pytest.raises(Misuse, match="ETH has no 1d candles: `chandlery status --symbols ETH`"):
        facts(connection, Asked(eth, "1d", None, hour(LAST)))


def test_an_unknown_volume_a_small_price_and_a_single_candle_are_drawn(
    write: Any, shown: Any, frame: Frame
) -> None:
    small = dict.fromkeys(OPENS, 0.00000123)
    write(frame([5], **small, volume=None, quote_volume=None))
    picture = drawn(shown(now=6))
    (words,) = titles(picture, "bars")
    assert words.endswith("close 0.00000123\nvolume unknown\nokx")
    assert shapes(picture, "volumes") == []
    assert "volume is unknown" in texts(picture)
    assert any("0.00000123" in text for text in texts(picture))
    assert not any("e-" in text for text in texts(picture))
    assert coin_chart.png(shown(now=6)).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "name", ["币安人生", "$[b]", "<script>alert(1)</script>", "$x^2$", "a\u202eb", "&amp;"]
)
@pytest.mark.filterwarnings("error")
def test_any_name_is_shown_as_it_is_and_never_markup(
    connection: store.Connection, write: Any, frame: Frame, btc: Coin, name: str
) -> None:
    write(frame(range(5)))
    connection.execute("update coin set symbol = %s, name = %s", (name, name))
    odd = Coin(btc.key, btc.id, name, name)
    given = facts(connection, Asked(odd, "1h", None, hour(5)))
    seen = name.replace("\u202e", "")
    assert f"{seen} 1h" in texts(drawn(given))
    page = of_coin(given)
    assert "<script" not in page
    assert f"<title>{escaped(seen)} 1h</title>" in page
    assert f"<h1>{escaped(seen)} 1h</h1>" in page
    assert coin_chart.png(given).startswith(b"\x89PNG")


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_letters_that_no_font_has_are_told_apart_from_those_that_one_has() -> None:
    assert families("BTC €$Ж") == ["DejaVu Sans"]
    assert families("\U000f0000") is None  # of private use: nobody has it


def test_a_page_is_whole_offline_in_light_and_dark_and_lists_the_gaps(
    connection: store.Connection, write: Any, shown: Any, frame: Frame
) -> None:
    lacks(connection, (20, 26, "hole"))
    write(frame([each for each in range(100) if not 20 <= each < 26]))
    page = of_coin(shown(now=100))
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r"(?:src|href)\s*=\s*[\"'](?!#|data:)", page)
    assert "url(http" not in page
    assert "<script" not in page
    assert page.count("<svg") == 1
    assert "<td>no trades</td>" in page
    assert "<td>2024-02-28 20:00Z</td>\n<td>2024-02-29 02:00Z</td>" in page
    assert page.count("BTC 1h") == 3  # title, heading, and the picture's own title


def test_what_is_drawn_in_ink_is_of_the_readers_colour(
    write: Any, shown: Any, frame: Frame
) -> None:
    write(frame(range(5)))
    picture = coin_chart.svg(shown(now=5))
    assert "#ground path { fill: #0d1117 !important; }" in picture
    root = drawn(shown(now=5))
    written = {each.get("style") or "" for each in root.iter(f"{{{SVG}}}text")}
    assert all("fill: currentColor" in style for style in written)
    assert colour(shapes(root, "ground")[0]) == "#ffffff"


def test_markdown_of_ours_keeps_its_pictures_and_no_other_address() -> None:
    inline = "data:image/svg+xml;base64," + base64.b64encode(b"<svg/>").decode()
    shown = rendered(f"# A\n\n![p]({inline})\n\n![q](https://evil.example/x.png)\n\n<b>x</b>")
    assert f'<img src="{inline}" alt="p" />' in shown
    assert shown.count("<img") == 1
    assert "href" not in rendered("[a](javascript:alert(1)) [b](https://evil.example)")
    assert "<b>" not in shown
    table = rendered("| a |\n| --- |\n| 1 |")
    assert table.startswith('<div class="wide"><table>')
    assert table.endswith("</table></div>\n")
    assert "<title>a &lt;b&gt;</title>" in document("a <b>", [])


def test_who_may_only_read_may_draw(shared: As, frame: Frame) -> None:
    with store.connect(shared("writer")) as writer:
        seen = pl.DataFrame({"id": ["bitcoin"], "ticker": ["BTC"], "name": ["B"], "rank": [1]})
        store.learn_coins(writer, seen, T0)
        store.write(writer, {1: frame(range(9))}, store.source_key(writer, "okx"), now=T0)
        store.refresh(writer)
    with store.connect(shared("reader")) as reader:
        (coin,) = store.find(reader, ["BTC"])
        assert facts(reader, Asked(coin, "1h", None, hour(9))).bars.height == 9
