"""What prefect.yaml sets, without a server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.server.schemas.schedules import CronSchedule
from prefect.utilities.callables import parameter_schema

from chandlery.venues import load
from flows.backfill import backfill
from flows.fill_gaps import fill
from flows.hourly import hourly
from flows.maintain import maintain
from flows.quality import quality
from flows.sync_coins import sync_coins

FILE = Path(__file__).resolve().parents[2] / "prefect.yaml"
SET = {"shard": {"shard": "1/1"}}


def test_a_deployment_repeats_no_default_of_its_flow() -> None:
    """`recheck_hours: 24` stood here for a week in which the flow had 72."""
    declared = yaml.safe_load(FILE.read_text("utf-8"))["deployments"]
    assert {each["name"]: each["parameters"] for each in declared if "parameters" in each} == SET


def test_what_only_other_runs_start_is_marked_internal() -> None:
    declared = yaml.safe_load(FILE.read_text("utf-8"))["deployments"]
    marked = [each["name"] for each in declared if "internal" in each["tags"]]
    assert marked == ["shard"]


SCHEDULES = {
    each["name"]: schedule
    for each in yaml.safe_load(FILE.read_text("utf-8"))["deployments"]
    for schedule in each["schedules"]
}


@pytest.mark.parametrize("declared", SCHEDULES.values(), ids=SCHEDULES)
def test_prefects_scheduler_finds_a_schedules_dates(declared: dict[str, str]) -> None:
    """With whenever 0.10.5 it finds none, and makes no run: a word of it is in its log alone."""
    schedule = CronSchedule(cron=declared["cron"], timezone=declared["timezone"])
    assert len(asyncio.run(schedule.get_dates(3))) == 3


@pytest.mark.parametrize("flow", [backfill, fill, hourly])
def test_a_form_offers_the_sources_there_are(flow: Flow[..., Any]) -> None:
    asked = fields(flow)["sources"]["anyOf"][0]
    assert asked == {"type": "array", "items": {"type": "string", "enum": sorted(load())}}


@pytest.mark.parametrize("flow", [backfill, fill])
@pytest.mark.parametrize("name", ["start", "end"])
def test_a_form_offers_dates(flow: Flow[..., Any], name: str) -> None:
    assert fields(flow)[name]["anyOf"][0] == {"type": "string", "format": "date"}


@pytest.mark.parametrize("flow", [backfill, fill, hourly, maintain, quality, sync_coins])
def test_what_is_internal_stands_last_in_a_form_and_says_so(flow: Flow[..., Any]) -> None:
    by_place = sorted(fields(flow).items(), key=lambda each: each[1]["position"])
    told = [field["description"].startswith("Internal") for _, field in by_place]
    internal = ["shard", "now"] if flow is backfill else ["now"]
    assert [name for name, _ in by_place[-len(internal) :]] == internal
    assert told == [name in internal for name, _ in by_place]


def fields(flow: Flow[..., Any]) -> dict[str, dict[str, Any]]:
    return parameter_schema(flow.fn).properties
