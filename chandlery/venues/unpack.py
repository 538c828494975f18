"""A body's bytes as they were before the venue packed them, a bounded piece at a time.

How much an answer holds is known piece by piece, so that one that is too large is refused in time.
"""

import zlib
from collections.abc import Iterable, Iterator

from chandlery.errors import Malformed
from chandlery.model import one_line

ASKED = "gzip"
PIECE = 2**20
_GZIP = 31  # zlib's number for it: the widest window, in gzip's wrapping


def unpacked(raw: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield what was packed, in pieces of a MB or less.

    Malformed where it is packed by anything but what was asked for, zlib.error where it is broken.
    """
    form = encoding.strip().lower()
    if form in {"", "identity"}:
        yield from raw
    elif form == ASKED:
        yield from _from_gzip(raw)
    else:
        raise Malformed(f"its answer is packed by {one_line(encoding)}, which was not asked for")


def _from_gzip(raw: Iterable[bytes]) -> Iterator[bytes]:
    unpacking, came = zlib.decompressobj(_GZIP), False
    for chunk in raw:
        if unpacking.eof and chunk:
            raise zlib.error("it goes on behind its end")
        came, left, piece = True, chunk, b""
        # A full piece may have taken all that came, and yet not be all that was in it.
        while left or len(piece) == PIECE:
            piece = unpacking.decompress(left, PIECE)
            yield piece
            left = unpacking.unconsumed_tail
    if came and not unpacking.eof:
        raise zlib.error("it is cut short")
