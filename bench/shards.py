"""A backfill on one worker against four shards on two, by Prefect, at one venue.

Where the venue's budget is what holds a run up (OKX, 20 requests in 2 s), shards share it and gain
nothing: what is to be seen is that they lose little, and that the venue never says 429. Where its
answers are slow, more of them are under way at once. Each time a run's own time, from its start to
its end, by Prefect: so with the start of the shards' processes and the wait for them.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from bench import measure, prefects
from bench.venue_to_database import rows
from chandlery import store
from chandlery.engine.context import open_context
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import Timepiece
from sandbox.serving import serving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WAYS = {"one worker, one run": (1, 1), "two workers, four shards": (2, 4)}


@dataclass(frozen=True)
class Case:
    """What holds a run up: the venue, the hours of each coin, and the seconds of an answer."""

    source: str
    hours: int
    limits: bool
    slow: float = 0.0


CASES = {
    "its budget": Case("okx", 24 * 300, limits=True),
    "its answers": Case("binance_spot", 24 * 1000, limits=False, slow=2.0),
}


def simulated_clock() -> Timepiece:
    """For learning the coins, which CoinGecko lets nobody hurry at."""
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    return Timepiece(monotonic=lambda: time.monotonic() + slept[0], sleep=sleep)


def took(api: httpx.Client, parameters: Mapping[str, object]) -> float:
    """Have a backfill run; the seconds from its start to its end."""
    deployment = api.get("/deployments/name/backfill/backfill").json()["id"]
    asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    run = api.post(f"/deployments/{deployment}/create_flow_run", json=asked).json()["id"]
    path = f"/flow_runs/{run}"
    ends = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    prefects.wait(lambda: api.get(path).json().get("state", {}).get("type") in ends)
    found = api.get(path).json()
    if found["state"]["name"] != "Completed":
        raise measure.Unfit(f"the run ended as {found['state']}")
    start, end = (datetime.fromisoformat(found[name]) for name in ("start_time", "end_time"))
    return (end - start).total_seconds()


def empty(connection: store.Connection) -> None:
    """Leave the coins, and nothing of the round before."""
    connection.execute("truncate candle_1h, absence, outage, finding, account")
    connection.execute("update listing set starts_at = null")
    for aggregate in ("candle_4h", "candle_1d"):
        connection.execute(f"call refresh_continuous_aggregate('{aggregate}', null, null)")
    connection.execute("truncate stale")


def learnt(current: Settings, coins: int) -> None:
    """Let the database know the coins, from a sandbox like the others."""
    with serving(coins=coins, now=NOW, limits=False) as sandbox:
        asked = current.model_copy(update={"venues_url": sandbox.url})
        with open_context(asked, timepiece=simulated_clock()) as context:
            learn(context, NOW, coins)


def once(
    case: Case, way: tuple[int, int], coins: int, current: Settings
) -> tuple[float, int, Counter[int]]:
    """One run: its seconds, the candles there are then, and what the venue answered."""
    workers, shards = way
    options = {"coins": coins, "now": NOW, "limits": case.limits}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        serving(process=True, **options) as sandbox,
        store.connect(current) as connection,
        ExitStack() as stack,
    ):
        empty(connection)
        if case.slow:
            sandbox.fault("slow", source=case.source, seconds=case.slow)
        environment = prefects.environment(Path(name), current, sandbox.url, case.source)
        environment["PREFECT_WORKER_QUERY_SECONDS"] = "1"
        api, _ = stack.enter_context(prefects.server(Path(name), environment))
        for number in range(workers):
            words = ("worker", "start", "--name", str(number), "--pool", "chandlery")
            stack.enter_context(prefects.running(Path(name), environment, *words))
        start = NOW - timedelta(hours=case.hours)
        asked = {"start": start.isoformat(), "now": NOW.isoformat(), "shards": shards}
        seconds = took(api, asked)
        answers = Counter(each["status"] for each in sandbox.requests()["requests"])
        return seconds, rows(connection, "candle_1h"), answers


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--held-up-by", choices=CASES, action="append", help="all, if none is named"
    )
    options = parser.parse_args(arguments)
    figures: list[measure.Figure] = []
    with measure.database() as current:
        with store.connect(current) as connection:
            store.migrate(connection)
            print(f"{measure.about(connection)}; {options.rounds} rounds", flush=True)
        learnt(current, options.coins)
        for what in options.held_up_by or CASES:
            case = CASES[what]
            for name, way in WAYS.items():
                found = [once(case, way, options.coins, current) for _ in range(options.rounds)]
                took = [each[0] for each in found]
                seconds = measure.spread(took, ".1f")
                figures.append(measure.Figure(f"held up by {what}; {name}", took, "s", form=".1f"))
                stored = {each[1] for each in found}
                answers = sum((each[2] for each in found), Counter[int]())
                print(f"held up by {what}; {name}: {seconds} s, {stored} candles, {dict(answers)}")
    return figures


if __name__ == "__main__":
    measure.run(main)
