"""History, best market cap first: `prefect deployment run backfill/backfill -p start_year=2020`."""

from functools import partial
from typing import cast

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Failed

from chandlery.engine.spec import START_YEAR
from flows.batches import carry_out
from flows.form import Coins, Refetch, Shards, Source, Time, Year, which
from flows.shards import in_shards, tell


def _name() -> str:
    asked = runtime.flow_run.parameters
    end = f" to {asked['end']}" if asked["end"] else ""
    coins = which(asked["symbols"], asked["max_coins"])
    part = f", shard {asked['shard']}" if asked["shard"] else ""
    again = f", refetch {asked['refetch']}" if asked["refetch"] else ""
    return f"backfill {coins} from {asked['start'] or asked['start_year']}{end}{again}{part}"


@flow(name="backfill", flow_run_name=_name)
def backfill(  # noqa: PLR0913, PLR0917  a form's fields
    start_year: Year = START_YEAR,
    start: Time | None = None,
    end: Time | None = None,
    max_coins: Coins | None = None,
    symbols: list[str] | None = None,
    sources: list[Source] | None = None,
    archive: bool | None = None,  # noqa: FBT001
    delisted: bool = False,  # noqa: FBT001, FBT002
    refetch: Refetch | None = None,
    shards: Shards = 1,
    shard: str | None = None,
    now: str | None = None,
) -> State[dict[str, object]]:
    """Fetch every hour that is missing, by market-cap rank.

    Args:
        start_year: From the first of January of this year.
        start: Instead of the year: the first hour, ISO 8601 with a zone, or a date (UTC).
        end: The first hour no longer wanted; now if left out.
        max_coins: Only so many, best market cap first.
        symbols: Only these coins, by ticker or CoinGecko id.
        sources: The sources to ask, in order; all that are set if left out.
        archive: Bulk files first, or (false) only for what an API refuses. Left out: whole months
            from files and the rest from the API at once, where it is much.
        delisted: Also the coins that were delisted before they were ever asked for.
        refetch: Not what is missing, but what is held without this: taker, what takers bought.
        shards: Cut the coins into so many parts, each a run of its own: for several workers.
        shard: Internal, set by `shards`. One of so many parts of the coins: 2/4 is the second of
            four.
        now: Internal, for tests. Run as if it were this moment, ISO 8601.
    """
    if shards > 1 and shard is not None:
        return Failed(message="shards and shard are both given: write one of them")
    state = carry_out(
        now=now,
        sources=sources,
        symbols=symbols,
        max_coins=max_coins,
        start=start,
        end=end,
        start_year=start_year if start is None else None,
        archive=archive,
        shard=shard,
        delisted=delisted,
        refetch=refetch,
        do=partial(in_shards, shards) if shards > 1 else None,
    )
    if shard is not None:
        tell(cast("dict[str, object] | None", state.data))
    return state


if __name__ == "__main__":
    backfill()
