"""The database's upkeep: daily."""

from typing import Annotated

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from chandlery.engine.maintenance import AFTER_DAYS, LEAST_DAYS, MOST_DAYS
from chandlery.engine.maintenance import maintain as maintain_database
from chandlery.errors import ChandleryError
from chandlery.model import moment
from chandlery.reports import of_maintenance
from flows.blocks import in_force
from flows.reporting import publish

Days = Annotated[int, Field(ge=LEAST_DAYS, le=MOST_DAYS)]


def _name() -> str:
    return f"maintain at {runtime.flow_run.scheduled_start_time:%Y-%m-%d}"


@flow(name="maintain", flow_run_name=_name)
def maintain(after_days: Days = AFTER_DAYS, now: str | None = None) -> State[dict[str, object]]:
    """Find lost hours, refresh 4h and 1d candles, compress old hourly ones, tidy up.

    Partial, with what fetches them again, where hours that were stored are gone.

    Args:
        after_days: Candles older than that are compressed; they are read and written as before.
        now: Internal, for tests. Run as if it were this moment, ISO 8601.
    """
    log = get_run_logger()
    try:
        at = moment(now)
        done = maintain_database(in_force(), at, after_days, say=log.info)
    except ChandleryError as error:
        return Failed(message=str(error))
    lost = done.lost.sentences()
    for sentence in lost:
        log.warning("%s", sentence)
    publish("maintain", of_maintenance(str(runtime.flow_run.name), done), done.summary())
    name, message = "Partial" if done.lost.hours else None, "; ".join([*lost, done.summary()])
    return Completed(name=name, message=message, data=done.statistics())


if __name__ == "__main__":
    maintain()
