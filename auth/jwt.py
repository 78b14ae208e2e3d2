"""Signed JWTs, read as strictly as can be: what our own access tokens and those of foreign issuers have in common.

python-jose checks the signature and nothing else; every other rule is here, because the library takes any `typ`,
ignores `kid` and `crit`, and reads base64 and JSON leniently. Whatever is wrong, something is raised: ValueError, what
the library raises, or RecursionError. Who calls makes one refusal of all of it.
"""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn, Protocol, runtime_checkable

from jose import jws
from jose.utils import base64url_encode

from auth.keys import VerificationKey

MAX_TOKEN_LENGTH: Final = 8 * 1024
LEEWAY: Final = timedelta(seconds=30)
MOST_TEXT: Final = 255

TYPES: Final = frozenset({"at+jwt", "JWT"})
# More would ask us to fetch a key (jku, x5u), to trust one (jwk, x5c) or to read the token in another way (crit, b64).
HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ"})


@runtime_checkable
class KeySource(Protocol):
    """Where verification keys are looked up each time, since they may be rotated meanwhile."""

    def get(self, kid: str, /) -> VerificationKey | None:
        """The key of that id; None if none is trusted now."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """A token taken apart; nothing of it is verified."""

    header: dict[str, object]
    payload: bytes

    @property
    def kid(self) -> str:
        """The id of the key that is to verify it."""
        return text(self.header.get("kid"), "kid")


@dataclass(frozen=True, slots=True)
class Times:
    """When a token was issued, when it expires, and the latest time that it says is over."""

    issued_at: datetime
    expires_at: datetime
    valid_from: datetime

    def require_valid_at(self, now: datetime) -> None:
        """Hold it to the time, which may be 30 s off; raises ValueError."""
        if now >= self.expires_at + LEEWAY:
            raise ValueError("expired")
        if now < self.valid_from - LEEWAY:
            raise ValueError("iat, nbf or another time is in the future")


def parts_of(token: str) -> Parts:
    """Take a token apart."""
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise ValueError("too long, or not ASCII")
    header, payload, signature = token.split(".")
    base64url(signature)
    return Parts(json_object(base64url(header)), base64url(payload))


def verified_payload(token: str, keys: KeySource) -> dict[str, object]:
    """Give the payload of a token that one of `keys` has signed, each with its own algorithm only."""
    parts = parts_of(token)
    key = _key(parts, keys)
    # The whole token goes in, so that what is verified is what was received.
    jws.verify(token, key.public, [key.algorithm])
    return json_object(parts.payload)


def require_meant(payload: dict[str, object], issuer: str, audience: str) -> None:
    """Hold a payload to its issuer, and to be meant for an audience."""
    if payload.get("iss") != issuer:
        raise ValueError("another issuer")
    meant = payload.get("aud")
    if audience not in texts([meant] if isinstance(meant, str) else meant, "aud"):
        raise ValueError("another audience")


def times_of(payload: dict[str, object], *past: str) -> Times:
    """Read the times of a payload; those named `past` must be over, too, if they are there."""
    issued_at, expires_at = time(payload.get("iat"), "iat"), time(payload.get("exp"), "exp")
    if expires_at <= issued_at:
        raise ValueError("exp is not after iat")
    # `in` rather than a default of None: a claim that is there and null is refused.
    over = [time(payload[name], name) for name in ("nbf", *past) if name in payload]
    return Times(issued_at, expires_at, max([issued_at, *over]))


def base64url(part: str) -> bytes:
    """Decode base64url as RFC 7515 writes it, so that no other text passes for the token."""
    content = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64url_encode(content).decode("ascii") != part:
        raise ValueError("base64url that is not canonical")
    return content


def json_object(content: bytes) -> dict[str, object]:
    """Read a JSON object: UTF-8, no member twice, neither NaN nor Infinity."""
    value = json.loads(content.decode("utf-8"), object_pairs_hook=_unique_members, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise ValueError("JSON that is not an object")
    return value


def text(value: object, name: str) -> str:
    """Read a short text."""
    # Printable: it will be in a log line and in a database, which take neither NUL nor an unpaired surrogate.
    if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= MOST_TEXT:
        raise ValueError(f"{name} is not a short text")
    return value


def texts(value: object, name: str) -> tuple[str, ...]:
    """Read a list of short texts."""
    if not isinstance(value, list):
        raise ValueError(f"{name} is not a list")
    return tuple(text(item, name) for item in value)


def time(value: object, name: str) -> datetime:
    """Read a time in whole seconds."""
    # type(), because True is an int to isinstance.
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} is not a number of seconds")
    return datetime.fromtimestamp(value, UTC)


def _key(parts: Parts, keys: KeySource) -> VerificationKey:
    if not parts.header.keys() <= HEADER_MEMBERS:
        raise ValueError("a header member beside alg, kid and typ")
    if parts.header.get("typ") not in TYPES:
        raise ValueError("another typ")
    key = keys.get(parts.kid)
    if key is None:
        raise ValueError("an unknown kid")
    # The key has one algorithm, ES256 or RS256: the allow-list and the defence against confusion in one.
    if parts.header.get("alg") != key.algorithm:
        raise ValueError("another alg than the key's")
    return key


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member given twice")
    return members


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN or Infinity")
