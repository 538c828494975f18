"""What the verbs that collect share: a run of what their options ask for."""

from collections.abc import Sequence
from typing import Unpack

from chandlery.cli.console import RunLines, print_json, print_result, progress
from chandlery.cli.options import at
from chandlery.engine.batch import collect_batch
from chandlery.engine.context import open_context, refuse_if_offline
from chandlery.engine.run import Run
from chandlery.engine.run import run as run_once
from chandlery.engine.spec import Choices, run_spec
from chandlery.settings import settings
from chandlery.symbology.learn import learn_if_due
from chandlery.venues import in_order, load


def collect(
    title: str,
    *,
    as_json: bool,
    now: str | None,
    sources: Sequence[str] | None,
    run: Run = run_once,
    **choices: Unpack[Choices],
) -> int:
    """Run what the options ask for, and print its result; 1 if a coin failed or none is listed."""
    current = settings()
    wanted = run_spec(
        now=at(now),
        known_sources=load(),
        sources=in_order(current.priority) if sources is None else sources,
        name=f"chandlery {title}",
        verb=title,
        **choices,
    )
    with open_context(current) as context, progress(title, shown=not as_json) as bar:
        refuse_if_offline(current, wanted.sources)
        lines = RunLines(bar, context.waits)
        learn_if_due(context, wanted, lines)
        result = run(context, wanted, lines, collect_batch)
    if as_json:
        print_json(result.statistics())
    else:
        print_result(result)
    return 1 if result.failed or result.is_listed_nowhere else 0
