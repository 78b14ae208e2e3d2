"""Who is calling: reads `Authorization: Bearer` and verifies access tokens.

How strictly a token is read is in `auth/jwt.py`. Whatever is wrong, the caller reads one sentence.

An ES256 signature (r, s) has a twin (r, n - s) that is valid too. Both are accepted: issuers emit either half of the
time, and the twin says nothing that the token did not. It does mean that a token's text is no identity: what must tell
tokens apart uses `Claims.token_id`.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from auth.errors import Unauthenticated
from auth.jwt import (
    MAX_TOKEN_LENGTH,
    KeySource,
    Times,
    require_meant,
    text,
    texts,
    time,
    times_of,
    verified_payload,
)
from auth.keys import VerificationKey

INVALID_TOKEN: Final = "The access token is not valid."  # noqa: S105
MALFORMED_HEADER: Final = "The Authorization header must be the word Bearer, a space and one access token."

REMEMBER_FOR = timedelta(seconds=60)

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
    times: Times
    verified_at: datetime


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
        verified.times.require_valid_at(now)
        self._remembered[digest] = verified
        if len(self._remembered) > self._remember:
            self._remembered.popitem(last=False)
        return verified.claims

    def _check(self, token: str, now: datetime) -> _Verified:
        payload = verified_payload(token, self._keys)
        require_meant(payload, self._issuer, self._audience)
        times = times_of(payload, "mfa_time", "auth_time")
        # `in` rather than a default of None: a claim that is there and null is refused.
        claims = Claims(
            subject=_uuid(payload.get("sub"), "sub"),
            issued_at=times.issued_at,
            expires_at=times.expires_at,
            token_id=text(payload["jti"], "jti") if "jti" in payload else None,
            mfa_time=time(payload["mfa_time"], "mfa_time") if "mfa_time" in payload else None,
            amr=texts(payload.get("amr", []), "amr"),
            acr=text(payload["acr"], "acr") if "acr" in payload else None,
            auth_time=time(payload["auth_time"], "auth_time") if "auth_time" in payload else None,
            client_id=text(payload["client_id"], "client_id") if "client_id" in payload else None,
            session_id=_uuid(payload["sid"], "sid") if "sid" in payload else None,
        )
        return _Verified(claims, times, now)


def _uuid(value: object, name: str) -> UUID:
    written = text(value, name)
    uuid = UUID(written)
    # UUID() also takes braces, urn:uuid: and upper case; an account has one spelling.
    if str(uuid) != written:
        raise ValueError(f"{name} is not a UUID in its one spelling")
    return uuid
