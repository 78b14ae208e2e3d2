"""Programs in which people sign in, such as frontends: public clients. They have no secret; settings name them.

What protects them is where answers are sent: to a URL that is registered letter by letter, and to nobody without the
proof of PKCE. Of a loopback address the port may differ (RFC 8252, section 7.3): an app takes a free one.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

MOST_URI: Final = 2000

_CLIENT_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_URI: Final = re.compile(r"[!-~]+", re.ASCII)
_PRIVATE_SCHEME: Final = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+", re.ASCII)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


class PublicClients:
    """The clients that there are, and the URLs that each is sent back to."""

    def __init__(self, clients: Mapping[str, Sequence[str]]) -> None:
        self._clients = {client_id: frozenset(uris) for client_id, uris in clients.items()}
        self._loopback = {
            client_id: {_without_port(uri) for uri in uris} - {None} for client_id, uris in clients.items()
        }

    @property
    def origins(self) -> list[str]:
        """Give where the clients are sent back to, as sources of a content security policy."""
        return sorted({_source(uri) for uris in self._clients.values() for uri in uris})

    def __contains__(self, client_id: object) -> bool:
        return client_id in self._clients

    def is_sent_back_to(self, client_id: str, uri: str) -> bool:
        """Tell whether a client is registered with a URL."""
        if len(uri) > MOST_URI or not _URI.fullmatch(uri):
            return False
        return uri in self._clients.get(client_id, ()) or _without_port(uri) in self._loopback.get(client_id, ())


def client_refusal(client_id: str, uris: Sequence[str]) -> str | None:
    """Say why a client cannot be registered with these URLs; None if it can."""
    if not _CLIENT_ID.fullmatch(client_id) or _is_uuid(client_id):
        return "a client is named by up to 63 of a-z 0-9 . _ - and not by a UUID, as API accounts are"
    if not uris:
        return f"the client {client_id} needs a URL to be sent back to"
    return next((f"{uri!r} of the client {client_id} {why}" for uri in uris if (why := _uri_refusal(uri))), None)


def _uri_refusal(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL"
    if len(uri) > MOST_URI or not _URI.fullmatch(uri):
        return "is no URL"
    if "#" in uri or parts.username is not None or parts.password is not None:
        return "has a fragment or a user"
    if parts.scheme == "http":
        return None if host in _LOOPBACK or host == "localhost" else "is not https, nor of the machine itself"
    if parts.scheme == "https":
        return None if host else "is no URL"
    # A scheme of the app's own holds its domain backwards; javascript, data and the like do not.
    return None if _PRIVATE_SCHEME.fullmatch(parts.scheme) else "has a scheme that is not of an app"


def _without_port(uri: str) -> SplitResult | None:
    """Give the URL of a loopback address with any port as if it had none; None for any other."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or host not in _LOOPBACK or "@" in parts.netloc or "#" in uri:
        return None
    return parts._replace(netloc=host)


def _source(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}" if _without_port(uri) is None else f"http://{_host(parts)}:*"


def _host(parts: SplitResult) -> str:
    return f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else str(parts.hostname)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
