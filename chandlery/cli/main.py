"""`chandlery <verb>`: done here and now; a user's mistake is one line and exit 2.

A verb's module is imported when the verb is run: `--version`, `--help` and completion wait for none
of them.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from chandlery.cli.signals import Signals

DONE = 0

GROUPS: Mapping[str, Mapping[str, str]] = {
    "Collect": {
        "coins": "Learn coins by market cap, and where they are listed.",
        "backfill": "Fetch the hours that are missing, best market cap first; since 2020, if no"
        " start is given.",
        "hourly": "Fetch the newest closed hours that are missing.",
        "fill-gaps": "Ask for what is missing and due, and for what may be better by now; the last"
        " 30 days.",
        "import": "Take in hourly candles from files, into hours without a traded one. Asks no"
        " venue.",
        "try": "Ask SOURCE for SYMBOL's newest hours; SYMBOL as the venue writes it (coingecko:"
        " bitcoin).",
    },
    "Look": {
        "status": "Show what is there: coins, candles, coverage.",
        "sources": "Show each source: what it gives, when it is asked, its limits, how it fares.",
        "listings": "Show where COIN is or was listed, and its name and contract there, where these"
        " are known.",
        "gaps": "Which hours are missing, why, and when they are asked for again.",
        "history": "Show what COIN's candle of HOUR is, what it was before, and who was asked and"
        " had none.",
        "quality": "Check what is stored: completeness, sources, and what is odd. Asks no venue.",
        "adjust": "List redenominations; confirm one, or take it back, for market_data_adjusted.",
        "chart": "Draw COIN's candles, what is missing of them and why, and whose they are, into a"
        " file.",
        "report": "Check what is stored, and write the page about it into one HTML file. Asks no"
        " venue.",
        "export": "Write candles to TARGET, by symbol and time (UTC): a file, a folder, or"
        " standard output.",
    },
    "Run": {
        "up": "Run everything here: database, Prefect's server and UI, schedules, worker.",
        "down": "Stop what `chandlery up` runs, wherever it was started.",
        "automations": "Have Prefect's server speak up when collection fails or falls behind.",
        "notify": "Send MESSAGE to CHANDLERY_NOTIFY_URL, as automations do.",
        "bury": "Call crashed what Prefect shows as running, and nobody runs any more.",
        "health": "Say whether collection goes on. Asks no venue.",
        "config": "Show what is in force, and where it was set; passwords and keys are masked.",
    },
    "Database": {
        "db": "The embedded TimescaleDB: it starts by itself, and stops when nobody uses it.",
        "maintain": "Find lost hours, compress old candles, refresh 4h and 1d, tidy up. Asks no"
        " venue.",
        "check": "Read everything, compare bars with hours and hours with rules; say what mends"
        " what.",
        "copy": "Copy everything into another database, or go on where that was cut short.",
        "backup": "Write everything into FILE, a zip of Parquet and CSV.",
        "restore": "Restore a backup into an empty database.",
        "migrate": "Bring the database's tables up to date.",
        "roles": "Make the database's writer and reader, as the owner of its tables.",
    },
}
"""The verbs and what they do, as `--help` and docs/commands.md show them."""
ELSEWHERE = {
    "import": ("import_candles", "import_candles"),
    "try": ("try_source", "try_source"),
    "down": ("up", "down"),
}
"""Module and function of a verb whose name they do not bear."""


class Verbs(click.Group):
    """A group that imports a verb when it is run, and whose help shows verbs by what they do."""

    def list_commands(self, _: click.Context) -> list[str]:
        """The names of all verbs, in the groups' order."""
        return [name for verbs in GROUPS.values() for name in verbs]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The verb of this name; None if there is none."""
        if name not in self.list_commands(context):
            return None
        word = name.replace("-", "_")
        module, function = ELSEWHERE.get(name, (word, word))
        verb: click.Command = getattr(import_module(f"chandlery.cli.{module}"), function)
        return verb

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb and its arguments; UsageError names what is near one that there is not."""
        name, *_ = arguments
        if self.get_command(context, name) is None and not name.startswith("-"):
            from chandlery.words import did_you_mean  # noqa: PLC0415 - for mistakes only

            hint = did_you_mean(name, self.list_commands(context))
            context.fail(f"no verb {name[:40]!r}: {hint}`chandlery --help` lists them")
        found = super().resolve_command(context, arguments)
        context.ensure_object(Signals).begin()
        return found

    def invoke(self, context: click.Context) -> object:
        """Run the verb; Abort where a signal has stopped it, of which click would write a line."""
        try:
            try:
                return super().invoke(context)
            finally:
                context.ensure_object(Signals).end()
        except KeyboardInterrupt as error:
            raise click.Abort from error

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group with its verbs, no sentence cut off."""
        for title, verbs in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([*verbs.items()])

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a verb's name or an option."""
        verbs = [
            CompletionItem(name, help=words)
            for group in GROUPS.values()
            for name, words in group.items()
            if name.startswith(incomplete)
        ]
        return verbs + click.Command.shell_complete(self, context, incomplete)


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="chandlery", message="%(version)s")
def cli() -> None:
    """Every crypto coin's hourly candles, complete, in TimescaleDB.

    Without DATABASE_URL the database is an embedded TimescaleDB under CHANDLERY_HOME.
    """
    from chandlery.cli.console import log_to_stderr  # noqa: PLC0415 - help is shown without

    log_to_stderr()


def main(arguments: Sequence[str] | None = None, signals: Signals | None = None) -> int:
    """Run one verb; return the exit code: 0 done, 1 some coins failed, 2 bad use.

    `signals` are those that the process listens to for as long as it lives. Without them they are
    taken for this verb only, and left as they were: children would inherit that they are ignored.
    """
    if signals is not None:
        return _run(arguments, signals)
    own = Signals()
    own.begin()
    own.listen()
    try:
        return _run(arguments, own)
    finally:
        own.leave()


def _run(arguments: Sequence[str] | None, signals: Signals) -> int:
    try:
        code = cli.main(arguments, prog_name="chandlery", standalone_mode=False, obj=signals)
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write(signals.words)
        return signals.code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - what nobody can mend is raised again
        from chandlery.cli.failures import explained  # noqa: PLC0415 - it knows the database's

        words, code = explained(error)
        if signals.came:  # what broke off as all was tidied up is no news
            sys.stderr.write(signals.words)
            return signals.code
        sys.stderr.write(f"chandlery: {words}\n")
    return code if isinstance(code, int) else DONE
