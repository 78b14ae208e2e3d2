"""Whether the process lives, and whether it can serve: for container platforms and load balancers."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.telemetry import log_fault

Ready = Callable[[], Awaitable[bool]]
"""Whether the process can serve requests now; raising is a no."""


def health_routes(ready: Ready) -> list[Route]:
    """Routes `/healthz`, 200 while the process lives, and `/readyz`, 200 while it is also `ready` and else 503."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> JSONResponse:
        try:
            is_ready = await ready()
        except Exception as error:  # noqa: BLE001  # whatever it is, requests should go elsewhere
            log_fault(error)
            is_ready = False
        return JSONResponse({"status": "ready" if is_ready else "not ready"}, 200 if is_ready else 503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
