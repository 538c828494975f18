"""The verb `coins`, and what runs and `status` say of the coins there are."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from chandlery.model import instant
from sandbox import Serving, serving
from tests.engine.replay import coin, hours, lay, listed

Run = Callable[..., subprocess.CompletedProcess[str]]
NOW = "2026-03-01T00:30Z"
FROM, TO = instant("2026-02-20"), instant("2026-03-02")
IDS = {"BTC": "bitcoin", "XAUT": "tether-gold", "AAPLX": "apple-xstock"}


def place(folder: Path, ids: dict[str, str], start: datetime = FROM, end: datetime = TO) -> Path:
    """Coins by ticker, each at Binance spot."""
    for price, ticker in enumerate(ids, start=1):
        lay(folder, "binance_spot", f"{ticker}USDT", hours(start, end, float(price)))
    coins = [
        coin(id_, ticker.lower(), rank, listed("binance_spot", f"{ticker}USDT"))
        for rank, (ticker, id_) in enumerate(ids.items(), start=1)
    ]
    (folder / "coins.json").write_text(json.dumps(coins))
    return folder


@pytest.fixture
def venues(tmp_path: Path) -> Iterator[Serving]:
    folder = place(tmp_path / "market", IDS)
    with serving(market=folder, now=instant(NOW), limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def sources() -> str:
    return "binance_spot"


def told(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_tokens_on_gold_are_collected_and_what_is_left_out_is_told(run: Run) -> None:
    done = told(run("backfill", "--start", "2026-02-25", "--now", NOW, "--json"))
    assert (done["total_symbols"], done["successful"]) == (2, 2)
    status = told(run("status", "--now", NOW, "--json"))
    assert status["left_out"] == {"stock or fund": 1}
    assert "left out: 1 stock or fund (`chandlery coins --left-out`" in run("status").stdout
    assert told(run("coins", "--left-out", "--json"))["left_out"] == [
        {
            "key": 3,
            "id": "apple-xstock",
            "symbol": "AAPLX",
            "name": "apple-xstock",
            "rank": 3,
            "why": "stock or fund",
        }
    ]
    assert "AAPLX  apple-xstock  3     stock or fund" in run("coins", "--left-out").stdout


def test_a_setting_takes_in_what_is_left_out_and_out_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(run("coins", "--now", NOW, "--json"))["coins"] == 3
    for included, left_out in (("*-xstock", {}), ("", {"stock or fund": 1})):
        monkeypatch.setenv("CHANDLERY_INCLUDE", included)
        run("coins", "--now", NOW)
        assert told(run("status", "--now", NOW, "--json"))["left_out"] == left_out


def test_the_coins_of_a_day_are_listed_with_what_ranks_them(run: Run) -> None:
    told(run("backfill", "--start", "2026-02-20", "--now", NOW, "--json"))
    today = told(run("coins", "--at", "2026-03-01", "--max-coins", "2", "--json"))
    assert [row["id"] for row in today.pop("coins")] == ["bitcoin", "tether-gold"]  # type: ignore[attr-defined]
    ranking = {"basis": "market_cap", "ranked_on": "2026-03-01", "without_market_cap": None}
    assert today == {"day": "2026-03-01", **ranking}
    before = run("coins", "--at", "2026-02-25")
    assert [line.split() for line in before.stdout.splitlines()[1:3]] == [
        ["1", "XAUT", "tether-gold", "2,400"],
        ["2", "BTC", "bitcoin", "1,200"],
    ], before.stdout
    words = "ranked by dollars traded in the 30 days before 2026-02-25, by the candles held"
    assert words in before.stdout
    assert "of the best by volume 2 coins have no market cap on that day" in before.stdout
    nothing = run("coins", "--at", "2019-01-01")
    assert (nothing.returncode, "no rank of 2019-01-01 is known" in nothing.stdout) == (0, True)
    assert told(run("coins", "--at", "2019-01-01", "--json"))["coins"] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--at", "noon"), "at 'noon' is not a time: write 2024-01-31"),
        (
            ("--at", "2026-04-01", "--now", "2026-03-01T05:00Z"),
            "at 2026-04-01 is to come: write a day up to 2026-03-01",
        ),
        (("--ranked-by", "volume_30d"), "write --at DAY with it"),
        (
            ("--at", "2026-03-01", "--left-out"),
            "write it without --relearn, --left-out and --market-caps",
        ),
    ],
)
def test_a_mistake_about_a_day_is_a_line(run: Run, words: tuple[str, ...], says: str) -> None:
    done = run("coins", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr


def test_market_caps_of_the_past_year_are_learnt_for_as_many_as_asked(run: Run) -> None:
    words = "market caps of the past year: 2 coins"
    assert words not in run("coins", "--now", NOW).stdout
    assert words in run("coins", "--market-caps", "2", "--now", NOW).stdout
    later = told(run("coins", "--at", "2026-02-25", "--json"))
    assert (later["basis"], len(later["coins"])) == ("market_cap_later", 2)  # type: ignore[arg-type]


def test_runs_and_status_say_how_many_coins_are_known_of_how_many(run: Run) -> None:
    told(run("coins", "--max-coins", "2", "--now", NOW, "--json"))
    words = "2 of 3 coins are known: sync-coins learns the rest, or `chandlery coins`"
    done = told(run("hourly", "--now", NOW, "--json"))
    assert done["universe"] == {"known": 2, "there_are": 3}
    assert words in run("hourly", "--now", NOW).stdout
    assert words not in run("hourly", "--max-coins", "1", "--now", NOW).stdout
    assert words in run("status", "--now", NOW).stdout
    told(run("coins", "--now", NOW, "--json"))
    assert told(run("hourly", "--now", NOW, "--json"))["universe"] == {"known": 3, "there_are": 3}
    assert "are known" not in run("hourly", "--now", NOW).stdout
