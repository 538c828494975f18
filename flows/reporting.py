"""A run's page in Prefect's UI: one key a flow, so that its pages stand in a row."""

import httpx
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact


def publish(key: str, page: str, line: str) -> None:
    """Keep a page of markdown as the flow's newest.

    The candles are there by now, whatever becomes of the page: it fails nothing but itself.
    """
    try:
        create_markdown_artifact(page, key=key, description=line)
    except httpx.HTTPError:
        get_run_logger().exception("the report could not be kept")
