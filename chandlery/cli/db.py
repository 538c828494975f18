"""`chandlery db`: the embedded TimescaleDB, started and stopped by hand."""

from dataclasses import asdict

import click

from chandlery import embedded
from chandlery.cli.console import print_json
from chandlery.cli.options import JSON, options
from chandlery.settings import settings

PORT = click.IntRange(1, 65535)


@click.group()
def db() -> None:
    """The embedded TimescaleDB: it starts by itself, and stops when nobody uses it."""


@db.command()
@click.option(
    "--tcp", type=PORT, metavar="PORT", help="Listen on 127.0.0.1 too, for psql, Grafana."
)
def start(tcp: int | None) -> None:
    """Start it, if it does not run, and print its address."""
    home = settings().home
    dsn = embedded.ensure(home, tcp=tcp)
    found = embedded.status(home)
    click.echo(found.tcp_dsn if tcp and found else dsn)


@db.command()
def stop() -> None:
    """Stop it; what is committed is kept."""
    click.echo("stopped" if embedded.stop(settings().home) else "it was not running")


@db.command()
@options(JSON)
def status(*, as_json: bool) -> None:
    """Say whether it runs, and where."""
    found = embedded.status(settings().home)
    if as_json:
        print_json({} if found is None else asdict(found))
    elif found is None:
        click.echo("it is not running; the next command starts it")
    else:
        addresses = [found.dsn] if found.tcp_dsn is None else [found.dsn, found.tcp_dsn]
        click.echo("\n".join([f"process {found.pid}", *addresses]))
