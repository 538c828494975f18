"""`chandlery health`: whether collection goes on, for people, cron and monitors."""

from collections.abc import Iterator
from datetime import timedelta

import click

from chandlery import store
from chandlery.cli.console import output, print_json
from chandlery.cli.options import JSON, NOW, at, options
from chandlery.model import utc_text
from chandlery.quality.health import LATE, Health, look
from chandlery.settings import Settings, settings
from chandlery.words import counted


@click.command()
@click.option(
    "--late",
    default=LATE // timedelta(hours=1),
    show_default=True,
    type=click.IntRange(1, 1000),
    metavar="HOURS",
    help="So long may the newest hour be missing.",
)
@click.option("--prometheus", is_flag=True, help="Print it as Prometheus reads it.")
@click.option(
    "--serve",
    "port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Stay, and answer /metrics and /health on this machine.",
)
@options(NOW, JSON)
def health(*, late: int, prometheus: bool, port: int | None, now: str | None, as_json: bool) -> int:
    """Say whether collection goes on. Asks no venue.

    Exit code 1: it does not, and why is said.
    """
    current, patience = settings(), timedelta(hours=late)

    def looked() -> Health:
        return _look(current, now, patience)

    if port is not None:
        from chandlery.cli.health_server import serve  # noqa: PLC0415 - who only asks does not wait

        return serve(looked, port)
    found = looked()
    if prometheus:
        from chandlery.reports.metrics import metrics  # noqa: PLC0415 - the same

        click.echo(metrics(found).decode(), nl=False)
    elif as_json:
        print_json(found.statistics())
    else:
        _print(found)
    return 1 if found.problems else 0


def _look(current: Settings, now: str | None, late: timedelta) -> Health:
    with store.connect(current) as connection:
        store.migrate(connection)
        return look(connection, at(now), late)


def _print(found: Health) -> None:
    output.print("\n".join(_lines(found)), highlight=False, markup=False, soft_wrap=True)


def _lines(found: Health) -> Iterator[str]:
    yield from found.problems or ["healthy"]
    coins, late = found.fresh.coins, found.fresh.coins - found.fresh.fresh
    yield f"newest candle closed at {utc_text(found.fresh.newest)}"
    yield f"{counted(coins, 'listed coin')} with candles, {late:,} late"
    for run in found.runs:
        failed = f"; failed for {run.failed:,} of {run.coins:,} coins" if run.failed else ""
        ended = f"last good run {utc_text(run.good_at)}, last run {utc_text(run.ended_at)}"
        yield f"{run.verb}: {ended}{failed}"
    if ill := [source.source for source in found.sources if not source.is_well]:
        yield f"ill: {', '.join(ill)} (`chandlery sources` says why)"
