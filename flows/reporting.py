"""What a run leaves in Prefect's UI: a page, one key a flow, so that its pages stand in a row."""

import httpx
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from chandlery.local.asked_again import why


def publish(key: str, page: str, line: str) -> None:
    """Keep a page of markdown as the flow's newest.

    The candles are there by now, whatever becomes of the page: it fails nothing but itself. A
    run's own client asks again for two minutes, as prefect.toml has it.
    """
    try:
        create_markdown_artifact(page, key=key, description=line)
    except httpx.HTTPError as error:
        get_run_logger().error("the report could not be kept (%s): %s", why(error), line)
