"""Prefect's server for programs and its own pages: `python -m chandlery.local.prefect_server`.

It is `prefect server start`, with its settings, but for one thing: that answers any page that is
open in a browser here. Under a name, as behind a proxy, it is asked by that of PREFECT_UI_URL.
"""

import click
import uvicorn

from chandlery.local.own_pages import OwnPages, places


@click.command()
@click.option("--host", help="The address to listen at. [default: PREFECT_SERVER_API_HOST]")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: PREFECT_SERVER_API_PORT]")
def main(host: str | None, port: int | None) -> None:
    """Run Prefect's server, which answers programs and its own pages only."""
    from prefect.server.api.server import create_app  # noqa: PLC0415 - takes seconds
    from prefect.settings import PREFECT_UI_URL, get_current_settings  # noqa: PLC0415 - likewise

    current = get_current_settings()
    api, ui = current.server.api, current.server.ui
    uvicorn.run(
        OwnPages(
            create_app(final=True), places([current.api.url, PREFECT_UI_URL.value(), ui.api_url])
        ),
        host=host or api.host,
        port=port or api.port,
        timeout_keep_alive=api.keepalive_timeout,
        ws_ping_interval=api.websocket_ping_interval,
        ws_ping_timeout=api.websocket_ping_timeout,
        log_level=current.server.logging_level.lower(),
    )


if __name__ == "__main__":
    main()
