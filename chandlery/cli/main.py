"""`chandlery <verb>`: done here and now; a user's mistake is one line and exit 2."""

import errno
import logging
import signal
import sys
from collections.abc import Mapping, Sequence

import click
import psycopg
from rich.logging import RichHandler

from chandlery import embedded, store
from chandlery.cli.automations import automations
from chandlery.cli.backfill import backfill
from chandlery.cli.bury import bury
from chandlery.cli.coins import coins
from chandlery.cli.config import config
from chandlery.cli.console import errors
from chandlery.cli.db import db
from chandlery.cli.export import export
from chandlery.cli.fill_gaps import fill_gaps
from chandlery.cli.gaps import gaps
from chandlery.cli.history import history
from chandlery.cli.hourly import hourly
from chandlery.cli.maintain import maintain
from chandlery.cli.migrate import migrate
from chandlery.cli.quality import quality
from chandlery.cli.roles import roles
from chandlery.cli.status import status
from chandlery.cli.try_source import try_source
from chandlery.cli.up import down, up
from chandlery.errors import ChandleryError, Misuse
from chandlery.model import one_line

FORBIDDEN = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
LONGEST = 500  # signs of a line: what was typed may be in it, of any length
ROOM, FOLDER = "make room and try again", "set CHANDLERY_HOME to a folder you may write to"
PLACES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EROFS: FOLDER,
    errno.EACCES: FOLDER,
    errno.EPERM: FOLDER,
}
"""What is wrong with a place, and not with us, and what to do about it."""

DONE, SOME_FAILED, MISUSED, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


GROUPS: Mapping[str, Sequence[click.Command]] = {
    "Collect": (coins, backfill, hourly, fill_gaps, try_source),
    "Look": (status, gaps, history, quality, export),
    "Run": (up, down, automations, bury, config),
    "Database": (db, maintain, migrate, roles),
}
"""The verbs, as `--help` and docs/commands.md show them."""


class Grouped(click.Group):
    """A group whose help shows its commands by what they are for, each with its whole sentence."""

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands."""
        for title, verbs in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(str(verb.name), first_sentence(verb)) for verb in verbs])


def first_sentence(verb: click.Command) -> str:
    """What a verb does, in a sentence."""
    return (verb.help or "").partition("\n\n")[0].replace("\n", " ").strip()


@click.group(
    cls=Grouped,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="chandlery", message="%(version)s")
def cli() -> None:
    """Every crypto coin's hourly candles, complete, in TimescaleDB.

    Without DATABASE_URL the database is an embedded TimescaleDB under CHANDLERY_HOME.
    """


for verb in (verb for verbs in GROUPS.values() for verb in verbs):
    cli.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code: 0 done, 1 some coins failed, 2 bad use."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=errors, show_time=False, show_path=False, show_level=False)],
    )
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = cli.main(arguments, prog_name="chandlery", standalone_mode=False)
    except click.ClickException as error:
        return _say(error.format_message(), MISUSED)
    except (Misuse, embedded.EngineError) as error:
        return _say(str(error), MISUSED)
    except (click.Abort, KeyboardInterrupt) as error:
        by_signal = isinstance(error.__cause__ or error, _Terminated)
        words = "stopped; what was written stays, the same command goes on"
        return _say(words, TERMINATED if by_signal else INTERRUPTED)
    except (ChandleryError, OSError, *FORBIDDEN, psycopg.OperationalError) as error:
        return _say(*_verdict(error))
    return code if isinstance(code, int) else DONE


def _verdict(error: Exception) -> tuple[str, int]:
    """What to say of what is wrong outside of us, and the exit code."""
    if isinstance(error, OSError):
        return _unwritten(error), MISUSED
    if isinstance(error, FORBIDDEN):
        reason = str(error).strip().partition("\n")[0]
        return f"DATABASE_URL's user may not do that ({reason}): run it as a writer", MISUSED
    lost = isinstance(error, psycopg.Error)
    return store.explained(error) if lost else str(error), SOME_FAILED


class _Terminated(KeyboardInterrupt):
    """SIGTERM: the same as Ctrl-C."""


def _terminate(*_: object) -> None:
    raise _Terminated


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"chandlery: {one_line(message, LONGEST)}\n")
    return code


def _unwritten(error: OSError) -> str:
    """What keeps a file from being written; any other error of the kind is ours, and raised."""
    if error.errno not in PLACES:
        raise error
    where = "" if error.filename is None else f" {error.filename}"
    return f"cannot write{where} ({error.strerror}): {PLACES[error.errno]}"
