"""Where a request comes from: the connection's other end, or what trusted proxies say."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_HOPS: Final = 20
"""How many addresses of X-Forwarded-For are looked at, from the end that the nearest proxy wrote."""


class TrustedProxies:
    """Puts the client's address in the place of a trusted proxy's: the last one that is not one of theirs.

    What stands before that in X-Forwarded-For is the client's own to write, and says nothing.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._app = app
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        client = scope.get("client")
        found = _parsed(client[0]) if client and self._trusted else None
        if client and found is not None:
            hops = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
            scope = {**scope, "client": (self._client(found, reversed(hops[-MOST_HOPS:])), client[1])}
        await self._app(scope, receive, send)

    def _client(self, found: str, hops: Iterable[str]) -> str:
        for hop in hops:
            if not any(ip_address(found) in network for network in self._trusted):
                break
            before = _parsed(hop.strip())
            if before is None:
                break
            found = before
        return found


def address_of(connection: HTTPConnection) -> str | None:
    """Give the address of a request's client; None if there is none."""
    return _parsed(connection.client.host) if connection.client else None


def _parsed(text: str) -> str | None:
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return None
