"""`chandlery up` and `chandlery down`: everything on one machine, as one command."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import httpx

from chandlery import embedded
from chandlery.cli.services import Died, Machine, Stop, Stopped, free_port
from chandlery.errors import ChandleryError, Misuse
from chandlery.local.asked_again import why
from chandlery.local.instance import ROOT, Place
from chandlery.local.processes import sweep, until
from chandlery.settings import Settings, settings

PORT = 4200
STOP_SECONDS = 120.0
TOLD_SECONDS = 10.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Where Prefect's UI is, on this machine only; 0 takes a free one.",
)
@click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Where /metrics and /health are, on this machine only. [default: the next after --port]",
)
@click.option("--sandbox", is_flag=True, help="Made-up venues, and a database of their own.")
def up(*, port: int, health_port: int | None, sandbox: bool) -> int:
    """Run everything here: database, Prefect's server and UI, schedules, worker.

    It stays until Ctrl-C, SIGTERM or `chandlery down`, and takes all of it along.
    """
    os.umask(0o077)  # what Secret blocks hold is in Prefect's database
    current = settings()
    _refuse_two_files()
    place = Place(current.home / "sandbox" if sandbox else current.home)
    with place.held() as ours, _asked_to_stop() as stop:
        if not ours:
            raise Misuse(_already(place))
        ui = free_port(port)
        told = free_port(_next(port) if health_port is None else health_port, "--health-port")
        return _up(Machine(place, f"http://127.0.0.1:{ui}", stop, told), current, sandbox=sandbox)


def _next(port: int) -> int:
    return port and (port + 1) % 65536


def _up(machine: Machine, current: Settings, *, sandbox: bool) -> int:
    _clear(machine.place)
    try:
        machine.start(current, sandbox=sandbox)
        machine.watch()
    except Stopped:
        click.echo("stopping")
    except Died as died:
        click.echo(str(died), err=True)
        return 1
    except httpx.HTTPError as error:
        raise ChandleryError(
            f"Prefect's server is too busy or went away ({why(error)}): see"
            f" {machine.place.logs / 'server.log'}, and run it again"
        ) from None
    finally:
        machine.stop()
    click.echo("stopped")
    return 0


@click.command()
def down() -> None:
    """Stop what `chandlery up` runs, wherever it was started."""
    home = settings().home
    ended = [_down(Place(place)) for place in (home, home / "sandbox")]
    if not any(ended):
        click.echo("it was not running")


def _down(place: Place) -> bool:
    if not place.home.is_dir():
        return False
    if not place.taken():
        return _clear(place)
    told = until(place.last, TOLD_SECONDS)
    if told is None:
        raise Misuse(f"what runs on {place.home} does not say its process: stop it where it runs")
    with suppress(ProcessLookupError):
        os.kill(told.pid, signal.SIGTERM)
    if until(lambda: None if place.taken() else True, STOP_SECONDS) is None:
        raise ChandleryError(
            f"process {told.pid} is still stopping: end it with `kill -9 {told.pid}`"
            " and run `chandlery down` again"
        )
    click.echo(f"stopped {told.ui}")
    return True


def _clear(place: Place) -> bool:
    """End what one left that was itself ended at once; False if there is nothing of the kind."""
    told, ended = place.last(), sweep(place.logs)
    if told and told.engine:
        embedded.stop(place.home)
    place.forget()
    if ended:
        click.echo(f"processes that an earlier one left, ended now: {ended}")
    return ended > 0


def _already(place: Place) -> str:
    told = until(place.last, TOLD_SECONDS)
    where = f"{told.ui}, process {told.pid}" if told else f"on {place.home}"
    return f"it runs already: {where}; `chandlery down` stops it"


def _refuse_two_files() -> None:
    """Flows run in Chandlery's folder, and read the .env there."""
    if not (ROOT / "prefect.yaml").exists():
        raise Misuse("it runs in a clone, whose prefect.yaml tells the schedules: see README")
    if Path.cwd() != ROOT and (ROOT / ".env").exists():
        raise Misuse(f"run it in {ROOT}: the flows read the .env that is there")


@contextmanager
def _asked_to_stop() -> Iterator[Stop]:
    """Whether a signal has come that wants us to stop."""
    stop = Stop()
    before = {number: signal.signal(number, stop.ask) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
