"""A backfill in shards: a run each, on whatever workers the pool has, and what they add up to."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

import httpx
from prefect import get_run_logger, runtime
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Failed

from chandlery.engine.context import open_context
from chandlery.engine.spec import RunSpec, Shard
from chandlery.errors import Misuse
from chandlery.local.asked_again import PATIENT, Patience, passes, why
from chandlery.reports import of_shards
from chandlery.reports.markdown import plain
from chandlery.settings import Settings
from chandlery.symbology.learn import learn_if_due
from flows.reporting import publish
from flows.watching import Shown

DEPLOYMENT = "backfill/shard"
KEY = "shard-statistics"
POLL = 5.0

Statistics = dict[str, object]
Runs = dict[str, FlowRun]
"""By shard, as 2/4."""


def in_shards(shards: int, current: Settings, wanted: RunSpec) -> State[Statistics]:
    """Have every shard done by a run of its own, wait for all, and say what came of them.

    All take this run's moment for now, and find the coins learnt. They are subflows of this run:
    if it is cancelled, Prefect's server cancels them, within half a minute.
    """
    with open_context(current) as context:
        learn_if_due(context, wanted)
    names = [str(Shard(number, shards)) for number in range(1, shards + 1)]
    runs = {shard: _started(shard, wanted) for shard in names}
    with get_client(sync_client=True) as client:
        ended = _waited_for(client, runs)
        told = {shard: _statistics_of(client, run) for shard, run in ended.items()}
    states = {shard: run.state for shard, run in ended.items() if run.state is not None}
    state = added_up(states, told)
    names_of_states = {shard: str(each.name) for shard, each in states.items()}
    page = of_shards(str(runtime.flow_run.name), names_of_states, told)
    publish(runtime.flow_run.flow_name, page, plain(str(state.message)))  # names are in it
    return state


def _started(shard: str, wanted: RunSpec, patience: Patience = PATIENT) -> FlowRun:
    pinned = {"shards": 1, "shard": shard, "now": wanted.now.isoformat()}
    asked = {**runtime.flow_run.parameters, **pinned}
    # Asked for twice, it is one run; when this run is tried again, another one.
    key = f"{runtime.flow_run.id} {runtime.flow_run.run_count} {shard}"
    call = partial(run_deployment, DEPLOYMENT, parameters=asked, idempotency_key=key)
    try:
        # Without waiting: then it would be one after the other.
        return cast("FlowRun", patience.ask(passes, call, timeout=0))
    except ObjectNotFound:
        raise Misuse(
            f"no deployment {DEPLOYMENT} does a shard: run `prefect --no-prompt deploy --all`"
        ) from None
    except httpx.HTTPError as error:
        raise Misuse(
            f"shard {shard} could not be started, as Prefect's server is busy or went away"
            f" ({why(error)}); those before it go on: run the same again"
        ) from None


def _waited_for(client: SyncPrefectClient, runs: Runs) -> Runs:
    """The runs once all have ended."""
    log, ended, shown = get_run_logger(), Runs(), Shown()
    while len(ended) < len(runs):
        time.sleep(POLL)
        for shard in runs.keys() - ended.keys():
            try:
                run = client.read_flow_run(runs[shard].id)
            except httpx.HTTPError as error:
                if not passes(error):
                    raise
                # The shards go on without a server, and one that is started anew comes back.
                log.warning("the server does not answer: %s", why(error))
                break
            if run.state is not None and run.state.is_final():
                ended[shard] = run
                log.info("shard %s: %s: %s", shard, run.state.name, run.state.message)
                shown.show(len(ended) / len(runs), f"{len(ended)} of {len(runs)} shards have ended")
    return {shard: ended[shard] for shard in runs}


def tell(statistics: Statistics | None) -> None:
    """Leave a shard's statistics where the run that adds them up finds them."""
    rows = [{"statistic": name, "value": value} for name, value in (statistics or {}).items()]
    try:
        create_table_artifact(rows, key=KEY, description="What this shard did.")
    except httpx.HTTPError as error:  # the candles are there, and are not taken back for that
        get_run_logger().error("what this shard did could not be told: %s", why(error))


def _statistics_of(client: SyncPrefectClient, run: FlowRun) -> Statistics:
    """What a run has told; nothing, if it did not live to tell."""
    mine = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]), key=ArtifactFilterKey(any_=[KEY])
    )
    found = client.read_artifacts(artifact_filter=mine)
    rows = json.loads(str(found[0].data)) if found else []
    return {row["statistic"]: row["value"] for row in rows}


def added_up(
    states: Mapping[str, State[object]], told: Mapping[str, Statistics]
) -> State[Statistics]:
    """The state that these states (by shard) and their statistics make together."""
    sums = _sum([each for each in told.values() if each])
    total, failed = (cast("int", sums.get(name, 0)) for name in ("total_symbols", "failed"))
    done, records = f"{total - failed} of {total} coins", sums.get("total_records", 0)
    message = f"{done}, {records:,} candles, in {len(states)} shards"
    wrong = [
        f"shard {shard} {state.name.lower() if state.name else state.type}: {state.message}"
        for shard, state in states.items()
        if not state.is_completed()
    ]
    statistics = {**sums, "shards": {shard: state.name for shard, state in states.items()}}
    if len(wrong) == len(states):
        return Failed(message=f"{message}; {'; '.join(wrong)}", data=statistics)
    if failed:
        wrong.append(f"failed: {', '.join(cast('Mapping[str, str]', sums['failures']))}")
    if wrong:
        why = "; ".join(wrong)
        return Completed(name="Partial", message=f"{message}; {why}", data=statistics)
    return Completed(message=message, data=statistics)


def _sum(parts: Sequence[Statistics]) -> Statistics:
    """Counts added, lists joined, what stands under names gathered."""
    sums: Statistics = {}
    for part in parts:
        for name, value in part.items():
            sums[name] = _both(sums[name], value) if name in sums else value
    return sums


def _both(one: object, other: object) -> object:
    if isinstance(one, dict) and isinstance(other, dict):
        counts = all(isinstance(each, int) for each in (*one.values(), *other.values()))
        return dict(Counter(one) + Counter(other)) if counts else one | other
    if isinstance(one, list) and isinstance(other, list):
        return one + other
    return cast("float", one) + cast("float", other)
