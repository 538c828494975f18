"""The rows of a COPY ... TO STDOUT as bytes.

psycopg hands out one row at a time, by way of a generator: 5 µs each, more than the server takes.
So what libpq has received already is taken from it directly, which takes less than half as long.
psycopg does the rest: it begins, and waits for more.
"""

from collections.abc import Iterator

from psycopg import Copy, errors, pq

from chandlery.store.connect import Connection

PIECE = 1 << 18  # bytes: large enough that nobody counts pieces, small enough to be held


def copy_out(connection: Connection, copy: Copy) -> bytes:
    """What the server sends, header and trailer included; psycopg.Error where it breaks off."""
    return b"".join(pieces(connection, copy))


def pieces(connection: Connection, copy: Copy) -> Iterator[bytes]:
    """The same, some PIECE at a time."""
    sent: list[bytes | bytearray | memoryview] = []
    size = 0
    received = connection.pgconn.get_copy_data
    while row := copy.read():
        sent.append(row)
        size += len(row)
        length, more = received(1)
        while length > 0:
            sent.append(more)
            size += length
            if size >= PIECE:
                yield b"".join(sent)
                sent, size = [], 0
            length, more = received(1)
        if length < 0:
            _end(connection.pgconn)
            break
    yield b"".join(sent)


def _end(ours: pq.abc.PGconn) -> None:
    """Take all that the server says after the last row, and raise what went wrong."""
    for result in list(iter(ours.get_result, None)):
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise errors.error_from_result(result)
