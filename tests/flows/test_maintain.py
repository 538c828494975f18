"""The flow `maintain` on a real, temporary Prefect server, where hours are lost."""

from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR, SCHEMA
from chandlery.settings import Settings

T0 = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def prefect(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A server of Prefect's own for tests, and flows that find the test's database."""
    monkeypatch.setenv("CHANDLERY_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.mark.usefixtures("prefect")
def test_lost_hours_make_a_partial_run_and_a_page(
    connection: store.Connection,
) -> None:
    from prefect.client.orchestration import get_client  # noqa: PLC0415

    from flows.maintain import maintain  # noqa: PLC0415

    prices = {name: 2.0 for name in SCHEMA.names() if name not in {"open_time", "trades"}}
    times = [T0 + hour * HOUR for hour in range(48)]
    candles = pl.DataFrame({"open_time": times, "trades": 1} | prices, schema=SCHEMA)
    store.write(connection, {1: candles}, 0)
    store.refresh(connection)
    connection.execute("select drop_chunks('candle_1h', older_than => '2025-01-01Z'::timestamptz)")

    state = maintain(now="2024-02-01", return_state=True)
    told = "lost: 48 hours on 2 days, coins: 1, from 2024-01-01 to 2024-01-03"
    assert (state.name, state.message.startswith(f"{told}: ")) == ("Partial", True)
    assert state.message.endswith("; 2 days refreshed")
    with get_client(sync_client=True) as server:
        (page,) = server.read_artifacts()
    assert "## Days that did not agree with their hours" in str(page.data)
    assert "48 hours on 2 days" in str(page.data)

    state = maintain(now="2024-02-01", return_state=True)
    assert state.name == "Completed"
