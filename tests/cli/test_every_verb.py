"""What holds for every verb there is, those of tomorrow among them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chandlery import embedded
from tests.cli.every_verb import WORDS, Site, verbs
from tests.command_line import chandlery


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def open_to_others(home: Path) -> list[str]:
    """Files and folders that anybody but their user may enter, read or write."""
    found = ((path, path.lstat().st_mode) for path in [home, *home.rglob("*")])
    return [f"{path} {mode:o}" for path, mode in found if mode & 0o077]


def test_every_verb_is_here() -> None:
    assert verbs() == [*WORDS]


def test_whatever_a_verb_makes_in_a_home_is_for_its_user_alone(a_site: Site) -> None:
    """`up`: tests/cli/test_up.py."""
    embedded.stop(a_site.home)
    with umask(0):
        for verb in verbs():
            own, words = WORDS[verb]
            if verb != "up":
                a_site.pass_by()
                done = chandlery(
                    *verb.split(), *words, folder=a_site.here, environment=a_site.environment
                )
                assert done.returncode == own, (verb, done)
        others = {**a_site.environment, "CHANDLERY_HOME": str(a_site.folder / "restored")}
        done = chandlery("restore", str(a_site.here / "whole.zip"), environment=others)
        assert done.returncode == 0, done
        assert chandlery("db", "stop", environment=others).returncode == 0
    for home in (a_site.home, a_site.other, a_site.folder / "restored"):
        assert sum(1 for _ in home.rglob("*")) > 1000
        assert open_to_others(home) == []
