"""Which coins there are, and where they are listed: daily."""

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from chandlery.engine.context import open_context
from chandlery.errors import ChandleryError
from chandlery.model import moment
from chandlery.reports import of_coins
from chandlery.symbology.learn import learn
from chandlery.symbology.market_caps import learn_market_caps
from flows.blocks import in_force
from flows.form import Charts, Coins, which
from flows.reporting import publish


def _name() -> str:
    asked, due = runtime.flow_run.parameters, runtime.flow_run.scheduled_start_time
    return f"sync {which(None, asked['max_coins'])} at {due:%Y-%m-%d}"


@flow(name="sync-coins", flow_run_name=_name)
def sync_coins(
    max_coins: Coins | None = None, market_caps: Charts = 100, now: str | None = None
) -> State[dict[str, object]]:
    """Learn coins by market cap, and their listings at every source.

    Args:
        max_coins: Only so many, best market cap first; all if left out.
        market_caps: Ask for the past year's market caps of so many coins, where they are not known,
            best first: a request each.
        now: Internal, for tests. Learn as if it were this moment, ISO 8601.
    """
    try:
        at = moment(now)
        with open_context(in_force()) as context:
            universe = learn(context, at, max_coins)
            learn_market_caps(context, at, market_caps, universe)
    except ChandleryError as error:
        return Failed(message=str(error))
    for source, what in (*universe.odd.items(), *universe.failures.items()):
        get_run_logger().warning("%s: %s", source, what.removeprefix(f"{source}: "))
    for old, new in universe.renamed.items():
        get_run_logger().info("%s is called %s now", old, new)
    message = f"{universe.coins} coins, {sum(universe.listings.values())} listings"
    publish("sync-coins", of_coins(str(runtime.flow_run.name), universe), message)
    name = "Partial" if universe.failures else None
    return Completed(name=name, message=message, data=universe.statistics())


if __name__ == "__main__":
    sync_coins()
