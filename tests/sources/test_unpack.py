"""What a venue packed comes out whole, in bounded pieces, or not at all."""

import gzip
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chandlery.errors import Malformed
from chandlery.venues.unpack import PIECE, unpacked


def cut(text: bytes, size: int) -> Iterator[bytes]:
    return (text[at : at + size] for at in range(0, len(text), size))


@given(st.binary(max_size=500), st.integers(1, 50), st.integers(1, 4000))
def test_what_was_packed_comes_out_however_it_is_cut(text: bytes, size: int, times: int) -> None:
    assert b"".join(unpacked(cut(gzip.compress(text * times), size), "GZIP ")) == text * times
    assert b"".join(unpacked(cut(text, size), "")) == text


@pytest.mark.parametrize("length", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 100])
def test_no_piece_is_large_and_none_is_lost(length: int) -> None:
    pieces = list(unpacked([gzip.compress(bytes(length))], "gzip"))
    assert sum(map(len, pieces)) == length
    assert max(map(len, pieces)) == min(length, PIECE)


@pytest.mark.parametrize(
    "encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip,br", "aws-chunk"]
)
def test_what_was_not_asked_for_is_not_unpacked(encoding: str) -> None:
    with pytest.raises(Malformed, match=r"^its answer is packed by .*, which was not asked for$"):
        list(unpacked([b"x"], encoding))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ([b"[]"], "incorrect header"),
        ([gzip.compress(b"[]")[:-3]], "cut short"),
        ([gzip.compress(b"[]"), b"x"], "goes on behind its end"),
    ],
)
def test_what_is_broken_is_told(raw: list[bytes], why: str) -> None:
    with pytest.raises(zlib.error, match=why):
        list(unpacked(raw, "gzip"))


def test_an_answer_without_a_body_is_none() -> None:
    assert list(unpacked([], "gzip")) == []
