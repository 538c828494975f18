"""What the flows share: a run with batches as tasks, and the state it ends in."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Unpack

from prefect import get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.states import Completed, Failed

from chandlery.engine.batch import collect_batch
from chandlery.engine.context import RunContext, open_context
from chandlery.engine.progress import Course
from chandlery.engine.result import RunResult
from chandlery.engine.run import CollectBatch, Run, run
from chandlery.engine.spec import Choices, RunSpec, run_spec
from chandlery.errors import Damaged, Gone, Misuse, Unavailable
from chandlery.model import Coin, moment
from chandlery.quality.completeness import survey
from chandlery.reports import of_collection
from chandlery.settings import Settings
from chandlery.symbology.learn import learn_if_due
from chandlery.venues import in_order, load
from flows.blocks import in_force
from flows.reporting import publish
from flows.watching import Watching

RESTS = (120.0, 300.0)
"""Seconds until a batch is done again for which a source was away as a whole.

A request's own retries are the transport's, and over in seconds. What was refused, or failed for
one coin among many, is the next run's, and so is what is still not there after these.
"""
SPREAD = 0.3  # so that those who failed together do not come back together


def _may_come_back(_task: object, _run: object, state: State[object]) -> bool:
    return isinstance(state.result(raise_on_failure=False), Unavailable)


# The arguments are live things, a connection and threads: nothing to hash, nothing to cache.
@task(
    name="collect-batch",
    cache_policy=NO_CACHE,
    retries=len(RESTS),
    retry_delay_seconds=list(RESTS),
    retry_jitter_factor=SPREAD,
    retry_condition_fn=_may_come_back,
)
def batch_task(
    context: RunContext, spec: RunSpec, coins: Sequence[Coin], result: RunResult, course: Course
) -> None:
    """Do a batch; once more, some minutes later, if a source was away for all of it.

    A source that is away for longer than that is off for the rest of the run.
    """
    before = result.rows.copy()
    collect_batch(context, spec, coins, result, course)
    get_run_logger().info(_came(result.rows - before, result, coins))
    away = dict(result.away(coins))
    if away and runtime.task_run.run_count <= len(RESTS):
        result.forget(coins)
        raise Unavailable("; ".join(away.values()))
    result.off.update(away)


def _came(rows: Counter[str], result: RunResult, coins: Sequence[Coin]) -> str:
    """What a batch brought, from whom, and who failed."""
    failed = [coin.symbol for coin in coins if coin.symbol in result.failed]
    told = [f"{name}: {candles:,} candles" for name, candles in rows.most_common()]
    told += [f"failed: {', '.join(failed)}"] if failed else []
    return "; ".join(told) or "nothing new"


def carry_out(
    *,
    now: str | None,
    sources: Sequence[str] | None,
    run: Run = run,
    do: Callable[[Settings, RunSpec], State[dict[str, object]]] | None = None,
    **choices: Unpack[Choices],
) -> State[dict[str, object]]:
    """Do what the parameters ask for. The state says in a line what came of it.

    Here, with `run`; or have it done: `do` gets the settings and the spec.
    """
    try:
        current = in_force()
        wanted = run_spec(
            now=moment(now),
            known_sources=load(),
            sources=in_order(current.priority) if sources is None else sources,
            name=runtime.flow_run.name,
            verb=runtime.flow_run.flow_name,
            **choices,
        )
        if do is not None:
            return do(current, wanted)
        result = _collected(current, wanted, run)
    except (Misuse, Gone, Damaged) as error:
        return Failed(message=str(error))
    return _ended(result)


def _collected(current: Settings, wanted: RunSpec, run: Run) -> RunResult:
    with open_context(current) as context:
        watching, begun = Watching(), Begun()
        try:
            learn_if_due(context, wanted, watching)
            result = run(context, wanted, watching, as_tasks(begun=begun))
        except BaseException as error:  # cancelled, as often as not: what it did is told
            _stopped(watching, begun.result, error)
            raise
        watching.end(_summary(result), share=1.0)
        if result.pages:  # else there is nothing to tell: so end all but one of several late runs
            seen = context.database.do(survey, result.coins, wanted.now, wanted.window)
            page = of_collection(str(runtime.flow_run.name), result, seen)
            publish(runtime.flow_run.flow_name, page, _summary(result))
        return result


@dataclass
class Begun:
    """What a run that is under way has done so far."""

    result: RunResult = field(default_factory=RunResult)


def _stopped(watching: Watching, result: RunResult, error: BaseException) -> None:
    """Leave the page of a run that was stopped in its midst.

    It asks the database for nothing: that may be busy with what was stopped, and who cancels waits.
    """
    cancelled = isinstance(error, TerminationSignal)
    if not (cancelled or result.pages):
        return
    result.seconds = monotonic() - watching.began
    why = "cancelled" if cancelled else "stopped by an error"
    words = f"{why} after {result.records:,} candles; what was written stays"
    watching.end(words)
    publish(
        runtime.flow_run.flow_name,
        of_collection(str(runtime.flow_run.name), result, stopped=words),
        words,
    )


def as_tasks(rests: Sequence[float] = RESTS, begun: Begun | None = None) -> CollectBatch:
    """Batches as tasks of Prefect's, with these rests before they are done again.

    `begun` is told the run's result as it grows.
    """

    def collect_batch(
        context: RunContext, spec: RunSpec, coins: Sequence[Coin], result: RunResult, course: Course
    ) -> None:
        if begun is not None:
            begun.result = result
        of = f"{len(coins)} coins" if spec.kind is None else f"{len(coins)} coins, {spec.kind}"
        name = f"{coins[0].symbol} to {coins[-1].symbol} ({of})"
        made = batch_task.with_options(task_run_name=name, retry_delay_seconds=list(rests))
        made(context, spec, coins, result, course)

    return collect_batch


def _summary(result: RunResult) -> str:
    """What a run did, in one line."""
    done = len(result.coins) - len(result.failed) - len(result.unfinished)
    # So ends all but one of several runs that are late: what is missing is asked, not the time.
    nothing = "nothing else is due" if result.unfinished else "nothing due is missing"
    asked = f"{result.records:,} candles" if result.pages else nothing
    rest = result.known and result.known.sentence()
    told = [f"{done} of {len(result.coins)} coins, {asked}", *result.leaving()]
    return "; ".join([*told, rest] if rest else told)


def _ended(result: RunResult) -> State[dict[str, object]]:
    log = get_run_logger()
    for symbol, why in result.failed.items():
        log.warning("%s: %s", symbol, why)
    statistics, message = result.statistics(), _summary(result)
    log.info("%s; %s", message, statistics)
    if result.is_listed_nowhere:
        return Failed(message=f"{message}: no source that was asked lists them", data=statistics)
    if not result.failed:
        return Completed(message=message, data=statistics)
    if len(result.failed) == len(result.coins):
        return Failed(message=f"{message}: {next(iter(result.failed.values()))}", data=statistics)
    return Completed(
        name="Partial", message=f"{message}; failed: {', '.join(result.failed)}", data=statistics
    )
