"""The page that people install on their own device, at `/auth/device`, with its script, its worker and its manifest."""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.audit import Event
from gateway.http.headers import SECURE_HEADERS
from gateway.pages.site import Site, Visit

PAGE: Final = "/auth/device"
ASSETS: Final = Path(__file__).parent / "assets"
HEADERS: Final = SECURE_HEADERS | {
    # Of the worker; the page has a policy of its own.
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Kept, but asked for again each time: the parts belong together.
    "Cache-Control": "no-cache",
    # The worker is below the page that it serves.
    "Service-Worker-Allowed": PAGE,
}
MEDIA_TYPES: Final = {
    "device.css": "text/css",
    "device.js": "text/javascript",
    "keys.js": "text/javascript",
    "worker.js": "text/javascript",
    "manifest.webmanifest": "application/manifest+json",
    "icon.svg": "image/svg+xml",
    "icon.png": "image/png",
}


class DevicePages:
    """The page, which is the same for everybody: its script finds out whose device it is."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        """Give the routes of the page and of its parts."""
        parts = [_part(name, media_type) for name, media_type in MEDIA_TYPES.items()]
        return [self._site.route(PAGE, Event.STEP_UP, show=self._show), *parts]

    async def _show(self, visit: Visit) -> Response:
        return visit.page("device.html")


def _part(name: str, media_type: str) -> Route:
    content = (ASSETS / name).read_bytes()

    async def endpoint(_: Request) -> Response:
        return Response(content, media_type=media_type, headers=HEADERS)

    return Route(f"{PAGE}/{name}", endpoint, methods=["GET"])
