"""What prefect.yaml sets, without a server."""

from pathlib import Path

import yaml

FILE = Path(__file__).resolve().parents[2] / "prefect.yaml"
SET = {"shard": {"shard": "1/1"}}


def test_a_deployment_repeats_no_default_of_its_flow() -> None:
    """`recheck_hours: 24` stood here for a week in which the flow had 72."""
    declared = yaml.safe_load(FILE.read_text("utf-8"))["deployments"]
    assert {each["name"]: each["parameters"] for each in declared if "parameters" in each} == SET
