"""The newest closed hours of every coin: at minute 5 of every hour."""

from prefect import flow, runtime
from prefect.client.schemas.objects import State

from flows.batches import carry_out
from flows.form import Coins, Hours, which


def _name() -> str:
    asked, due = runtime.flow_run.parameters, runtime.flow_run.scheduled_start_time
    return f"hourly {which(asked['symbols'], asked['max_coins'])} at {due:%Y-%m-%d %H:%M}"


@flow(name="hourly", flow_run_name=_name)
def hourly(
    hours: Hours = 24,
    max_coins: Coins | None = None,
    symbols: list[str] | None = None,
    sources: list[str] | None = None,
    now: str | None = None,
) -> State[dict[str, object]]:
    """Fetch the newest closed hours that are missing.

    Args:
        hours: How far back an hour is looked for: what an outage of ours left is made up for.
        max_coins: Only so many, best market cap first.
        symbols: Only these coins, by ticker or CoinGecko id.
        sources: The sources to ask, in order; all that are set if left out.
        now: Run as if it were this moment, ISO 8601.
    """
    return carry_out(now=now, sources=sources, symbols=symbols, max_coins=max_coins, hours=hours)


if __name__ == "__main__":
    hourly()
