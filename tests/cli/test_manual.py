"""docs/commands.md and docs/configuration.md say what the code does."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from chandlery.cli.main import GROUPS, cli, first_sentence
from chandlery.cli.manual import commands, configuration

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("name", "text"), [("commands.md", commands()), ("configuration.md", configuration())]
)
def test_a_page_that_is_made_is_up_to_date(name: str, text: str) -> None:
    assert (DOCS / name).read_text("utf-8") == text, "run `make docs`"


def test_help_shows_every_verb_once_in_its_group_with_its_whole_sentence() -> None:
    said = CliRunner().invoke(cli, ["--help"]).output
    for title, verbs in GROUPS.items():
        assert f"\n{title}:\n" in said
        for verb in verbs:
            assert len(re.findall(rf"^  {verb.name} +\S", said, re.MULTILINE)) == 1
            assert first_sentence(verb) in " ".join(said.split())
