"""The flows on a real, temporary Prefect server."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from time import monotonic, time
from typing import Any
from uuid import uuid4

import pytest

from chandlery import store
from chandlery.engine.context import open_context
from chandlery.engine.result import RunResult
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.local.asked_again import Patience
from chandlery.model import Window, instant
from chandlery.rate_limit.gate import Timepiece
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import load
from sandbox import Serving, serving

NOW = "2026-11-22T10:30Z"


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server of Prefect's own for tests, gone with the module."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        environment.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        environment.setenv("DO_NOT_TRACK", "1")
        from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415

        # Its database goes into a folder of its own: what is in it is looked at.
        environment.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("database")))
        with prefect_test_harness(server_startup_timeout=120):
            yield


@pytest.fixture
def venues() -> Iterator[Serving]:
    with serving(coins=12, seed=7, now=instant(NOW), limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def in_force(settings: Settings, venues: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANDLERY_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("CHANDLERY_VENUES_URL", venues.url)
    monkeypatch.setenv("CHANDLERY_SOURCES", "binance_futures,binance_spot")


def simulated_clock() -> Timepiece:
    """A clock that whoever sleeps moves on: nobody waits."""
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    return Timepiece(
        monotonic=lambda: monotonic() + slept[0], wall=lambda: time() + slept[0], sleep=sleep
    )


needed = pytest.mark.usefixtures("prefect", "in_force")


def ended(flow: Any, **parameters: Any) -> Any:
    return flow(**parameters, return_state=True)


@needed
def test_backfill_and_hourly_are_flows() -> None:
    from flows.backfill import backfill  # noqa: PLC0415
    from flows.hourly import hourly  # noqa: PLC0415

    state = ended(backfill, start="2026-11-20", end="2026-11-21", max_coins=4, now=NOW)
    assert (state.name, state.message) == ("Completed", "4 of 4 coins, 72 candles")
    state = ended(hourly, max_coins=4, now=NOW)
    assert (state.name, state.message) == ("Completed", "4 of 4 coins, 72 candles")


@needed
def test_hourly_has_the_rest_of_the_coins_learnt_once_a_day() -> None:
    from prefect.client.orchestration import get_client  # noqa: PLC0415

    from flows.hourly import hourly  # noqa: PLC0415
    from flows.sync_coins import sync_coins  # noqa: PLC0415

    assert ended(sync_coins, max_coins=5, now=NOW, market_caps=0).is_completed()
    words = "5 of 12 coins are known: sync-coins learns the rest, or `chandlery coins`"
    assert ended(hourly, now=NOW).message.endswith(words)  # nothing is deployed: it goes well
    sync_coins.to_deployment("sync-coins").apply()
    for _ in range(2):
        assert ended(hourly, now=NOW).is_completed()
    with get_client(sync_client=True) as server:
        deployed = [run for run in server.read_flow_runs() if run.deployment_id is not None]
    assert [run.parameters for run in deployed] == [{"now": NOW, "market_caps": 0}]
    assert ended(sync_coins, now=NOW, market_caps=0).is_completed()
    assert "are known" not in ended(hourly, now=NOW).message


@needed
def test_states_tell_the_truth(venues: Serving) -> None:
    from flows.backfill import backfill  # noqa: PLC0415

    state = ended(backfill, start="2099-01-01", now=NOW)
    assert state.is_failed()
    assert "is in the future" in state.message
    assert ended(backfill, start="2026-11-22", symbols=["BTC"], now=NOW).is_completed()
    venues.fault("403", source="binance_futures")
    state = ended(backfill, start="2026-11-20", symbols=["BTC", "XMR"], now=NOW)
    assert state.name == "Partial"
    # Two days less ten hours of BTC; of XMR what the archive has, whose files come a day late.
    assert state.message == "1 of 2 coins, 72 candles; failed: XMR"
    venues.fault("403")
    state = ended(backfill, start="2026-11-20", symbols=["ETH"], now=NOW)
    assert state.is_failed()


@needed
@pytest.mark.parametrize(
    ("until", "told"),
    [
        ("09:00", "1 of 4 coins, 3 candles; 3 coins left to a backfill, under way"),
        ("10:00", "1 of 4 coins, nothing else is due; 3 coins left to a backfill, under way"),
    ],
)
def test_a_state_tells_what_is_left_to_another_run(
    settings: Settings, until: str, told: str
) -> None:
    from flows.hourly import hourly  # noqa: PLC0415
    from flows.sync_coins import sync_coins  # noqa: PLC0415

    assert ended(sync_coins, max_coins=12, now=NOW, market_caps=0).is_completed()
    other = store.Claimant(uuid4(), "a backfill", store.Process.ours())
    with store.connect(settings) as connection:
        coins = [coin.key for coin in store.find(connection)]
        window = Window(instant("2020-01-01"), instant(f"2026-11-22T{until}Z"))
        store.claim(connection, other, coins, window)
    state = ended(hourly, max_coins=4, now=NOW)
    assert (state.name, state.message) == ("Completed", told)


Once = Callable[..., RunResult]


@pytest.fixture
def once(settings: Settings, venues: Serving) -> Once:
    """A run of some coins in a flow, whose batches rest for no time; nobody sleeps."""
    from prefect import flow  # noqa: PLC0415

    from flows.batches import as_tasks  # noqa: PLC0415

    @flow(name="once")
    def collected(symbols: list[str], fault: dict[str, Any]) -> RunResult:
        asked = settings.model_copy(update={"venues_url": venues.url})
        wanted = run_spec(
            now=instant(NOW),
            known_sources=load(),
            sources=["binance_futures"],
            start="2026-11-21",
            symbols=symbols,
        )
        with open_context(asked, timepiece=simulated_clock()) as context:
            learn(context, instant(NOW), 4)
            venues.forget()
            venues.fault("503", source="binance_futures", path="klines", **fault)
            return run(context, wanted, collect_batch=as_tasks([0.01, 0.01]))

    return lambda symbols, **fault: collected(symbols, fault)


@needed
@pytest.mark.parametrize("after", [0, 1])
def test_a_batch_is_done_again_if_a_source_was_away(
    once: Once, venues: Serving, after: int
) -> None:
    """For one request, the transport tries five times."""
    result = once(["BTC"], count=5 + 100 * after)
    assert [coin.symbol for coin in result.coins] == ["BTC"]
    if after:
        assert result.records == 0
        assert "503" in result.failed["BTC"]
        assert "503" in result.off["binance_futures"]
        assert venues.requests()["total"] == 5 * 3
    else:
        assert (result.records, result.failed, result.off) == (34, {}, {})
        assert venues.requests()["total"] == 5 + 1


@needed
def test_retries_are_not_multiplied(once: Once, venues: Serving) -> None:
    """What failed for one coin among many is tried by the transport, in seconds, and left."""
    result = once(["BTC", "ETH"], symbol="BTCUSDT")
    assert (list(result.failed), result.records) == (["BTC"], 34)
    assert venues.requests()["total"] == 5 + 1


def test_a_batch_rests_for_minutes_and_a_flow_is_not_done_again() -> None:
    from prefect import Flow  # noqa: PLC0415

    import flows  # noqa: PLC0415
    from flows.batches import RESTS, batch_task  # noqa: PLC0415

    assert batch_task.retries == len(RESTS) == len(batch_task.retry_delay_seconds)
    assert all(60 <= rest <= 600 for rest in batch_task.retry_delay_seconds)
    paths = Path(flows.__file__ or "").parent.glob("[!_]*.py")
    rooms = [import_module(f"flows.{path.stem}") for path in paths]
    found = [each for room in rooms for each in vars(room).values() if isinstance(each, Flow)]
    assert [each.retries for each in found] == [0] * 6


@needed
def test_coins_are_learnt_by_a_flow(venues: Serving) -> None:
    from flows.sync_coins import sync_coins  # noqa: PLC0415

    state = ended(sync_coins, max_coins=12, now=NOW, market_caps=2)
    assert (state.name, state.message) == ("Completed", "12 coins, 17 listings")
    assert state.result()["market_caps"] == 2
    venues.fault("403", source="binance_spot")
    venues.fault("403", source="binance_spot-mirror")
    assert ended(sync_coins, max_coins=12, now=NOW, market_caps=0).name == "Partial"
    assert ended(sync_coins, now="noon").is_failed()


@needed
def test_quality_is_a_flow_that_says_what_it_found(venues: Serving) -> None:
    from flows.backfill import backfill  # noqa: PLC0415
    from flows.quality import quality  # noqa: PLC0415

    wrong = {"symbol": "ETHUSDT", "start": "2026-11-18T07:00Z", "by": 10}
    venues.fault("wrong", source="binance_futures", **wrong)
    assert ended(backfill, start="2026-11-15", max_coins=6, now=NOW).is_completed()
    state = ended(quality, symbols=["ETH"], now=NOW)
    assert state.is_completed()
    assert state.message.startswith("1 coins, 178 candles, ")
    assert state.message.endswith(" % complete, findings: 1 (1 new)")
    assert state.result()["findings"][0]["kind"] == "jump"
    assert ended(quality, symbols=["NOSUCH"], now=NOW).is_failed()
    assert ended(quality, now="noon").is_failed()


@needed
def test_gaps_are_filled_by_a_flow(venues: Serving) -> None:
    from flows.backfill import backfill  # noqa: PLC0415
    from flows.fill_gaps import fill  # noqa: PLC0415

    span = {"start": "2026-11-20T03:00Z", "end": "2026-11-20T09:00Z"}
    venues.fault("halt", symbol="BTCUSDT", **span)
    day = {"start": "2026-11-20", "end": "2026-11-21", "symbols": ["BTC"]}
    assert ended(backfill, **day, now=NOW).message == "1 of 1 coins, 18 candles"
    venues.clear()
    state = ended(fill, **day, recheck_hours=0, now=NOW)
    assert state.message == "1 of 1 coins, nothing due is missing"  # not before an hour has passed
    state = ended(fill, **day, now="2026-11-22T11:30Z")
    assert (state.name, state.message) == ("Completed", "1 of 1 coins, 6 candles")
    state = ended(fill, **day, again=True, now=NOW)
    assert state.message == "1 of 1 coins, 0 candles"


@needed
def test_each_run_leaves_a_page_and_says_how_far_it_is() -> None:
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.client.schemas.sorting import ArtifactSort  # noqa: PLC0415

    from flows.backfill import backfill  # noqa: PLC0415
    from flows.hourly import hourly  # noqa: PLC0415
    from flows.maintain import maintain  # noqa: PLC0415
    from flows.quality import quality  # noqa: PLC0415

    ended_with = ended(backfill, start="2026-11-18", max_coins=6, now=NOW).message
    ended(hourly, max_coins=6, now=NOW)  # there is nothing to do, and so no page
    ended(quality, max_coins=6, now=NOW)
    ended(maintain, now=NOW)
    with get_client(sync_client=True) as server:
        newest = server.read_artifacts(sort=ArtifactSort.CREATED_DESC)
        pages = {each.key: each for each in reversed(newest)}
        said = [each.message for each in server.read_logs()]
    far = "asking binance_spot: 6 of 6 coins, 100% of the hours, "
    assert any(each.startswith(far) for each in said)
    assert "refreshing 4h and 1d: 0%" in said
    shown = pages["backfill-progress"]
    assert (shown.type, shown.data, shown.description) == ("progress", 100.0, ended_with)
    assert any(each.startswith("binance_futures: ") for each in said)
    assert "**backfill 6 coins from 2026" in str(pages["backfill"].data).replace("\\", "")
    assert "![Candles by source](data:image/svg" in str(pages["backfill"].data)
    assert "![Candles by source](data:image/svg" in str(pages["quality"].data)
    assert "chunks compressed" in str(pages["maintain"].data)


class Kept(logging.Handler):
    """Keeps the lines of a run's log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def away() -> Iterator[None]:
    """Nothing listens where Prefect's server is, for a run that has yet to ask it."""
    from prefect.context import SyncClientContext  # noqa: PLC0415
    from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: PLC0415

    token = SyncClientContext.__var__.set(None)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        yield
    SyncClientContext.__var__.reset(token)


@needed
def test_a_page_that_cannot_be_left_is_one_line_and_fails_nothing() -> None:
    from prefect import flow, get_run_logger  # noqa: PLC0415

    from flows.reporting import publish  # noqa: PLC0415
    from flows.shards import tell  # noqa: PLC0415

    kept = Kept()

    @flow
    def leaving() -> None:
        get_run_logger().logger.addHandler(kept)  # type: ignore[union-attr]
        with away():
            publish("leaving", "# a page", "12 candles")
            tell({"failed": 0})

    try:
        assert ended(leaving).is_completed()
    finally:
        logging.getLogger("prefect.flow_runs").removeHandler(kept)
    refused = "[Errno 111] Connection refused"
    assert [each for each in kept.lines if refused in each] == [
        f"the report could not be kept ({refused}): 12 candles",
        f"what this shard did could not be told: {refused}",
    ]


@needed
@pytest.mark.parametrize(
    ("naps", "words"),
    [
        (3, "no deployment backfill/shard does a shard"),  # the server is there, and says so
        (1000, "shard 1/2 could not be started, as Prefect's server is busy or went away"),
    ],
)
def test_a_shard_waits_for_a_server_that_is_started_anew(naps: int, words: str) -> None:
    from prefect import flow  # noqa: PLC0415

    from flows.shards import _started  # noqa: PLC0415

    slept, gone = [0.0], ExitStack()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > naps:
            gone.close()

    patience = Patience(time=Timepiece(monotonic=lambda: sum(slept), sleep=sleep))
    wanted = run_spec(now=instant(NOW), known_sources=load(), sources=["okx"], start_year=2020)

    @flow
    def starting() -> None:
        with gone:
            gone.enter_context(away())
            _started("1/2", wanted, patience)

    state = ended(starting)
    assert words in state.message
    assert len(slept) == 4 if naps == 3 else sum(slept) >= 120


PLANTED = "CG-planted-0123456789"
Leaks = Callable[[str], list[str]]


class Echo(BaseHTTPRequestHandler):
    """A venue that refuses a key, and says which."""

    told: set[str]

    def do_GET(self) -> None:
        key = self.headers.get("x-cg-demo-api-key", "none")
        self.told.add(key)
        self.send_response(401)
        self.end_headers()
        self.wfile.write(f'{{"status": {{"error_message": "bad key {key}"}}}}'.encode())

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        pass


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Echo]]:
    """Send every source to a venue that echoes keys."""
    handler = type("Handler", (Echo,), {"told": set()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("CHANDLERY_VENUES_URL", f"http://127.0.0.1:{server.server_port}")
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def leaks(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Leaks:
    """Where the planted secret is: in what was printed or logged, or in Prefect's files."""
    caplog.set_level(logging.DEBUG)

    def found(control: str) -> list[str]:
        out, err = capfd.readouterr()
        written = {"stdout": out, "stderr": err, "log": caplog.text} | _prefect_wrote()
        assert control in "".join(written.values()), "this looks in the wrong places"
        return [name for name, text in written.items() if PLANTED in text]

    return found


def _prefect_wrote() -> dict[str, str]:
    from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL  # noqa: PLC0415

    url = PREFECT_SERVER_DATABASE_CONNECTION_URL.value()
    folders = (Path(str(url).partition("///")[2]).parent, Path(os.environ["PREFECT_HOME"]))
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "prefect-test.db" for path in paths)
    return {str(path): path.read_bytes().decode("latin-1") for path in paths}


@needed
def test_a_key_is_in_no_log_and_not_in_prefects_database(
    monkeypatch: pytest.MonkeyPatch, leaks: Leaks
) -> None:
    from flows.backfill import backfill  # noqa: PLC0415

    monkeypatch.setenv("COINGECKO_API_KEY", PLANTED)
    state = ended(backfill, start="2026-11-20", symbols=["BTC"], now=NOW)
    assert state.message == "1 of 1 coins, 58 candles"
    assert leaks(state.message) == []


@needed
@pytest.mark.parametrize("kept_in", ["environment", "block"])
def test_a_key_that_a_venue_echoes_is_nowhere(
    kept_in: str, monkeypatch: pytest.MonkeyPatch, echo: type[Echo], leaks: Leaks
) -> None:
    from prefect.blocks.system import Secret  # noqa: PLC0415

    from flows.sync_coins import sync_coins  # noqa: PLC0415

    if kept_in == "environment":
        monkeypatch.setenv("COINGECKO_API_KEY", PLANTED)
    else:
        Secret(value=PLANTED).save("coingecko-api-key", overwrite=True)
    state = ended(sync_coins, max_coins=4, now=NOW, market_caps=2)
    assert PLANTED in echo.told
    assert "bad key ***" in str(state.result())
    assert leaks("bad key ***") == []


@needed
@pytest.mark.parametrize("kept_in", ["environment", "block"])
def test_a_databases_password_is_nowhere(
    kept_in: str, monkeypatch: pytest.MonkeyPatch, leaks: Leaks
) -> None:
    from prefect.blocks.system import Secret  # noqa: PLC0415

    from flows.backfill import backfill  # noqa: PLC0415

    url = f"postgresql://me:{PLANTED}@127.0.0.1:1/none"
    if kept_in == "environment":
        monkeypatch.setenv("DATABASE_URL", url)
    else:
        monkeypatch.delenv("DATABASE_URL")
        Secret(value=url).save("database-url", overwrite=True)
    state = ended(backfill, symbols=["BTC"], now=NOW)
    assert "cannot reach the database at 127.0.0.1:1" in state.message
    assert leaks("cannot reach the database at 127.0.0.1:1") == []
