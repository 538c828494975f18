"""`chandlery check`: whether what is stored is sound."""

from functools import partial

import click

from chandlery import moving, store
from chandlery.cli.console import errors, output, print_json, progress, say
from chandlery.cli.options import JSON, options
from chandlery.settings import settings


@click.command()
@options(JSON)
def check(*, as_json: bool) -> int:
    """Read everything, compare bars with hours and hours with rules; say what mends what.

    Nothing is written, and no venue is asked. Exit code 1: there are faults, a line each.
    """
    with progress("check", shown=not as_json) as bar, store.connect(settings()) as connection:
        store.migrate(connection)
        found = moving.check(connection, partial(say, bar))
    if as_json:
        print_json(found.statistics())
        return 1 if found.faults else 0
    for fault in found.faults:
        errors.print(str(fault), highlight=False, markup=False, soft_wrap=True)
    output.print(found.summary(), highlight=False, soft_wrap=True)
    return 1 if found.faults else 0
