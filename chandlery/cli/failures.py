"""What to say of an error in one line, and the exit code; what is our own fault is raised."""

import errno

import click
import psycopg

from chandlery import embedded, store
from chandlery.errors import ChandleryError, Misuse
from chandlery.model import one_line

SOME_FAILED, MISUSED = 1, 2
LONGEST = 500  # signs of a line: what was typed may be in it, of any length
FORBIDDEN = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
ROOM, FOLDER = "make room and try again", "set CHANDLERY_HOME to a folder you may write to"
PLACES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EROFS: FOLDER,
    errno.EACCES: FOLDER,
    errno.EPERM: FOLDER,
}
"""What is wrong with a place, and not with us, and what to do about it."""


def explained(error: Exception) -> tuple[str, int]:
    """The line and the exit code; an error that nobody outside can mend is raised again."""
    words, code = _explained(error)
    return one_line(words, LONGEST), code


def _explained(error: Exception) -> tuple[str, int]:
    if isinstance(error, click.ClickException):
        return error.format_message(), MISUSED
    if isinstance(error, Misuse | embedded.EngineError):
        return str(error), MISUSED
    if isinstance(error, ChandleryError):
        return str(error), SOME_FAILED
    if isinstance(error, OSError):
        return _unwritten(error), MISUSED
    if isinstance(error, FORBIDDEN):
        reason = str(error).strip().partition("\n")[0]
        return f"DATABASE_URL's user may not do that ({reason}): run it as a writer", MISUSED
    if isinstance(error, psycopg.OperationalError) or store.is_damage(error):
        return store.explained(error), SOME_FAILED
    raise error


def _unwritten(error: OSError) -> str:
    """What keeps a file from being written; any other error of the kind is ours, and raised."""
    if error.errno not in PLACES:
        raise error
    where = "" if error.filename is None else f" {error.filename}"
    return f"cannot write{where} ({error.strerror}): {PLACES[error.errno]}"
