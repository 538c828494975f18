"""docs/commands.md and docs/configuration.md say what the code does."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from chandlery.cli.main import GROUPS, cli
from chandlery.cli.manual import commands, configuration
from tests.command_line import process

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize(
    ("name", "text"), [("commands.md", commands()), ("configuration.md", configuration())]
)
def test_a_page_that_is_made_is_up_to_date(name: str, text: str) -> None:
    assert (DOCS / name).read_text("utf-8") == text, "run `make docs`"


def test_help_shows_every_verb_once_in_its_group_with_its_whole_sentence() -> None:
    said = CliRunner().invoke(cli, ["--help"]).output
    context = click.Context(cli)
    for title, verbs in GROUPS.items():
        assert f"\n{title}:\n" in said
        for name, sentence in verbs.items():
            assert len(re.findall(rf"^  {name} +\S", said, re.MULTILINE)) == 1
            assert sentence in " ".join(said.split())
            verb = cli.get_command(context, name)
            assert verb is not None
            assert " ".join(str(verb.help).split()).startswith(sentence)


@pytest.mark.parametrize("words", [("--version",), ("--help",), ()])
def test_help_and_completion_wait_for_no_verb(words: tuple[str, ...]) -> None:
    code = (
        "import sys; from chandlery.cli.main import main; main(sys.argv[1:]);"
        " print({'polars', 'psycopg', 'pydantic', 'rich', 'httpx'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("verb", ["status", "gaps", "maintain", "db", "migrate"])
def test_who_only_looks_waits_for_no_frames(verb: str) -> None:
    code = (
        f"import sys; import chandlery.cli.{verb};"
        " print({'polars', 'numpy', 'httpx', 'pyarrow', 'prefect'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_verbs_are_completed_with_what_they_do() -> None:
    asked = {"_CHANDLERY_COMPLETE": "zsh_complete", "COMP_WORDS": "chandlery fi", "COMP_CWORD": "1"}
    done = process(environment=asked)
    assert done.stdout.splitlines() == ["plain", "fill-gaps", GROUPS["Collect"]["fill-gaps"]]


def test_what_is_in_force_is_shown_without_prefect_and_the_database(tmp_path: Path) -> None:
    code = (
        "import sys; from chandlery.cli.main import main; main(['config']);"
        " print({'prefect', 'psycopg'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "set()"
