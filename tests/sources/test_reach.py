"""Whether anybody is there: told at once, with the hosts."""

import socket
from collections.abc import Iterator

import pytest

from chandlery.errors import Unavailable
from chandlery.venues import refuse_if_nobody_is_there


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def shut_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_one_who_is_there_is_enough(open_port: int, shut_port: int) -> None:
    refuse_if_nobody_is_there([f"http://127.0.0.1:{shut_port}", f"http://127.0.0.1:{open_port}/x"])


def test_where_nobody_is_there_each_host_is_told_once(shut_port: int) -> None:
    url = f"http://127.0.0.1:{shut_port}"
    with pytest.raises(Unavailable) as refused:
        refuse_if_nobody_is_there([url, f"{url}/other"])
    assert str(refused.value) == (
        "no host can be reached: 127.0.0.1 (Connection refused)."
        " Check the network, DNS and HTTPS_PROXY"
    )


def test_nobody_to_ask_is_nobody_lacking() -> None:
    refuse_if_nobody_is_there([])
