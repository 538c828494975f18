"""How good the candles are, every six hours: completeness, sources, and what is odd about them."""

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from chandlery.errors import ChandleryError
from chandlery.model import moment, utc_text
from chandlery.quality.check import check
from chandlery.reports import of_quality
from flows.blocks import in_force
from flows.form import Coins, which
from flows.reporting import publish


def _name() -> str:
    asked, due = runtime.flow_run.parameters, runtime.flow_run.scheduled_start_time
    return f"quality of {which(asked['symbols'], asked['max_coins'])} at {utc_text(due)}"


@flow(name="quality", flow_run_name=_name)
def quality(
    symbols: list[str] | None = None, max_coins: Coins | None = None, now: str | None = None
) -> State[dict[str, object]]:
    """Check what is stored, keep what is found; no venue is asked.

    Args:
        symbols: Only these coins, by ticker or CoinGecko id; all if left out.
        max_coins: Only so many, best market cap first.
        now: Internal, for tests. Check as if it were this moment, ISO 8601.
    """
    log = get_run_logger()
    try:
        at = moment(now)
        report = check(in_force(), at, symbols, max_coins, say=log.info)
    except ChandleryError as error:
        return Failed(message=str(error))
    publish("quality", of_quality(report), report.summary())
    for text, new in zip(report.sentences(), report.open["new"], strict=True):
        if new:
            log.warning(text)
    return Completed(message=report.summary(), data=report.statistics())


if __name__ == "__main__":
    quality()
