"""What the verbs that collect share: a run with its progress bar, its result and exit code."""

from dataclasses import replace

from chandlery import engine
from chandlery.cli.console import move, print_json, print_result, progress
from chandlery.engine import RunSpec, collect_batch, open_context, refuse_if_offline
from chandlery.engine.run import Run
from chandlery.settings import Settings
from chandlery.symbology import learn_if_due


def collect(
    title: str, current: Settings, wanted: RunSpec, *, as_json: bool, run: Run = engine.run
) -> int:
    """Run a spec and print its result; 1 if a coin failed or nobody lists any, 0 else."""
    wanted = replace(wanted, name=f"chandlery {title}")
    with open_context(current) as context, progress(title, shown=not as_json) as bar:
        refuse_if_offline(current, wanted.sources)
        learn_if_due(context, wanted)
        result = run(context, wanted, lambda step: move(bar, step), collect_batch)
    if as_json:
        print_json(result.statistics())
    else:
        print_result(result)
    return 1 if result.failed or result.is_listed_nowhere else 0
