"""Which benches are run, and with what; and where a base build's code comes from."""

import shutil

import pytest

from bench.__main__ import BENCHES, plan
from bench.builds import OURS, ROOT, Unfit, compared
from chandlery.settings import settings

needs_git = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="a commit is asked of git"
)


def planned(*words: str) -> dict[str, list[str]]:
    return {each.name: list(each.words) for each in plan(words)}


def test_without_a_word_all_run_at_full_size() -> None:
    assert planned() == {name: [] for name in BENCHES}


def test_small_is_for_all() -> None:
    assert planned("--small") == {name: list(bench.small) for name, bench in BENCHES.items()}


def test_quick_is_for_those_that_matter_most() -> None:
    quick = planned("--quick")
    assert list(quick) == ["start", "load", "venue_to_database", "rate", "hourly", "reading"]
    assert quick["hourly"] == ["--coins=1000", "--rounds=1"]


def test_a_base_is_told_to_those_that_run_processes() -> None:
    found = planned("--quick", "--base", "df9b38a", "hourly", "rate")
    assert found == {"hourly": ["--coins=1000", "--rounds=1", "--base=df9b38a"], "rate": []}


@pytest.mark.parametrize("words", [["nothing"], ["--quick", "golden"], ["--quick", "--small"]])
def test_what_cannot_be_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        plan(words)
    assert capsys.readouterr().err.count("error: ") == 1


def test_without_a_base_this_build_is_alone() -> None:
    with compared(None) as builds:
        assert builds == [OURS]


@needs_git
def test_a_base_is_the_commit_s_tree_with_the_engine_of_this_one() -> None:
    with compared("HEAD") as (base, ours):
        assert (base.name, ours) == ("HEAD", OURS)
        assert (base.root / "chandlery" / "__main__.py").exists()
        environment = base.environment(settings(), CHANDLERY_SOURCES="okx")
        assert environment["PYTHONPATH"] == str(base.root)
        assert environment["CHANDLERY_SOURCES"] == "okx"
        installed = ROOT / "chandlery" / "embedded" / "node_modules"
        assert (base.root / "chandlery" / "embedded" / "node_modules").readlink() == installed
    assert not base.root.exists()


@needs_git
def test_a_base_that_git_does_not_know_is_told_in_a_line() -> None:
    with pytest.raises(Unfit, match=r"^no tree of nowhere: .*nowhere"), compared("nowhere"):
        pass
