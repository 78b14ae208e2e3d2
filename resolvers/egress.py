"""What the gateway may call, and how: HTTPS to hosts that are listed, without redirects, and answers of a bounded size.

Nothing that is called is found by what callers say: whoever may set an address cannot make the gateway call its own
neighbours.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

import httpx

_PORTS: Final = {"https": 443, "http": 80}
_BELOW: Final = "*."
_LABEL: Final = re.compile(r"[a-z0-9-]+", re.ASCII)


class Egress:
    """A list of hosts as `host` or `host:port`; without a port, 443. `*.host` is every host below that one.

    `plain_loopback` allows HTTP to hosts that are listed and are this machine. `setting` is where the list comes from.

    Raises:
        ValueError: an entry is no host.
    """

    def __init__(
        self, hosts: Iterable[str], *, plain_loopback: bool = False, setting: str = "ITCARE_EGRESS_HOSTS"
    ) -> None:
        self._places: set[tuple[str, int]] = set()
        self._above: set[tuple[str, int]] = set()
        for entry in hosts:
            host = entry.removeprefix(_BELOW)
            (self._places if host == entry else self._above).add(_place(host, setting))
        if any("." not in host for host, _ in self._above):
            raise ValueError(f"{setting} has an entry that is every host of a top-level domain")
        self._plain_loopback = plain_loopback
        self._setting = setting

    def refusal(self, url: str) -> str | None:
        """Say why a URL must not be called, without quoting it; None if it may."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            return "it is not a URL"
        if parsed.userinfo or parsed.fragment:
            return "it has credentials or a fragment in it"
        if not parsed.host or parsed.scheme not in _PORTS:
            return "it is not an https URL with a host"
        if parsed.scheme == "http" and not (self._plain_loopback and is_loopback(parsed.host)):
            return "it is not https"
        if not self._is_listed(parsed.host, parsed.port or _PORTS[parsed.scheme]):
            return f"its host and port are not among those that may be called ({self._setting})"
        return None

    def _is_listed(self, host: str, port: int) -> bool:
        if (host, port) in self._places:
            return True
        labels = host.split(".")
        above = {(".".join(labels[start:]), port) for start in range(1, len(labels))}
        return not above.isdisjoint(self._above) and all(map(_LABEL.fullmatch, labels))


class UnusableAnswer(Exception):
    """What was answered is not read; the message says why, and quotes nothing of it."""


def new_client(seconds: float) -> httpx.AsyncClient:
    """Make what calls; each part of an answer may take so long. To be closed."""
    # Neither a proxy nor a password comes from the environment; only which authorities are trusted.
    return httpx.AsyncClient(
        verify=httpx.create_ssl_context(),
        trust_env=False,
        follow_redirects=False,
        timeout=seconds,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "itcare-gateway"},
    )


async def content_of(answer: httpx.Response, most: int) -> bytes:
    """Read the content of an answer that is streamed; raises UnusableAnswer if it is larger, or coded."""
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnusableAnswer("a coding that was not asked for")
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > most:
            raise UnusableAnswer(f"more than {most:,} bytes")
    return bytes(content)


def _place(host: str, setting: str) -> tuple[str, int]:
    try:
        parsed = httpx.URL(f"https://{host}")
    except httpx.InvalidURL:
        raise ValueError(f"{setting} has an entry that is no host, or host:port") from None
    if "*" in host or not parsed.host or parsed.userinfo or parsed.query or parsed.fragment or parsed.path != "/":
        raise ValueError(f"{setting} has an entry that is no host, or host:port")
    return parsed.host, parsed.port or _PORTS["https"]


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
