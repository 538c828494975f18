"""`chandlery automations`: what Prefect's server does by itself, as automations.yaml says."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import httpx
import yaml
from pydantic import ValidationError

from chandlery.cli.console import print_json
from chandlery.cli.options import JSON, options
from chandlery.errors import ChandleryError, Misuse
from chandlery.local.asked_again import passes, why
from chandlery.local.instance import ROOT
from chandlery.local.notifier import as_text, refuse_unknown
from chandlery.local.prefect_api import Row, Server, answering
from chandlery.settings import Settings, settings

FILE = ROOT / "automations.yaml"
BLOCK = "chandlery"
"""The name of the block that notifies; in the file it stands in the place of the block's id."""
NOBODY = "Nobody is told: set CHANDLERY_NOTIFY_URL."
OURS = "chandlery"
"""The tag of what the file declares: what has it and is not in the file is taken away."""


@click.command()
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=FILE,
    help="What to apply. [default: automations.yaml beside the code]",
)
@options(JSON)
def automations(*, file: Path, as_json: bool) -> None:
    """Have Prefect's server speak up when collection fails or falls behind.

    Who is told is CHANDLERY_NOTIFY_URL. A second time changes nothing.
    """
    current = settings()
    did = applied(answering(current.home), current, file)
    if as_json:
        print_json(did)
    else:
        click.echo(said(did))


def applied(server: Server, current: Settings, file: Path = FILE) -> Mapping[str, object]:
    """Make the server's automations those of the file; say what was done, and who is notified.

    One that was switched off stays off, and one that says what it did is not touched: what it
    waits for would begin anew. Misuse where the file or CHANDLERY_NOTIFY_URL cannot be used.
    """
    try:
        return _apply(server, current, file)
    except httpx.HTTPError as error:
        if isinstance(error, httpx.HTTPStatusError) and not passes(error):
            raise ChandleryError(f"Prefect's server refuses an automation: {why(error)}") from None
        raise ChandleryError(
            f"Prefect's server at {server.api} is busy or went away ({why(error)}): run"
            " `chandlery automations` again once it answers; what was done stays"
        ) from None


def _apply(server: Server, current: Settings, file: Path) -> Mapping[str, object]:
    declared = _declared(file)
    if current.notify_url:
        refuse_unknown(current.notify_url)
        server.keep_notifier(BLOCK, as_text(current.notify_url))
    block = server.notifier(BLOCK)
    wanted = {name: _model(file, _addressed(each, block)) for name, each in declared.items()}
    done = _reconcile(server, wanted)
    return {**done, "notified": block is not None}


def _reconcile(server: Server, wanted: Mapping[str, Any]) -> Mapping[str, int]:
    done = Counter(dict.fromkeys(("made", "changed", "kept", "removed"), 0))
    there: defaultdict[str, list[Row]] = defaultdict(list)
    for each in server.automations():
        there[each["name"]].append(each)
    for name, model in wanted.items():
        first = there[name].pop(0) if there[name] else None
        done[_put(server, first, model)] += 1
    for name, found in there.items():
        for each in found:  # of a wanted name: a double, as `prefect automation create` makes them
            if name in wanted or OURS in each["tags"]:
                server.drop_automation(each["id"])
                done["removed"] += 1
    return done


def _put(server: Server, found: Row | None, model: Any) -> str:  # noqa: ANN401  Prefect's
    if found is None:
        server.make_automation(_sent(model))
        return "made"
    model = model.model_copy(update={"enabled": found["enabled"]})
    if type(model).model_validate(found) == model:
        return "kept"
    server.change_automation(found["id"], _sent(model))
    return "changed"


def _sent(model: Any) -> Row:  # noqa: ANN401  Prefect's
    return dict(model.model_dump(mode="json", exclude={"owner_resource"}))  # not to be changed


def _declared(file: Path) -> dict[str, dict[str, Any]]:
    try:
        told = yaml.safe_load(file.read_text("utf-8"))
        return {each["name"]: each for each in told["automations"]}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Misuse(f"{file.name} is not YAML: {error}") from None
    except (KeyError, TypeError):
        raise Misuse(f"{file.name}: write a list of `automations:`, each with a `name`") from None


def _addressed(declared: Mapping[str, Any], block: str | None) -> dict[str, Any]:
    """With the block's id in the place of its name; without a block it says that nobody is told."""
    asked = list(declared.get("actions", ()))
    actions = [
        {**action, "block_document_id": block} if _notifies(action) else action
        for action in asked
        if block or not _notifies(action)
    ]
    words = [declared.get("description", ""), "" if len(actions) == len(asked) else NOBODY]
    tags = sorted({OURS, *declared.get("tags", ())})
    return {
        **declared,
        "description": " ".join(filter(None, words)),
        "actions": actions,
        "tags": tags,
    }


def _notifies(action: object) -> bool:
    return isinstance(action, dict) and action.get("block_document_id") == BLOCK


def _model(file: Path, declared: Mapping[str, Any]) -> Any:  # noqa: ANN401  Prefect's
    from prefect.events.schemas.automations import AutomationCore  # noqa: PLC0415  takes seconds

    try:
        return AutomationCore.model_validate(declared)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Misuse(f"{file.name}: {declared['name']}: {where}: {first['msg']}") from None


def said(did: Mapping[str, object]) -> str:
    """What was done, in a line."""
    counts = (f"{number} {word}" for word, number in did.items() if word != "notified" and number)
    told = (
        f"the block {BLOCK} is told"
        if did["notified"]
        else "nobody is told: set CHANDLERY_NOTIFY_URL"
    )
    return f"automations {', '.join(counts)}; {told}"
