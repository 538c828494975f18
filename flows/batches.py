"""What the flows share: an order carried out with batches as tasks, and the state it ends in."""

from collections.abc import Sequence
from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from candles import Coin, Misuse, clock, instant
from candles.settings import Settings
from collect import Order, Progress, Tally, Tools, gather, learn_if_due, order, run, tools
from collect.run import Run
from collect.turn import Step
from flows.blocks import in_force
from sources import load

# The arguments are live things, a connection and threads: nothing to hash, nothing to cache.
batch_task = task(name="gather", cache_policy=NO_CACHE)(gather)


def carry_out(  # noqa: PLR0913  a flow's parameters
    *,
    now: str | None,
    sources: Sequence[str] | None,
    symbols: Sequence[str] | None,
    max_coins: int | None,
    start: str | None = None,
    end: str | None = None,
    start_year: int | None = None,
    hours: int | None = None,
    recheck_hours: int | None = None,
    patient: bool = True,
    run: Run = run,
) -> State[dict[str, object]]:
    """Do what the parameters ask for. The state says in a line what came of it."""
    try:
        current = in_force()
        wanted = order(
            now=_moment(now),
            known_sources=load(),
            sources=current.priority if sources is None else sources,
            start=start,
            end=end,
            start_year=start_year,
            hours=hours,
            symbols=symbols,
            max_coins=max_coins,
            recheck_hours=recheck_hours,
            patient=patient,
        )
        return _ended(_collected(current, wanted, run))
    except Misuse as error:
        return Failed(message=str(error))


def _moment(now: str | None) -> datetime:
    return clock() if now is None else instant(now, name="now")


def _collected(current: Settings, wanted: Order, run: Run) -> Tally:
    with tools(current) as at_hand:
        learn_if_due(at_hand, wanted)
        return run(at_hand, wanted, _Said(), _as_task)


def _as_task(tools: Tools, order: Order, coins: Sequence[Coin], tally: Tally, step: Step) -> None:
    name = f"{coins[0].symbol} to {coins[-1].symbol} ({len(coins)} coins)"
    batch_task.with_options(task_run_name=name)(tools, order, coins, tally, step)


class _Said:
    """Says in the run's log how far it is, once a batch."""

    def __init__(self) -> None:
        self.log = get_run_logger()
        self.done = 0

    def __call__(self, progress: Progress) -> None:
        if progress.done != self.done:
            self.done = progress.done
            self.log.info(
                "%d of %d coins, %s candles", progress.done, progress.coins, f"{progress.records:,}"
            )


def _ended(tally: Tally) -> State[dict[str, object]]:
    log = get_run_logger()
    for symbol, why in tally.failed.items():
        log.warning("%s: %s", symbol, why)
    statistics = tally.statistics()
    done = len(tally.coins) - len(tally.failed)
    message = f"{done} of {len(tally.coins)} coins, {tally.records:,} candles"
    log.info("%s; %s", message, statistics)
    if not tally.failed:
        return Completed(message=message, data=statistics)
    if done == 0:
        return Failed(message=f"{message}: {next(iter(tally.failed.values()))}", data=statistics)
    return Completed(
        name="Partial", message=f"{message}; failed: {', '.join(tally.failed)}", data=statistics
    )
