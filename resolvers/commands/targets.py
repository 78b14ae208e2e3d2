"""What an indicator may look at.

The gateway will ask from inside: a target that leads back inside, or carries a secret, is refused before it is kept.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from pydantic_core import Url, ValidationError

from resolvers.tables import IndicatorKind

LONGEST_TARGET: Final = 2000

_HTTP: Final = re.compile(r"https?://(?P<authority>[^/?#]+)([/?#].*)?", re.ASCII | re.IGNORECASE)
_TCP: Final = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]:/?#]+):(?P<port>[0-9]{1,5})", re.ASCII | re.IGNORECASE)
_METRIC: Final = re.compile(r"[A-Za-z_:][A-Za-z0-9_:.-]{0,199}", re.ASCII)


def wrong_target(kind: IndicatorKind, target: str) -> str | None:
    """Say what is wrong with a target of a kind; None if nothing is."""
    if not 0 < len(target) <= LONGEST_TARGET or not target.isprintable() or " " in target or "\\" in target:
        return f"A target has 1 to {LONGEST_TARGET} printable characters, and neither spaces nor backslashes."
    match kind:
        case IndicatorKind.HTTP:
            return _wrong_url(target)
        case IndicatorKind.TCP:
            return _wrong_address(target)
        case IndicatorKind.METRIC:
            if _METRIC.fullmatch(target):
                return None
            return "The target of METRIC is the name of a metric, like filesystem_usage_percent."


def _wrong_url(target: str) -> str | None:
    form = "The target of HTTP is a URL of http or https, like https://shop.example/health."
    found = _HTTP.fullmatch(target)
    if found is None:
        return form
    if "@" in found["authority"]:
        return "A target holds no credentials."
    return _wrong_host(target, form)


def _wrong_address(target: str) -> str | None:
    form = "The target of TCP is a host and a port, like db.example:5432."
    found = _TCP.fullmatch(target)
    if found is None or "@" in target or not 0 < int(found["port"]) <= 65535:
        return form
    return _wrong_host(f"http://{target}/", form)


def _wrong_host(url: str, form: str) -> str | None:
    """Look at the host as whoever connects to it will read it: 0x7f.1 is 127.0.0.1."""
    try:
        host = Url(url).host
    except ValidationError:
        return form
    if not host:
        return form
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        name = host.rstrip(".")
        if not name:
            return form
        is_local = name == "localhost" or name.endswith(".localhost")
    else:
        is_local = not _is_public(address)
    return (
        "A target is not inside: no private, loopback, link-local or otherwise reserved address." if is_local else None
    )


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    inner = None if isinstance(address, IPv4Address) else address.ipv4_mapped or address.sixtofour
    return inner is None or _is_public(inner)
