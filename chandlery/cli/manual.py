"""docs/commands.md and docs/configuration.md, made from what the command line and settings say.

`make docs` writes them, and a test holds them to the code.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from chandlery import venues
from chandlery.cli.main import GROUPS, cli
from chandlery.settings import Settings, key_name

MADE = "<!-- Made by `make docs` from the code. -->"


def commands() -> str:
    """Every verb with its options, as markdown."""
    return "\n".join(_commands()) + "\n"


def _commands() -> Iterator[str]:
    context = click.Context(cli, info_name="chandlery")
    yield f"# Commands\n\n{MADE}\n"
    yield "Times are ISO 8601 with a zone (`2024-01-31T05:00Z`) or a date, read as UTC."
    yield "`--json` prints one object with the statistics on stdout, and nothing else.\n"
    yield "| exit code | |\n|---|---|"
    yield "| 0 | done |"
    yield "| 1 | some coins failed, no source lists any, the network is away, or there are faults |"
    yield "| 2 | wrong use or configuration, or no database is reached: it says what to do |"
    yield "| 130, 143 | Ctrl-C, SIGTERM; the third leaves at once, `up` once all is down |"
    for group, names in GROUPS.items():
        yield f"\n## {group}"
        for verb in filter(None, (cli.get_command(context, name) for name in names)):
            yield from _verb(context, verb)


def _verb(context: click.Context, verb: click.Command) -> Iterator[str]:
    inner = click.Context(verb, info_name=verb.name, parent=context)
    usage = " ".join(["chandlery", str(verb.name), *verb.collect_usage_pieces(inner)])
    yield f"\n### `{usage}`\n\n{(verb.help or '').strip()}"
    if isinstance(verb, click.Group):
        yield ""
        for each in verb.commands.values():
            yield f"- `{verb.name} {each.name}`: {each.get_short_help_str(limit=200)}"
    found = [each.get_help_record(inner) for each in verb.get_params(inner)]
    records = [each for each in found if each is not None and "--help" not in each[0]]
    if records:
        yield "\n| option | |\n|---|---|"
        for option, words in records:
            bars = option.replace("|", "\\|")
            yield f"| `{bars}` | {_cell(words)} |"


def configuration() -> str:
    """Every variable, as markdown."""
    return "\n".join(_configuration()) + "\n"


def _configuration() -> Iterator[str]:
    yield f"# Configuration\n\n{MADE}\n"
    yield "From the environment, then from `.env` in the folder it is run in."
    yield "Flows also read Prefect's Secret blocks, named `database-url` for `DATABASE_URL`."
    yield "The first that sets a variable holds. A variable set to nothing is not set."
    yield "`chandlery config` shows what is in force, and from where.\n"
    yield "| variable | | example |\n|---|---|---|"
    for field in Settings.model_fields.values():
        example = "".join(map(str, field.examples or []))
        yield f"| `{field.alias}` | {_cell(field.description or '')} | `{example}` |"
    for source in venues.load().values():
        if source.venue.key_header:
            need = "needed" if source.venue.key_required else "optional"
            words = f"A key for `{source.name}`: {need}."
            yield f"| `{key_name(source.name)}` | {words} | |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def main(folder: Path) -> None:
    """Write both into `folder`."""
    (folder / "commands.md").write_text(commands(), "utf-8")
    (folder / "configuration.md").write_text(configuration(), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
