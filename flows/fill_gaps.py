"""What is missing and due, over the last 30 days: daily at 03:00 UTC."""

from prefect import flow, runtime
from prefect.client.schemas.objects import State

from chandlery.engine.run import fill_gaps
from chandlery.engine.spec import FILL_HOURS, RECHECK_HOURS
from flows.batches import carry_out
from flows.form import Coins, Recheck, Source, Time, which


def _name() -> str:
    asked = runtime.flow_run.parameters
    coins = which(asked["symbols"], asked["max_coins"])
    return f"fill gaps of {coins} {'since ' + asked['start'] if asked['start'] else 'of 30 days'}"


@flow(name="fill-gaps", flow_run_name=_name)
def fill(  # noqa: PLR0913, PLR0917  a form's fields
    start: Time | None = None,
    end: Time | None = None,
    max_coins: Coins | None = None,
    symbols: list[str] | None = None,
    sources: list[Source] | None = None,
    recheck_hours: Recheck = RECHECK_HOURS,
    again: bool = False,  # noqa: FBT001, FBT002
    now: str | None = None,
) -> State[dict[str, object]]:
    """Ask for what is missing and due, and for what may be better by now.

    Args:
        start: The first hour, ISO 8601 with a zone, or a date (UTC); 30 days ago if left out.
        end: The first hour no longer wanted; now if left out.
        max_coins: Only so many, best market cap first.
        symbols: Only these coins, by ticker or CoinGecko id.
        sources: The sources to ask, in order; all that are set if left out.
        recheck_hours: The newest hours are asked for again: a venue may have restated them.
        again: Ask for hours that were found empty too, before their time.
        now: Internal, for tests. Run as if it were this moment, ISO 8601.
    """
    return carry_out(
        now=now,
        sources=sources,
        symbols=symbols,
        max_coins=max_coins,
        start=start,
        end=end,
        hours=FILL_HOURS if start is None else None,
        recheck_hours=recheck_hours,
        patient=not again,
        run=fill_gaps,
    )


if __name__ == "__main__":
    fill()
