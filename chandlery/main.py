"""`chandlery <verb>`: done here and now; a user's mistake is one line and exit 2."""

import logging
import sys
from collections.abc import Sequence

import click
import psycopg
from rich.logging import RichHandler

import embedded
from candles import ChandleryError, Misuse, line
from chandlery.automations import automations
from chandlery.burying import bury
from chandlery.collecting import backfill, coins, fill_gaps, hourly
from chandlery.config import config
from chandlery.data import export, migrate, roles, status
from chandlery.database import db
from chandlery.gaps import gaps
from chandlery.history import history
from chandlery.judging import quality
from chandlery.people import errors
from chandlery.trying import try_source
from chandlery.up import down, up
from chandlery.upkeep import maintain

FORBIDDEN = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
DONE, SOME_FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
LONGEST = 500  # signs of a line: what was typed may be in it, of any length


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="chandlery", message="%(version)s")
def cli() -> None:
    """Every crypto coin's hourly candles, complete, in TimescaleDB.

    Without DATABASE_URL the database is an embedded TimescaleDB under CHANDLERY_HOME.
    """


VERBS = (
    migrate,
    roles,
    coins,
    backfill,
    hourly,
    fill_gaps,
    gaps,
    history,
    quality,
    maintain,
    status,
    export,
    up,
    down,
    automations,
    bury,
    config,
    db,
    try_source,
)
for verb in VERBS:
    cli.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code: 0 done, 1 some coins failed, 2 bad use."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=errors, show_time=False, show_path=False, show_level=False)],
    )
    try:
        code = cli.main(arguments, prog_name="chandlery", standalone_mode=False)
    except click.ClickException as error:
        return _say(error.format_message(), MISUSED)
    except (Misuse, embedded.EngineError) as error:
        return _say(str(error), MISUSED)
    except (click.Abort, KeyboardInterrupt):
        return _say("stopped; what was written stays, the same command goes on", INTERRUPTED)
    except ChandleryError as error:
        return _say(str(error), SOME_FAILED)
    except (*FORBIDDEN, psycopg.OperationalError) as error:
        return _say(*_of_the_database(error))
    return code if isinstance(code, int) else DONE


def _of_the_database(error: psycopg.Error) -> tuple[str, int]:
    reason = str(error).strip().partition("\n")[0]
    if isinstance(error, FORBIDDEN):
        return f"DATABASE_URL's user may not do that ({reason}): run it as a writer", MISUSED
    return f"the database went away ({reason}); what was committed stays", SOME_FAILED


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"chandlery: {line(message, LONGEST)}\n")
    return code
