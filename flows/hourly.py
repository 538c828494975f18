"""The newest closed hours of every coin: at minute 5 of every hour."""

from prefect import flow, runtime
from prefect.client.schemas.objects import State

from flows.batches import carry_out


def _name() -> str:
    asked = runtime.flow_run.parameters
    coins = ",".join(asked["symbols"] or ()) or f"{asked['max_coins'] or 'all'} coins"
    return f"hourly {coins}"


@flow(name="hourly", flow_run_name=_name)
def hourly(
    hours: int = 24,
    max_coins: int | None = None,
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
