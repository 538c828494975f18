"""The newest closed hours of every coin: at minute 5 of every hour."""

from contextlib import suppress
from typing import cast

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from chandlery.engine.coins_known import CoinsKnown
from chandlery.model import clock, utc_text
from flows.batches import carry_out
from flows.form import Coins, Hours, Source, which

LEARNS_ALL = "sync-coins/sync-coins"


def _name() -> str:
    asked, due = runtime.flow_run.parameters, runtime.flow_run.scheduled_start_time
    return f"hourly {which(asked['symbols'], asked['max_coins'])} at {utc_text(due)}"


@flow(name="hourly", flow_run_name=_name)
def hourly(
    hours: Hours = 24,
    max_coins: Coins | None = None,
    symbols: list[str] | None = None,
    sources: list[Source] | None = None,
    now: str | None = None,
) -> State[dict[str, object]]:
    """Fetch the newest closed hours that are missing.

    Args:
        hours: How far back an hour is looked for: what an outage of ours left is made up for.
        max_coins: Only so many, best market cap first.
        symbols: Only these coins, by ticker or CoinGecko id.
        sources: The sources to ask, in order; all that are set if left out.
        now: Internal, for tests. Run as if it were this moment, ISO 8601.
    """
    state = carry_out(now=now, sources=sources, symbols=symbols, max_coins=max_coins, hours=hours)
    told = cast("dict[str, object] | None", state.data) or {}
    known = cast("dict[str, int | None] | None", told.get("universe"))
    if known is not None and CoinsKnown(known["known"] or 0, known["there_are"]).rest:
        _learn_the_rest(now)
    return state


def _learn_the_rest(now: str | None) -> None:
    """Have all coins learnt, beside the runs to come: a first run waits for the best ones only.

    Once a day at most, whatever comes of it. A run without deployments leaves it to the next sync.
    """
    key = f"the rest of the coins, {now or format(clock(), '%Y-%m-%d')}"
    with suppress(ObjectNotFound):
        run_deployment(
            LEARNS_ALL,
            parameters={"now": now, "market_caps": 0},  # CoinGecko's requests are for prices first
            timeout=0,
            as_subflow=False,
            idempotency_key=key,
        )
        get_run_logger().info("%s learns the rest of the coins", LEARNS_ALL)


if __name__ == "__main__":
    hourly()
