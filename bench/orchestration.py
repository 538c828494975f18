"""Prefect's share of an hourly run: the flow against `chandlery hourly`, an hour of 1,000 coins.

Each run collects one hour of each coin from a sandbox into a database that has the 23 before it;
each has an hour of its own, in turn. The flow talks to a Prefect server of this bench's own; once
as a process that is begun by hand, once through a worker as every hour at minute 5. CoinGecko is
not asked: for the coins that nobody else has, its budget of requests has a run wait for minutes.
"""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx

from bench import measure, prefects
from bench.builds import Spent, spend
from chandlery import store
from chandlery.settings import Settings
from sandbox.serving import serving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BEGIN = NOW - timedelta(hours=72)
TRADED = "binance_futures,binance_spot,okx,bybit"
CLI, BY_HAND, WORKER = "chandlery hourly", "the flow, by hand", "the flow, by a worker"
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Site:
    """A Prefect server, and the environment of all that works with it."""

    api: httpx.Client
    server: int  # its process
    environment: Mapping[str, str]

    def cpu(self) -> float:
        """Seconds of processor time that the server has taken."""
        parts = Path(f"/proc/{self.server}/stat").read_text("ascii").rpartition(")")
        user, system = parts[2].split()[11:13]
        return (int(user) + int(system)) / TICK

    def by_worker(self, now: datetime) -> float:
        """Have a worker do an hourly run; seconds from when it is asked for to its end."""
        found = self.api.get("/deployments/name/hourly/hourly").json()
        body = {"parameters": {"now": now.isoformat()}, "state": {"type": "SCHEDULED"}}
        began = perf_counter()
        made = self.api.post(f"/deployments/{found['id']}/create_flow_run", json=body).json()
        path = f"/flow_runs/{made['id']}"
        prefects.wait(lambda: self.api.get(path).json()["state"]["type"] not in UNDER_WAY)
        took = perf_counter() - began
        if (name := self.api.get(path).json()["state"]["name"]) != "Completed":
            raise measure.Unfit(f"the run by a worker ended as {name}")
        return took


UNDER_WAY = ("SCHEDULED", "PENDING", "RUNNING")


@contextmanager
def site(current: Settings, venues: str, sources: str) -> Iterator[Site]:
    """A server with the deployments, and a worker."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        environment = prefects.environment(folder, current, venues, sources)
        api, process = stack.enter_context(prefects.server(folder, environment))
        words = ("worker", "start", "--pool", "chandlery")
        stack.enter_context(prefects.running(folder, environment, *words))
        yield Site(api, process.pid, environment)


def flow(now: datetime) -> list[str]:
    """The flow in a process of its own."""
    return [sys.executable, "-c", f"from flows.hourly import hourly; hourly(now='{now}')"]


def cli(now: datetime) -> list[str]:
    """The same run without Prefect."""
    return [sys.executable, "-m", "chandlery", "hourly", "--json", f"--now={now.isoformat()}"]


def measured(
    site: Site, connection: store.Connection, rounds: int
) -> tuple[dict[str, list[Spent]], list[float], list[float]]:
    """Each way in turn: what the processes took, seconds by a worker, the server's CPU a run.

    What a venue allows is given back before each: in the world an hour lies between them.
    """
    spent: dict[str, list[Spent]] = defaultdict(list)
    by_worker, cpu = [], []
    now = BEGIN
    spend(cli(now), site.environment)  # the first 24 hours
    for turn in range(rounds + 1):
        for way, command in ((CLI, cli), (BY_HAND, flow)):
            now += timedelta(hours=1)
            connection.execute("delete from account")
            took = spend(command(now), site.environment)
            if turn:
                spent[way].append(took)
        before = site.cpu()
        now += timedelta(hours=1)
        connection.execute("delete from account")
        took_whole = site.by_worker(now)
        if turn:
            by_worker.append(took_whole)
            cpu.append(site.cpu() - before)
    return spent, by_worker, cpu


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sources", default=TRADED, help="where a coin is traded, by default")
    parser.add_argument("--limits", action="store_true", help="the venues' own, as in the world")
    options = parser.parse_args(arguments)
    figures: list[measure.Figure] = []
    with (
        serving(process=True, coins=options.coins, now=NOW, limits=options.limits) as sandbox,
        measure.database() as current,
    ):
        with store.connect(current) as connection:
            store.migrate(connection)
            print(f"{options.coins:,} coins, {measure.about(connection)}", flush=True)
        with (
            site(current, sandbox.url, options.sources) as made,
            store.connect(current) as connection,
        ):
            spent, by_worker, cpu = measured(made, connection, options.rounds)
    plain = [each.seconds for each in spent[CLI]]
    for way, times in (
        (CLI, plain),
        (BY_HAND, [each.seconds for each in spent[BY_HAND]]),
        (WORKER, by_worker),
    ):
        ratio = measure.spread(measure.ratios(times, plain), ".2f")
        what = f"an hour of {options.coins:,} coins, {way}"
        theirs = [] if way == CLI else plain
        figures.append(measure.Figure(what, times, "s", peer=CLI, theirs=theirs))
        print(f"{way:22} {measure.spread(times, '.2f'):>24} s {ratio:>24} times as long")
    for way, each in spent.items():
        print(f"{way:22} {measure.spread([one.cpu for one in each], '.2f'):>24} s of CPU")
    print(f"{'Prefect server':22} {measure.spread(cpu, '.2f'):>24} s of CPU a run")
    return figures


if __name__ == "__main__":
    measure.run(main)
