"""Every answer of CryptoCompare in ../shared/recorded against its parsers."""

from pathlib import Path

import polars as pl
import pytest

from chandlery.errors import Unavailable
from chandlery.model import HOUR, SCHEMA, Listing, Window
from chandlery.model.frame import RULES
from chandlery.venues import fetch, load
from tests.sources.conftest import Connect
from tests.sources.recordings import answer

INDEX = load()["cryptocompare"]
LISTING = Listing(1, "cryptocompare", "BTC")
KEYS = {"cryptocompare": "secret"}

# Read off the files: rows, then first and last candle as the schema has them.
FIRSTS = {
    "histohour_Data_array_2000h_BTCUSD_2019.json.gz": (
        2001,
        (1554073200, 4114.47, 4118.97, 4109.62, 4112.69, 688.9, 2832807.78, None),
        (1561273200, 10723.55, 10760.86, 10678.12, 10757.24, 683.25, 7308499.63, None),
    ),
    "data_histoday_legacy_2017-2021.json.gz": (
        1310,
        (1490140800, 0.03085, 0.03655, 0.02719, 0.03424, 4150292.84, 142106.03, None),
        # low was sent as 0.2743, above the open
        (1603238400, 0.2704, 0.2847, 0.2704, 0.2781, 414709.47, 114915.99, None),
    ),
    "index_cc_v1_historical_hours_WETH-EUR.json": (
        10,
        (
            *(1732694400, 3260.82355059532, 3269.77854776747, 3246.94939184315),
            *(3252.46203504816, 7600.72764340164, 24756165.6932058, None),
        ),
        None,
    ),
    "index_cc_v1_historical_hours_BTC-USD_2000h_to_1301536800.json.gz": (
        2000,
        (1294340400, 0.298, 0.298998688853659, 0.298, 0.298998688853659, 410, 122.58946243, None),
        (
            *(1301536800, 0.789560328657155, 0.800506052631579, 0.768),
            *(0.800506052631579, 1751.516, 1392.69024985, None),
        ),
    ),
}
ERRORS = {
    "404_index_hours_before_listing.json": (
        404,
        Unavailable,
        "HTTP 404 1 Invalid: to_ts parameter.",
    ),
    "fsym_missing_type2.json": (200, Unavailable, "2 fsym param seems to be missing."),
    "rate_limit_type99_http200.json": (200, Unavailable, "99 You are over your rate limit please"),
}


def candle(frame: pl.DataFrame, at: int) -> tuple[object, ...]:
    opened, *values = frame.row(at)
    assert hasattr(opened, "timestamp")
    assert values[-2:] == [None, None]  # what takers bought is not told
    return opened.timestamp(), *values[:-2]


def test_no_recording_is_left_out(recorded: Path) -> None:
    folder = recorded / "cryptocompare"
    assert {path.name for path in folder.iterdir() if path.is_file()} == set(FIRSTS)
    assert {path.name for path in (folder / "errors").iterdir()} == set(ERRORS)


@pytest.mark.parametrize("name", FIRSTS)
def test_a_recorded_answer_is_read_as_it_was_sent(recorded: Path, name: str) -> None:
    response = answer(recorded / "cryptocompare" / name)
    assert INDEX.venue.verdict(response) is None
    frame = INDEX.parse(response)
    count, first, last = FIRSTS[name]
    assert frame.schema == SCHEMA
    assert frame.height == count
    assert frame["open_time"].n_unique() == count
    assert candle(frame, 0) == first
    assert last is None or candle(frame, -1) == last
    assert not any(frame.select(rule.broken.fill_null(value=False).any()).item() for rule in RULES)


def test_the_recorded_hours_pass_through_fetch(recorded: Path, connect: Connect) -> None:
    path = recorded / "cryptocompare" / "histohour_Data_array_2000h_BTCUSD_2019.json.gz"
    whole = INDEX.parse(answer(path))
    end = whole["open_time"].max() + HOUR
    client = connect(lambda _: answer(path), keys=KEYS)
    frame = fetch(client, INDEX, LISTING, Window(end - 2000 * HOUR, end), end).frame
    assert frame.equals(whole[1:])


@pytest.mark.parametrize("name", ERRORS)
def test_a_recorded_refusal_is_told_in_cryptocompares_words(recorded: Path, name: str) -> None:
    status, kind, words = ERRORS[name]
    path = recorded / "cryptocompare" / "errors" / name
    error = INDEX.venue.verdict(answer(path, status))
    assert type(error) is kind
    assert str(error).startswith(words)
    if words.startswith("99"):  # 10,004 calls in a day that may have 10,000
        assert isinstance(error, Unavailable)
        assert error.after is not None
        assert error.after.total_seconds() == 86400
