"""Prefect's share of an hourly run: the flow against `chandlery hourly`, an hour of 1,000 coins.

Each run collects one hour of each coin from a sandbox into a database that has the 23 before it;
each has an hour of its own, in turn. The flow talks to a Prefect server of this bench's own; once
as a process that is begun by hand, once through a worker as every hour at minute 5. CoinGecko is
not asked: for the coins that nobody else has, its budget of requests has a run wait for minutes.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx

import store
from bench import measure
from bench.venue_to_database import Spent, spend
from sandbox.serving import serving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BEGIN = NOW - timedelta(hours=72)
TRADED = "binance_futures,binance_spot,okx,bybit"
CLI, BY_HAND, WORKER = "chandlery hourly", "the flow, by hand", "the flow, by a worker"
TICK = os.sysconf("SC_CLK_TCK")
PATIENCE = 300.0


@dataclass
class Server:
    """A Prefect server, a worker, and who runs them."""

    api: httpx.Client
    environment: Mapping[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def cpu(self) -> float:
        """Seconds of processor time that the server has taken."""
        parts = Path(f"/proc/{self.processes[0].pid}/stat").read_text("ascii").rpartition(")")
        user, system = parts[2].split()[11:13]
        return (int(user) + int(system)) / TICK

    def by_worker(self, now: datetime) -> float:
        """Have a worker do an hourly run; seconds from when it is asked for to its end."""
        found = self.api.get("/deployments/name/hourly/hourly").json()
        began = perf_counter()
        body = {"parameters": {"now": now.isoformat()}, "state": {"type": "SCHEDULED"}}
        made = self.api.post(f"/deployments/{found['id']}/create_flow_run", json=body).json()

        def ended() -> str | None:
            state = self.api.get(f"/flow_runs/{made['id']}").json()["state"]
            return state["name"] if state["type"] not in UNDER_WAY else None

        name = until(ended)
        if name != "Completed":
            raise measure.Unfit(f"the run by a worker ended as {name}")
        return perf_counter() - began


UNDER_WAY = ("SCHEDULED", "PENDING", "RUNNING")


def until(look: Callable[[], Any]) -> Any:  # noqa: ANN401
    """What `look` finds in the end."""
    end = perf_counter() + PATIENCE
    while perf_counter() < end:
        if found := look():
            return found
        time.sleep(0.1)
    raise measure.Unfit(f"a Prefect server or worker did not do its work in {PATIENCE:.0f} s")


@contextmanager
def prefect(environment: Mapping[str, str]) -> Iterator[Server]:
    """Run a server with the deployments and a worker, as README tells to."""
    with ExitStack() as stack:
        home = stack.enter_context(TemporaryDirectory(prefix="bench-"))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        url = f"http://127.0.0.1:{port}/api"
        own = {**environment, "PREFECT_HOME": home, "PREFECT_API_URL": url, "DO_NOT_TRACK": "1"}
        api = stack.enter_context(httpx.Client(base_url=url, timeout=60, trust_env=False))
        server = Server(api, own)
        stack.callback(stop, server.processes)
        server.processes.append(start(own, "server", "start", "--port", str(port)))
        until(lambda: healthy(api))
        for words in (
            ("work-pool", "create", "chandlery", "--type", "process", "--overwrite"),
            ("--no-prompt", "deploy", "--all"),
        ):
            command = [sys.executable, "-m", "prefect", *words]
            subprocess.run(command, cwd=measure.ROOT, env=own, check=True, capture_output=True)  # noqa: S603
        server.processes.append(start(own, "worker", "start", "--pool", "chandlery"))
        until(lambda: api.post("/work_pools/chandlery/workers/filter", json={}).json())
        yield server


def healthy(api: httpx.Client) -> bool:
    """Whether it answers by now."""
    try:
        return bool(api.get("/health").json())
    except httpx.HTTPError:
        return False


def start(environment: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
    """Start a process of Prefect's."""
    return subprocess.Popen(  # noqa: S603  our own command, as a list
        [sys.executable, "-m", "prefect", *words],
        cwd=measure.ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """The worker first."""
    for process in reversed(processes):
        process.terminate()
        process.wait(60)


def flow(now: datetime) -> list[str]:
    """The flow in a process of its own."""
    return [sys.executable, "-c", f"from flows.hourly import hourly; hourly(now='{now}')"]


def cli(now: datetime) -> list[str]:
    """The same run without Prefect."""
    return [sys.executable, "-m", "chandlery", "hourly", "--json", f"--now={now.isoformat()}"]


def measured(
    server: Server, connection: store.Connection, rounds: int
) -> tuple[dict[str, list[Spent]], list[float], list[float]]:
    """Each way in turn: what the processes took, seconds by a worker, the server's CPU a run.

    What a venue allows is given back before each: in the world an hour lies between them.
    """
    spent: dict[str, list[Spent]] = defaultdict(list)
    by_worker, cpu = [], []
    now = BEGIN
    spend(cli(now), server.environment)  # the first 24 hours
    for turn in range(rounds + 1):
        for way, command in ((CLI, cli), (BY_HAND, flow)):
            now += timedelta(hours=1)
            connection.execute("delete from account")
            took = spend(command(now), server.environment)
            if turn:
                spent[way].append(took)
        before = server.cpu()
        now += timedelta(hours=1)
        connection.execute("delete from account")
        took_whole = server.by_worker(now)
        if turn:
            by_worker.append(took_whole)
            cpu.append(server.cpu() - before)
    return spent, by_worker, cpu


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sources", default=TRADED, help="where a coin is traded, by default")
    parser.add_argument("--limits", action="store_true", help="the venues' own, as in the world")
    options = parser.parse_args()
    with (
        serving(process=True, coins=options.coins, now=NOW, limits=options.limits) as sandbox,
        measure.database() as current,
    ):
        with store.connect(current) as connection:
            store.migrate(connection)
            print(f"{options.coins:,} coins, {measure.about(connection)}", flush=True)
        environment = {
            **os.environ,
            "DATABASE_URL": current.database_url or "",
            "CHANDLERY_HOME": str(current.home),
            "CHANDLERY_VENUES_URL": sandbox.url,
            "CHANDLERY_SOURCES": options.sources,
        }
        with prefect(environment) as server, store.connect(current) as connection:
            spent, by_worker, cpu = measured(server, connection, options.rounds)
    plain = [each.seconds for each in spent[CLI]]
    for way, times in (
        (CLI, plain),
        (BY_HAND, [each.seconds for each in spent[BY_HAND]]),
        (WORKER, by_worker),
    ):
        ratio = measure.spread(measure.ratios(times, plain), ".2f")
        print(f"{way:22} {measure.spread(times, '.2f'):>24} s {ratio:>24} times as long")
    for way, each in spent.items():
        print(f"{way:22} {measure.spread([one.cpu for one in each], '.2f'):>24} s of CPU")
    print(f"{'Prefect server':22} {measure.spread(cpu, '.2f'):>24} s of CPU a run")
    return 0


if __name__ == "__main__":
    measure.run(main)
