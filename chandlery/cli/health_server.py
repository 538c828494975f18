"""Health over HTTP, on this machine: /metrics for Prometheus, /health for whoever asks."""

import json
from collections.abc import Callable

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from chandlery.cli.console import in_json
from chandlery.cli.failures import explained
from chandlery.local.own_pages import OwnPages
from chandlery.quality.health import Health
from chandlery.reports.metrics import metrics

HOST = "127.0.0.1"
OK, ILL = 200, 503


def application(look: Callable[[], Health]) -> Starlette:
    """What answers: 503 where collection does not go on, or the database cannot be asked."""

    def answered(make: Callable[[Health], Response]) -> Callable[[Request], Response]:
        def answer(_: Request) -> Response:
            try:
                return make(look())
            except Exception as error:  # noqa: BLE001 - what nobody can mend is raised again
                return PlainTextResponse(f"{explained(error)[0]}\n", ILL)

        return answer

    return Starlette(
        routes=[
            Route("/metrics", answered(_metrics)),
            Route("/health", answered(_health)),
        ]
    )


def _metrics(found: Health) -> Response:
    return Response(metrics(found), media_type=CONTENT_TYPE_LATEST)


def _health(found: Health) -> Response:
    body = json.dumps(found.statistics(), default=in_json)
    return Response(body, ILL if found.problems else OK, media_type="application/json")


def serve(look: Callable[[], Health], port: int) -> int:
    """Answer until a signal comes."""
    answering = OwnPages(application(look))
    uvicorn.run(answering, host=HOST, port=port, log_level="warning", access_log=False)
    return 0
