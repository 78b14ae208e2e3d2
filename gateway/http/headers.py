"""The headers of every answer: who may read it from a browser, and what a browser may do with it."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.client_address import TrustedProxies
from gateway.http.compression import Compression
from gateway.telemetry import CORRELATION_HEADER, RequestLog

SECURE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""For answers that are data; a page sets its own policy, which then stands."""


class SecureHeaders:
    """Adds `SECURE_HEADERS` to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def http_middleware(
    cors_origins: Sequence[str],
    on_request: Callable[[int | None], None] = lambda status: None,
    trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
) -> list[Middleware]:
    """The application's middleware: who the client is, secure headers, CORS for these origins, log, compression.

    `on_request` is told the status of every answer, None if there was none.

    Raises:
        ValueError: an origin is "*"; data that needs a token is not for any page.
    """
    if any("*" in origin for origin in cors_origins):
        raise ValueError("List the origins that browsers may call from; * is not one.")
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "X-Trace"],
        expose_headers=[CORRELATION_HEADER, "Retry-After", "WWW-Authenticate"],
    )
    proxies = Middleware(TrustedProxies, trusted=trusted_proxies)
    return [
        proxies,
        Middleware(SecureHeaders),
        cors,
        Middleware(RequestLog, on_request=on_request),
        Middleware(Compression),
    ]
