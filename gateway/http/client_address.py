"""Where a request comes from: the connection's other end, or what trusted proxies say."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from starlette.requests import Request

MOST_HOPS: Final = 20
"""How many addresses of X-Forwarded-For are looked at, from the end that the nearest proxy wrote."""

ClientAddress = Callable[[Request], str | None]
"""Gives the address of a request's client; None if there is none."""


def client_address(trusted: Sequence[IPv4Network | IPv6Network]) -> ClientAddress:
    """Make what tells the address of a client: of a request from a trusted proxy, the last that is not one of theirs.

    What stands before that in X-Forwarded-For is the client's own to write, and says nothing.
    """

    def address(request: Request) -> str | None:
        found = _parsed(request.client.host) if request.client else None
        if found is None:
            return None
        hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        for hop in reversed(hops[-MOST_HOPS:]):
            if not any(ip_address(found) in network for network in trusted):
                break
            before = _parsed(hop.strip())
            if before is None:
                break
            found = before
        return found

    return address


def _parsed(text: str) -> str | None:
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return None
