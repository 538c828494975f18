"""`chandlery bury`: runs that Prefect shows as running for ever, as they died with their worker."""

import click
import httpx

from chandlery.errors import ChandleryError
from chandlery.local.asked_again import why
from chandlery.local.prefect_api import Row, Server, answering
from chandlery.local.processes import has
from chandlery.settings import settings
from chandlery.words import counted


@click.command()
def bury() -> None:
    """Call crashed what Prefect shows as running, and nobody runs any more.

    That is what died together with its worker, as in a power loss. What a worker that is online
    runs, here or elsewhere, is left alone, and so is what still runs here without one.
    """
    server = answering(settings().home)
    try:
        _bury(server)
    except httpx.HTTPError as error:
        raise ChandleryError(
            f"Prefect's server at {server.api} is busy or went away ({why(error)}): run"
            " `chandlery bury` again once it answers"
        ) from None


def _bury(server: Server) -> None:
    runs, workers = server.under_way(), server.workers_online()
    left = [run for run in runs if not _runs_here(run)]
    dead = [run for run in left if not _has_worker(run, workers)]
    click.echo(f"{counted(server.bury(dead), 'run')} called crashed")
    if len(dead) < len(left):
        click.echo(
            f"{counted(len(left) - len(dead), 'run')} left to a worker that is shown as online;"
            " one that was killed is for a minute and a half"
        )


def _has_worker(run: Row, workers: set[str]) -> bool:
    """Whether the worker that took it is online; any may be, where it is not told yet."""
    worker = run["labels"].get("prefect.worker.name")
    return bool(workers) if worker is None else worker in workers


def _runs_here(run: Row) -> bool:
    pid = run["infrastructure_pid"] or ""
    return pid.isdecimal() and has(int(pid), "PREFECT__FLOW_RUN_ID", run["id"])
