import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import httpx
import pytest

from sandbox import BadOption, Serving, application
from sandbox.faults import parse

SPOT = "/binance_spot/api/v3/klines"
MIRROR = "/binance_spot-mirror/api/v3/klines"
FUTURES = "/binance_futures/fapi/v1/klines"
COINS = "/coingecko/api/v3/coins/list"


def ask(sandbox: Serving, path: str = SPOT, symbol: str = "BTCUSDT") -> httpx.Response:
    query = {} if path == COINS else {"symbol": symbol, "interval": "1h", "limit": "50"}
    return sandbox.get(path, **query)


@pytest.fixture
def sandbox(made_up: Serving) -> Iterator[Serving]:
    made_up.forget()
    yield made_up
    made_up.clear()


@pytest.mark.parametrize("kind", ["429", "418", "451", "403", "500", "502", "503"])
def test_a_status_is_answered_until_it_is_switched_off(sandbox: Serving, kind: str) -> None:
    sandbox.fault(kind)
    assert [ask(sandbox).status_code for _ in range(2)] == [int(kind)] * 2
    sandbox.clear()
    assert ask(sandbox).status_code == 200


def test_a_fault_counts_and_chooses_whom_it_befalls(sandbox: Serving) -> None:
    sandbox.fault("503", source="binance_spot", symbol="ETHUSDT", after=1, every=2, count=2)
    assert {ask(sandbox).status_code, ask(sandbox, FUTURES, "ETHUSDT").status_code} == {200}
    statuses = [ask(sandbox, symbol="ETHUSDT").status_code for _ in range(8)]
    assert statuses == [200, 200, 503, 200, 503, 200, 200, 200]


def test_a_fault_may_befall_one_path_only(sandbox: Serving) -> None:
    sandbox.fault("500", path="/exchangeInfo")
    assert ask(sandbox).status_code == 200
    assert sandbox.get("/binance_spot/api/v3/exchangeInfo").status_code == 500


def test_an_answer_is_held_until_it_is_let_go(sandbox: Serving) -> None:
    sandbox.fault("held", source="binance_spot", after=1)
    whole = ask(sandbox)
    with ThreadPoolExecutor(1) as hand:
        answer = hand.submit(ask, sandbox)
        while sandbox.requests()["total"] < 2:
            pass
        assert ask(sandbox, FUTURES).status_code == 200
        assert not answer.done()
        sandbox.clear(kind="held")
        assert answer.result().content == whole.content
    assert [each["fault"] for each in sandbox.requests()["requests"]] == [None, "held", None]


def test_a_ban_is_told_in_the_recorded_words(shared: Path, sandbox: Serving) -> None:
    recorded = json.loads((shared / "recorded/binance/errors/-1003_ip_banned.json").read_bytes())
    sandbox.fault("418", seconds=120)
    answer = ask(sandbox)
    said = re.sub(r"[0-9]{13}", str(1795343400000 + 120_000), recorded["msg"])
    assert (answer.status_code, answer.json()) == (418, recorded | {"msg": said})
    assert answer.headers["retry-after"] == "120"


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("429-as-200", 200)])
def test_coingecko_says_too_many_in_the_recorded_words(
    shared: Path, sandbox: Serving, kind: str, status: int
) -> None:
    sandbox.fault(kind, source="coingecko", seconds=53)
    answer = ask(sandbox, COINS)
    recorded = json.loads((shared / "recorded/coingecko/errors/429_keyless.json").read_bytes())
    assert (answer.status_code, answer.json()) == (status, recorded)
    assert answer.headers["retry-after"] == "53"


def test_the_mirror_is_not_blocked_by_region(sandbox: Serving) -> None:
    sandbox.fault("451")
    statuses = [ask(sandbox, path).status_code for path in (SPOT, FUTURES, MIRROR)]
    assert statuses == [451, 451, 200]


def test_a_cut_answer_ends_before_its_length(sandbox: Serving) -> None:
    sandbox.fault("cut", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(sandbox)
    assert len(ask(sandbox).json()) == 50


def test_a_truncated_answer_is_no_json(sandbox: Serving) -> None:
    sandbox.fault("truncated")
    answer = ask(sandbox)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(("kind", "begins"), [("html", "<html>"), ("empty", "")])
def test_garbage_comes_with_200(sandbox: Serving, kind: str, begins: str) -> None:
    sandbox.fault(kind)
    answer = ask(sandbox)
    assert answer.status_code == 200
    assert answer.text[:6] == begins


def test_a_slow_answer_waits_and_is_right() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    app = application(coins=1, faults=["slow:seconds=30,count=1"], sleep=sleep)
    transport = httpx.ASGITransport(app)

    async def answers() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            return [(await client.get(COINS)).status_code for _ in range(2)]

    assert anyio.run(answers) == [200, 200]
    assert waited == [30.0]


@pytest.mark.parametrize(
    "spec", ["nope", "429:count=many", "429:colour=red", "429:source", "429:every=0", "429:seen=1"]
)
def test_a_fault_nobody_can_have_is_refused(spec: str) -> None:
    with pytest.raises(BadOption):
        parse(spec)


def test_a_fault_is_refused_over_http_as_well(sandbox: Serving) -> None:
    with pytest.raises(BadOption, match="no such fault"):
        sandbox.fault("nope")
    assert sandbox.faults() == []


def test_every_request_is_written_down(sandbox: Serving) -> None:
    sandbox.fault("503", count=1)
    ask(sandbox)
    ask(sandbox, COINS)
    told = sandbox.requests()
    assert told["total"] == 2
    assert told["counts"] == {SPOT: 1, COINS: 1}
    first = told["requests"][0]
    assert (first["source"], first["query"]["symbol"]) == ("binance_spot", "BTCUSDT")
    assert (first["status"], first["fault"]) == (503, "503")
    sandbox.forget()
    assert sandbox.requests() == {"total": 0, "counts": {}, "requests": []}
