"""Where the engine's own files are fetched to."""

from pathlib import Path

import pytest

from chandlery.embedded.install import version


@pytest.mark.parametrize("changed", ["engine.mjs", "package.json", "package-lock.json"])
def test_a_version_whose_files_differ_is_another(tmp_path: Path, changed: str) -> None:
    for name in ("engine.mjs", "wire.mjs", "package.json", "package-lock.json"):
        (tmp_path / name).write_text(name, "utf-8")
    before = version(tmp_path)
    assert version(tmp_path) == before
    (tmp_path / changed).write_text("another", "utf-8")
    assert version(tmp_path) != before
