"""A file has its name once its bytes are on the disk, and not before."""

import os
from pathlib import Path

import pytest

from chandlery.files.whole import whole


def test_it_is_synced_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, synced = tmp_path / "candles.csv", []
    sync = os.fsync

    def noted(file: int) -> None:
        sync(file)
        synced.append((os.fstat(file).st_size, to.exists()))

    monkeypatch.setattr(os, "fsync", noted)
    with whole(to) as part:
        part.write_bytes(b"symbol,close\n")
    assert synced == [(13, False)]
    assert to.read_bytes() == b"symbol,close\n"
