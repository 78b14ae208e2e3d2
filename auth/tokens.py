"""Who is calling: reads `Authorization: Bearer` and verifies access tokens.

python-jose checks the signature and nothing else; every other rule is here, because the library takes any `typ`,
ignores `kid` and `crit`, and reads base64 and JSON leniently. Whatever is wrong, the caller reads one sentence.

An ES256 signature (r, s) has a twin (r, n - s) that is valid too. Both are accepted: issuers emit either half of the
time, and the twin says nothing that the token did not. It does mean that a token's text is no identity: what must tell
tokens apart uses `Claims.token_id`.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn, Protocol, runtime_checkable
from uuid import UUID

from jose import jws
from jose.utils import base64url_encode

from auth.errors import Unauthenticated
from auth.keys import VerificationKey

INVALID_TOKEN: Final = "The access token is not valid."  # noqa: S105
MALFORMED_HEADER: Final = "The Authorization header must be the word Bearer, a space and one access token."

MAX_TOKEN_LENGTH = 8 * 1024
LEEWAY = timedelta(seconds=30)
REMEMBER_FOR = timedelta(seconds=60)

TYPES = frozenset({"at+jwt", "JWT"})
# More would ask us to fetch a key (jku, x5u), to trust one (jwk, x5c) or to read the token in another way (crit, b64).
HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)  # RFC 6750, section 2.1


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says about the caller; times are in UTC.

    `mfa_time` is when a second factor last succeeded, None if none did. `amr` and `acr` name how the caller signed in,
    `auth_time` is when. `session_id` is the session, or an API account's credential, that the token ends with;
    `client_id` is who asked for the token.
    """

    subject: UUID
    issued_at: datetime
    expires_at: datetime
    token_id: str | None
    mfa_time: datetime | None
    amr: tuple[str, ...]
    acr: str | None
    auth_time: datetime | None = None
    session_id: UUID | None = None
    client_id: str | None = None


@runtime_checkable
class KeySource(Protocol):
    """Where verification keys are looked up each time, since they may be rotated meanwhile."""

    def get(self, kid: str, /) -> VerificationKey | None:
        """The key of that id; None if none is trusted now."""
        ...


class TokenVerifier(Protocol):
    """The port behind which tokens are verified."""

    def verify(self, token: str, now: datetime) -> Claims:
        """The claims of `token`, valid at `now` (aware).

        Raises:
            Unauthenticated: for anything that is wrong with it; the message is always `INVALID_TOKEN`.
        """
        ...


def bearer_token(header: str | None) -> str | None:
    """The token in an `Authorization` header; None without one.

    Give several headers joined by a comma, as HTTP does: more than one is refused.

    Raises:
        Unauthenticated: another scheme, several tokens, or none.
    """
    if header is None:
        return None
    match = _BEARER.fullmatch(header)
    if match is None:
        raise Unauthenticated(MALFORMED_HEADER)
    return match[1]


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token whose signature and shape are right; whether it holds depends on the time alone."""

    claims: Claims
    valid_from: datetime
    verified_at: datetime

    def require_valid_at(self, now: datetime) -> None:
        if now >= self.claims.expires_at + LEEWAY:
            raise ValueError("expired")
        if now < self.valid_from - LEEWAY:
            raise ValueError("iat, nbf, mfa_time or auth_time is in the future")


class JwtVerifier:
    """Verifies JWTs signed by `issuer` for `audience` with one of `keys`, each with its own algorithm only.

    Keys that may change come from a `KeySource`.

    A verified token is remembered for 60 s by its SHA-256, up to `remember` tokens; its times are checked on every call
    all the same.
    """

    def __init__(
        self, keys: Iterable[VerificationKey] | KeySource, issuer: str, audience: str, *, remember: int = 4096
    ) -> None:
        self._keys = keys if isinstance(keys, KeySource) else {key.kid: key for key in keys}
        self._issuer = issuer
        self._audience = audience
        self._remember = remember
        self._remembered: OrderedDict[bytes, _Verified] = OrderedDict()

    def verify(self, token: str, now: datetime) -> Claims:
        """The claims of `token`, valid at `now` (aware).

        Raises:
            Unauthenticated: for anything that is wrong with it; the message is always `INVALID_TOKEN`.
        """
        try:
            return self._verify(token, now)
        except Exception as error:
            raise Unauthenticated(INVALID_TOKEN) from error

    def _verify(self, token: str, now: datetime) -> Claims:
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise ValueError("too long, or not ASCII")
        digest = hashlib.sha256(token.encode("ascii")).digest()
        verified = self._remembered.get(digest)
        if verified is None or not timedelta(0) <= now - verified.verified_at <= REMEMBER_FOR:
            verified = self._check(token, now)
        verified.require_valid_at(now)
        self._remembered[digest] = verified
        if len(self._remembered) > self._remember:
            self._remembered.popitem(last=False)
        return verified.claims

    def _check(self, token: str, now: datetime) -> _Verified:
        header_part, payload_part, signature_part = token.split(".")
        header = _json_object(_base64url(header_part))
        payload = _base64url(payload_part)
        _base64url(signature_part)

        key = self._key(header)
        # The whole token goes in, so that what is verified is what was received.
        jws.verify(token, key.public, [key.algorithm])
        return self._read(_json_object(payload), now)

    def _key(self, header: dict[str, object]) -> VerificationKey:
        if not header.keys() <= HEADER_MEMBERS:
            raise ValueError("a header member beside alg, kid and typ")
        if header.get("typ") not in TYPES:
            raise ValueError("another typ")
        key = self._keys.get(_text(header.get("kid"), "kid"))
        if key is None:
            raise ValueError("an unknown kid")
        # The key has one algorithm, ES256 or RS256: the allow-list and the defence against confusion in one.
        if header.get("alg") != key.algorithm:
            raise ValueError("another alg than the key's")
        return key

    def _read(self, payload: dict[str, object], now: datetime) -> _Verified:
        if payload.get("iss") != self._issuer:
            raise ValueError("another issuer")
        audience = payload.get("aud")
        if self._audience not in _texts([audience] if isinstance(audience, str) else audience, "aud"):
            raise ValueError("another audience")

        # `in` rather than a default of None: a claim that is there and null is refused.
        issued_at, expires_at = _time(payload.get("iat"), "iat"), _time(payload.get("exp"), "exp")
        if expires_at <= issued_at:
            raise ValueError("exp is not after iat")
        mfa_time = _time(payload["mfa_time"], "mfa_time") if "mfa_time" in payload else None
        not_before = _time(payload["nbf"], "nbf") if "nbf" in payload else issued_at
        claims = Claims(
            subject=_uuid(payload.get("sub"), "sub"),
            issued_at=issued_at,
            expires_at=expires_at,
            token_id=_text(payload["jti"], "jti") if "jti" in payload else None,
            mfa_time=mfa_time,
            amr=_texts(payload.get("amr", []), "amr"),
            acr=_text(payload["acr"], "acr") if "acr" in payload else None,
            auth_time=_time(payload["auth_time"], "auth_time") if "auth_time" in payload else None,
            client_id=_text(payload["client_id"], "client_id") if "client_id" in payload else None,
            session_id=_uuid(payload["sid"], "sid") if "sid" in payload else None,
        )
        return _Verified(claims, max(issued_at, not_before, mfa_time or issued_at, claims.auth_time or issued_at), now)


def _base64url(part: str) -> bytes:
    """Decodes base64url as RFC 7515 writes it, one spelling for one value, so no other text passes for the token."""
    content = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64url_encode(content).decode("ascii") != part:
        raise ValueError("base64url that is not canonical")
    return content


def _json_object(content: bytes) -> dict[str, object]:
    value = json.loads(content.decode("utf-8"), object_pairs_hook=_unique_members, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise ValueError("JSON that is not an object")
    return value


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member given twice")
    return members


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN or Infinity")


def _text(value: object, name: str) -> str:
    # Printable: it will be in a log line and in a database, which take neither NUL nor an unpaired surrogate.
    if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= 255:
        raise ValueError(f"{name} is not a short text")
    return value


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is not a list")
    return tuple(_text(item, name) for item in value)


def _time(value: object, name: str) -> datetime:
    # type(), because True is an int to isinstance.
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} is not a number of seconds")
    return datetime.fromtimestamp(value, UTC)


def _uuid(value: object, name: str) -> UUID:
    text = _text(value, name)
    uuid = UUID(text)
    # UUID() also takes braces, urn:uuid: and upper case; an account has one spelling.
    if str(uuid) != text:
        raise ValueError(f"{name} is not a UUID in its one spelling")
    return uuid
