"""The pictures are whole in themselves, say what the numbers say, and take any name."""

import base64
import math
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from chandlery.reports import charts

T0 = datetime(2024, 1, 1, tzinfo=UTC)
COLOURS = {"okx": "#009e73", "bybit": "#e69f00"}
SVG = "{http://www.w3.org/2000/svg}"


def svg(address: str) -> ET.Element:
    kind, _, data = address.partition(",")
    assert kind == "data:image/svg+xml;base64"
    return ET.fromstring(base64.b64decode(data))  # noqa: S314  our own


def texts(address: str) -> list[str]:
    return [each.text or "" for each in svg(address).iter(f"{SVG}text")]


def held(*rows: tuple[str, int, int, int]) -> pl.DataFrame:
    """Rows (symbol, month, expected, present)."""
    return pl.DataFrame(
        [(symbol, symbol, T0.replace(month=at), of, have) for symbol, at, of, have in rows],
        schema={
            "id": pl.String(),
            "symbol": pl.String(),
            "at": pl.Datetime("us", "UTC"),
            "expected": pl.Int64(),
            "present": pl.Int64(),
        },
        orient="row",
    )


def test_a_step_is_of_the_colour_of_what_is_there() -> None:
    rows = held(
        ("A", 1, 744, 0),  # before its first candle
        ("A", 2, 696, 1),
        ("A", 3, 744, 0),  # after it
        ("A", 4, 720, 719),
        ("A", 5, 744, 744),
        ("B", 3, 100, 60),
    )
    column = {T0.replace(month=at): at - 1 for at in range(1, 6)}
    names, grid = charts._rows(rows, column)  # noqa: SLF001
    assert names == ["A", "B"]
    bounds = [charts.BEFORE, *charts.DEGREES]
    kinds = [
        [None if math.isnan(each) else sum(each >= bound for bound in bounds) - 1 for each in row]
        for row in grid
    ]
    words = [name for name, _ in charts.DEGREES.values()]
    said = [[None if kind is None else words[kind] for kind in row] for row in kinds]
    assert said == [
        ["not fetched yet", "under 50 %", "none", "99 % and more", "all"],
        [None, None, "under 90 %", None, None],
    ]


def test_the_picture_names_coins_months_and_degrees() -> None:
    shown = texts(charts.heat_map(held(("BTC", 1, 744, 744), ("ETH", 2, 696, 0)), "month"))
    assert {"BTC", "ETH", "Jan 2024", "Feb 2024", "all", "none", "not listed"} <= set(shown)


def test_as_many_coins_as_there_may_be_are_named_each() -> None:
    names = [f"C{n}" for n in range(charts.MOST_COINS)]
    shown = texts(charts.heat_map(held(*((name, 1, 744, 744) for name in names)), "month"))
    assert set(names) <= set(shown)


def test_a_picture_is_on_no_ground_of_its_own_and_its_words_are_read_on_any() -> None:
    rows = held(("BTC", 1, 744, 700), ("ETH", 2, 696, 0))
    for address in (
        charts.heat_map(rows, "month"),
        charts.shares(shared((1, "okx", 700), (2, "okx", 600)), "month", COLOURS),
        charts.reasons({"no trades": {"gaps": 1, "hours": 1}}),
    ):
        assert not {"#ffffff", "#fff", "#000000"} & set(colours(address))
        written = {each.get("style") or "" for each in svg(address).iter(f"{SVG}text")}
        assert all(f"fill: {charts.INK}" in style for style in written)
    ink = int(charts.INK[1:3], 16), int(charts.INK[3:5], 16), int(charts.INK[5:7], 16)
    for ground in (WHITE, LIGHT, DARK):
        assert contrast(ink, ground) > 3  # WCAG's least for what is no body text


WHITE, LIGHT, DARK = (255, 255, 255), (235, 235, 235), (38, 39, 43)
"""A page, and Prefect's UI in light and in dark."""


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """As WCAG has it."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: tuple[int, ...]) -> float:
    parts = [each / 255 for each in colour]
    red, green, blue = (
        each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.filterwarnings("error")
def test_names_may_be_of_any_letters() -> None:
    names = ["币安人生", "$DOGE$", "<b>&", "a" * 500, "مرحبا", "\x00\x1b[31m", "a\nb"]
    shown = texts(charts.heat_map(held(*((name, 1, 744, 1) for name in names)), "month"))
    assert {"币安人生", "$DOGE$", "<b>&", "a" * charts.NAME + "…", "[31m", "a b"} <= set(shown)


def shared(*rows: tuple[int, str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(T0.replace(month=at), source, hours) for at, source, hours in rows],
        schema={"at": pl.Datetime("us", "UTC"), "source": pl.String(), "hours": pl.Int64()},
        orient="row",
    )


def colours(address: str) -> Counter[str]:
    """How many filled shapes there are of each colour."""
    styles = (each.get("style", "") for each in svg(address).iter(f"{SVG}path"))
    return Counter(found[1] for style in styles if (found := re.search(r"fill: (#\w+)", style)))


def test_a_source_has_its_own_colour_and_one_that_is_new_has_one_too() -> None:
    address = charts.shares(
        shared((1, "okx", 700), (2, "okx", 600), (2, "novel", 5), (3, "bybit", 9)),
        "month",
        COLOURS,
    )
    assert {"okx", "novel", "bybit", "Jan 2024"} <= set(texts(address))
    found = colours(address)
    assert {COLOURS["okx"], COLOURS["bybit"], charts.OTHER} <= set(found)


def test_reasons_are_told_with_their_numbers() -> None:
    address = charts.reasons(
        {"no trades": {"gaps": 28, "hours": 1128}, "venue outage": {"gaps": 2, "hours": 7}}
    )
    shown = texts(address)
    assert {"no trades", "venue outage"} <= set(shown)
    assert any("1,128 hours, 28 gaps" in text for text in shown)


def test_a_line_of_one_missing_hour_or_of_none_can_be_drawn() -> None:
    for missing in ([0, 0], [5, 5], [0, 1_000_000]):
        checked = pl.DataFrame(
            {
                "day": [T0, T0.replace(day=9)],
                "expected": [2_000_000, 2_000_000],
                "present": [2_000_000 - each for each in missing],
            },
            schema_overrides={"day": pl.Datetime("us", "UTC")},
        )
        assert "01 Jan" in texts(charts.trend(checked))


@pytest.mark.parametrize(
    "address",
    [
        charts.heat_map(held(("BTC", 1, 744, 744)), "month"),
        charts.shares(shared((1, "okx", 700)), "month", COLOURS),
        charts.reasons({"no trades": {"gaps": 1, "hours": 1}}),
    ],
)
def test_nothing_is_asked_of_anyone_and_the_same_is_drawn_the_same(address: Any) -> None:
    for each in svg(address).iter():
        for name, value in each.attrib.items():
            if name.endswith("href"):
                assert value.startswith(("#", "data:")), value
        assert each.tag != f"{SVG}script"


def test_the_same_numbers_make_the_same_picture() -> None:
    frame = shared((1, "okx", 700), (2, "bybit", 600))
    first, second = (charts.shares(frame, "month", COLOURS) for _ in range(2))
    assert first == second
