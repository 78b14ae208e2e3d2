"""The page that people install on their own device, at `/auth/device`: its script, its service worker, its manifest."""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.headers import SECURE_HEADERS

PAGE: Final = "/auth/device"
ASSETS: Final = Path(__file__).parent / "assets"
POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS: Final = SECURE_HEADERS | {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    # Kept, but asked for again each time: the parts belong together.
    "Cache-Control": "no-cache",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
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


def page_routes() -> list[Route]:
    """Give the routes of the page and of its parts."""
    parts = [_route(f"{PAGE}/{name}", name, media_type) for name, media_type in MEDIA_TYPES.items()]
    return [_route(PAGE, "page.html", "text/html"), *parts]


def _route(path: str, name: str, media_type: str) -> Route:
    content = (ASSETS / name).read_bytes()

    async def endpoint(_: Request) -> Response:
        return Response(content, media_type=media_type, headers=HEADERS)

    return Route(path, endpoint, methods=["GET"])
