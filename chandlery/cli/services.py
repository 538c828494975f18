"""What `chandlery up` starts, in order; what it watches; what it stops, in the other order."""

import json
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import sleep
from typing import TypeVar

import click
import httpx

from chandlery import embedded, store
from chandlery.cli.automations import applied, said
from chandlery.cli.config import masked
from chandlery.errors import ChandleryError, Misuse
from chandlery.local.asked_again import Patience
from chandlery.local.instance import ROOT, Place, Told, environment
from chandlery.local.prefect_api import POOL, Server
from chandlery.local.processes import Kept, keep, until
from chandlery.settings import Settings
from chandlery.venues import Timepiece

T = TypeVar("T")

START_SECONDS = 300.0  # a slow, busy machine's first start takes a minute
WATCH_SECONDS = 0.5
LAST_WORD_SECONDS = 20.0  # `down` waits for two minutes in all
NOT_IN_SANDBOX = ("database_url", "proxy", "notify_url")
PREFECT = (sys.executable, "-m", "prefect")
SERVER = "chandlery.local.prefect_server"


class Stopped(Exception):
    """Somebody wants everything to stop."""


class Died(ChandleryError):
    """A process that was to stay has ended, or one that was to do something failed."""

    def __init__(self, kept: Kept) -> None:
        last = "\n".join(f"  {line}" for line in kept.last_lines())
        super().__init__(
            f"chandlery: {kept.name} ended with exit code {kept.code};"
            f" the last lines of {kept.log}:\n{last}"
        )


@dataclass
class Stop:
    """Whether somebody wants everything to stop; not an Event, which a signal must not set."""

    asked: bool = False

    def ask(self, *_: object) -> None:
        """Want it."""
        self.asked = True


@dataclass
class Machine:
    """Everything that runs, and where it is."""

    place: Place
    ui: str
    stopping: Stop
    health_port: int
    kept: list[Kept] = field(default_factory=list)
    engine: store.Connection | None = None
    engine_is_ours: bool = False

    @property
    def server(self) -> Server:
        """Prefect's server."""
        return Server(f"{self.ui}/api", Patience(time=Timepiece(sleep=self._pause)))

    def start(self, current: Settings, *, sandbox: bool) -> None:
        """Start all of it, and say where it is."""
        self._tell()
        if sandbox:
            current = self._sandbox(current)
        self._database(current)
        self._serve(current, sandbox=sandbox)
        given = environment(current, self.server.api, sandbox=sandbox)
        self._deploy(given)
        click.echo(said(applied(self.server, current)))
        self._work(given)
        self._health(given)
        click.echo(f"logs        {self.place.logs}/")
        click.echo("Ctrl-C here stops all of it, `chandlery down` from elsewhere.")

    def watch(self) -> None:
        """Stay until somebody wants it to stop (Stopped) or a process ends (Died)."""
        while True:
            self._pause(WATCH_SECONDS)

    def stop(self) -> None:
        """Stop all of it; the worker before the server, which is told what became of its runs."""
        while self.kept:
            kept = self.kept.pop()
            kept.stop()
            if kept.name == "worker" and all(other.code is None for other in self.kept):
                server = Server(self.server.api, Patience(LAST_WORD_SECONDS))
                with suppress(httpx.HTTPError):  # else the next `up` does it
                    server.bury(server.under_way())
        if self.engine:
            self.engine.close()
        if self.engine_is_ours:
            embedded.stop(self.place.home)
        self.place.forget()

    def _sandbox(self, current: Settings) -> Settings:
        given = environment(current, self.server.api, sandbox=True)
        command = (sys.executable, "-m", "sandbox", "--port=0")
        venues = self._keep("sandbox", command, given)
        told = self._wait(lambda: _first_line(venues), "the sandbox")
        click.echo(f"sandbox     {told['url']}  {told['candles']}")
        here = {"home": self.place.home, "venues_url": told["url"]}
        return current.model_copy(update={**here, **dict.fromkeys(NOT_IN_SANDBOX)})

    def _database(self, current: Settings) -> None:
        """Open it and bring it up to date; one of ours stays as long as a connection is open."""
        ours = current.database_url is None and embedded.status(current.home) is None
        connection = store.connect(current)
        self.engine_is_ours = ours
        self._tell()
        store.migrate(connection)
        if current.database_url is None:
            self.engine = connection
            click.echo(f"database    embedded, {current.home / 'pgdata'}")
        else:
            connection.close()
            click.echo(f"database    {masked('DATABASE_URL', current.database_url)}")

    def _serve(self, current: Settings, *, sandbox: bool) -> None:
        self.place.prefect.mkdir(mode=0o700, parents=True, exist_ok=True)
        given = environment(current, self.server.api, sandbox=sandbox, secrets=False)
        host, _, port = self.ui.removeprefix("http://").partition(":")
        command = (sys.executable, "-m", SERVER, "--host", host, "--port", port)
        self._keep("server", command, given)
        self._wait(self.server.healthy, "Prefect's server")
        buried = self.server.bury(self.server.under_way())
        click.echo(f"server      {self.ui}  (Prefect's UI; its database: {self.place.prefect}/)")
        if buried:
            click.echo(f"            runs that never ended, called crashed now: {buried}")

    def _deploy(self, given: Mapping[str, str]) -> None:
        if not self.server.has_pool():
            self._carry_out("pool", ("work-pool", "create", POOL, "--type", "process"), given)
        if (ROOT / "prefect.yaml").exists():
            off = self.server.schedules(active=False)
            self._carry_out("deploy", ("--no-prompt", "deploy", "--all"), given)
            # Deploying switches on what somebody has switched off.
            for schedule, path in self.server.schedules(active=True).items():
                if schedule in off:
                    self.server.pause(path)
        names = self.server.deployments()
        click.echo(f"deployments {', '.join(names) or f'none: no prefect.yaml in {ROOT}'}")
        if names:
            told = f"PREFECT_API_URL={self.server.api} prefect deployment run {names[0]}"
            click.echo(f"run one     {told}")

    def _work(self, given: Mapping[str, str]) -> None:
        command = ("worker", "start", "--pool", POOL, "--type", "process", "--name", "chandlery")
        self._keep("worker", (*PREFECT, *command), given)
        self._wait(lambda: self.server.workers_online() or None, "Prefect's worker")
        click.echo(f"worker      runs what the pool {POOL} is given")

    def _health(self, given: Mapping[str, str]) -> None:
        command = (sys.executable, "-m", "chandlery", "health", "--serve", str(self.health_port))
        self._keep("health", command, given)
        where = f"http://127.0.0.1:{self.health_port}"
        self._wait(lambda: _answers(f"{where}/metrics"), "`chandlery health`")
        click.echo(f"health      {where}/health, {where}/metrics for Prometheus")

    def _tell(self) -> None:
        self.place.tell(Told.ours(self.ui, engine=self.engine_is_ours))

    def _keep(self, name: str, command: tuple[str, ...], given: Mapping[str, str]) -> Kept:
        kept = keep(name, command, folder=self.place.logs, cwd=ROOT, env=given)
        self.kept.append(kept)
        return kept

    def _carry_out(self, name: str, words: tuple[str, ...], given: Mapping[str, str]) -> None:
        """Run one of Prefect's commands to its end."""
        kept = keep(name, (*PREFECT, *words), folder=self.place.logs, cwd=ROOT, env=given)
        try:
            code = self._wait(lambda: kept.code, f"`prefect {' '.join(words)}`")
        finally:
            kept.stop()
        if code:
            raise Died(kept)

    def _wait(self, attempt: Callable[[], T | None], what: str) -> T:
        found = until(attempt, START_SECONDS, pause=self._pause)
        if found is None:
            raise ChandleryError(
                f"{what} took longer than {START_SECONDS:.0f} s: see {self.place.logs}"
            )
        return found

    def _pause(self, seconds: float) -> None:
        while seconds > 0:
            sleep(min(seconds, WATCH_SECONDS))
            seconds -= WATCH_SECONDS
            self._look()

    def _look(self) -> None:
        if self.stopping.asked:
            raise Stopped
        for kept in self.kept:
            if kept.code is not None:
                raise Died(kept)


def free_port(wanted: int, option: str = "--port") -> int:
    """The port, if nobody has it; a free one for 0. Misuse names the option that gives another."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", wanted))
        except OSError:
            raise Misuse(
                f"port {wanted} is taken: stop what has it, or give {option} another"
                " (0: a free one)"
            ) from None
        return int(taken.getsockname()[1])


def _answers(url: str) -> bool | None:
    try:
        httpx.get(url, timeout=START_SECONDS)
    except httpx.TransportError:
        return None
    return True


def _first_line(kept: Kept) -> dict[str, str] | None:
    with kept.log.open(encoding="utf-8") as file:
        line = file.readline()
    return dict(json.loads(line)) if line.endswith("\n") else None
