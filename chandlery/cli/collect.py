"""What the verbs that collect share: their options as a spec, and a run with its exit code."""

from dataclasses import replace
from typing import NotRequired, TypedDict, Unpack

from chandlery.cli.console import move, print_json, print_result, progress
from chandlery.cli.options import at, listed
from chandlery.engine.batch import collect_batch
from chandlery.engine.context import open_context, refuse_if_offline
from chandlery.engine.run import Run
from chandlery.engine.run import run as run_once
from chandlery.engine.spec import RunSpec, run_spec
from chandlery.settings import Settings, settings
from chandlery.symbology.learn import learn_if_due
from chandlery.venues import load


class Given(TypedDict):
    """What these options give a verb; not every verb has all."""

    now: str | None
    sources: str | None
    symbols: str | None
    max_coins: int | None
    start: NotRequired[str | None]
    end: NotRequired[str | None]
    start_year: NotRequired[int | None]
    hours: NotRequired[int | None]
    archive: NotRequired[bool]
    patient: NotRequired[bool]
    recheck_hours: NotRequired[int]
    shard: NotRequired[str | None]
    delisted: NotRequired[bool]


def _spec(**given: Unpack[Given]) -> tuple[Settings, RunSpec]:
    """The settings in force and the spec that the options make."""
    current = settings()
    asked = listed(given["sources"])
    return current, run_spec(
        now=at(given["now"]),
        known_sources=load(),
        sources=current.priority if asked is None else asked,
        start=given.get("start"),
        end=given.get("end"),
        start_year=given.get("start_year"),
        hours=given.get("hours"),
        symbols=listed(given["symbols"]),
        max_coins=given["max_coins"],
        archive=given.get("archive", False),
        patient=given.get("patient", True),
        recheck_hours=given.get("recheck_hours"),
        shard=given.get("shard"),
        delisted=given.get("delisted", False),
    )


def collect(title: str, *, as_json: bool, run: Run = run_once, **given: Unpack[Given]) -> int:
    """Run what the options ask for, and print its result; 1 if a coin failed or none is listed."""
    current, wanted = _spec(**given)
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
