"""What a run can be asked for, and what is said to who asks for something else."""

from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from chandlery.engine.spec import run_spec
from chandlery.errors import Misuse
from chandlery.model import Coin, Window, instant

NOW = datetime(2026, 4, 30, 4, 5, tzinfo=UTC)


def ask(**given: Any) -> Any:
    return run_spec(**{"now": NOW, "known_sources": ("a", "b"), "sources": ("a",)} | given)


def test_history_starts_in_2020_and_ends_with_the_last_closed_hour() -> None:
    assert ask().window == Window(instant("2020-01-01"), instant("2026-04-30T04:00Z"))


def test_hourly_looks_back_from_the_last_closed_hour() -> None:
    assert ask(hours=3).window == Window(instant("2026-04-30T01:00Z"), instant("2026-04-30T04:00Z"))


def test_a_start_within_an_hour_means_the_next_whole_one() -> None:
    assert ask(start="2026-01-01T00:20Z").window.start == instant("2026-01-01T01:00Z")


def test_an_end_beyond_now_is_now() -> None:
    assert ask(end="2030-01-01").window.end == instant("2026-04-30T04:00Z")


def test_zones_are_heeded() -> None:
    assert ask(start="2026-01-01T02:00+02:00").window.start == instant("2026-01-01")


def test_names_are_taken_once_and_in_order() -> None:
    assert ask(sources=["b", "a", "b"]).sources == ("b", "a")
    assert ask(symbols=["ETH", " BTC ", "ETH"]).symbols == ("ETH", "BTC")


@given(st.integers(1, 100), st.sets(st.integers(1, 5000)))
def test_each_coin_is_in_one_shard(of: int, keys: set[int]) -> None:
    shards = [ask(shard=f"{number}/{of}").shard for number in range(1, of + 1)]
    for key in keys:
        coin = Coin(key, "id", "SYMBOL", "name", 1)
        assert [shard.has(coin) for shard in shards].count(True) == 1


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"start": "2026-02-01", "end": "2026-01-01"}, "is not before end"),
        ({"start": "2026-02-01", "end": "2026-02-01"}, "is not before end"),
        ({"start": "2027-01-01"}, "is in the future"),
        ({"start": "2026-04-30T04:00Z"}, "is in the future"),
        ({"start_year": 2027}, "is in the future"),
        ({"start": "2026-01-01T00:00"}, "has no time zone"),
        ({"start": "yesterday"}, "is not a time"),
        ({"end": "2026-13-01"}, "is not a time"),
        ({"start": "2026-01-01", "start_year": 2020}, "are both given"),
        ({"start_year": 1066}, "out of range"),
        ({"start_year": 20260}, "out of range"),
        ({"max_coins": 0}, "write 1 to"),
        ({"max_coins": -5}, "write 1 to"),
        ({"hours": 0}, "write 1 to"),
        ({"hours": 10**12}, "write 1 to 8784"),
        ({"max_coins": 10**12}, "out of range"),
        ({"sources": ["a", "mtgox"]}, "no source mtgox"),
        ({"sources": []}, "no source is named"),
        ({"symbols": [" ", ""]}, "names no coin"),
        ({"shard": "2"}, "shard '2' is none: write 2/4"),
        ({"shard": "a/4"}, "write 2/4"),
        ({"shard": "2/4/8"}, "write 2/4"),
        ({"shard": "-1/4"}, "write 2/4"),
        ({"shard": "²/4"}, "write 2/4"),
        ({"shard": "0/4"}, "of 4 shards number 0 is out of range: write 1 to 4"),
        ({"shard": "5/4"}, "of 4 shards number 5 is out of range: write 1 to 4"),
        ({"shard": "1/0"}, "the number of shards 0 is out of range: write 1 to 100"),
        ({"shard": "1/101"}, "write 1 to 100"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(Misuse, match=says) as caught:
        ask(**asked)
    assert "\n" not in str(caught.value)
