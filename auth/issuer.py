"""Issues the gateway's own tokens, signed with ES256: access tokens after RFC 9068, and ID tokens of OpenID Connect."""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from jose import jws
from jose.utils import base64url_encode

from auth.keys import SigningKey

MIN_LIFETIME = timedelta(minutes=5)
DEFAULT_LIFETIME = timedelta(minutes=15)
MAX_LIFETIME = timedelta(minutes=20)
MAX_OPERATOR_LIFETIME = timedelta(hours=24)


class Issuer:
    """Signs access tokens with `key`, in the name of `issuer` (`iss`), for `audience` (`aud`)."""

    def __init__(self, key: SigningKey, issuer: str, audience: str) -> None:
        self._key = key
        self._issuer = issuer
        self._audience = audience

    def issue(
        self,
        subject: UUID,
        *,
        lifetime: timedelta = DEFAULT_LIFETIME,
        for_operator: bool = False,
        mfa_time: datetime | None = None,
        amr: Collection[str] = (),
        acr: str | None = None,
        auth_time: datetime | None = None,
        session_id: UUID | None = None,
        client_id: str | None = None,
        now: datetime | None = None,
    ) -> str:
        """A token for the account `subject`, as text for `Authorization: Bearer`.

        A token lives 5 to 20 minutes; `for_operator` allows up to 24 hours, for the scripts of whoever holds the key.
        What the account may do is not in the token: it is read from the database at each operation.

        `mfa_time` is when a second factor last succeeded; without it the token says that none did. `amr` (RFC 8176) and
        `acr` name how. `auth_time` is when the person signed in, which a later second factor does not move; without it,
        that is `mfa_time`, or now. Times are aware datetimes, kept to the second.

        `session_id` is the session or the credential that the token ends with (`sid`); `client_id` who asked for it.

        Raises:
            ValueError: a lifetime out of range, a naive time, or a `mfa_time` or an `auth_time` that is still to come.
        """
        longest = MAX_OPERATOR_LIFETIME if for_operator else MAX_LIFETIME
        if not MIN_LIFETIME <= lifetime <= longest:
            raise ValueError(f"A token's lifetime is {MIN_LIFETIME} to {longest}, not {lifetime}.")
        issued_at = _seconds(now or datetime.now(UTC))
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(subject),
            "iat": issued_at,
            "exp": issued_at + int(lifetime.total_seconds()),
            "jti": str(uuid4()),
            "auth_time": issued_at,
        }
        if mfa_time is not None:
            second_factor_at = _seconds(mfa_time)
            if second_factor_at > issued_at:
                raise ValueError("mfa_time is in the future.")
            # A second factor completes a sign-in, so the sign-in is not later than it.
            claims |= {"mfa_time": second_factor_at, "auth_time": second_factor_at}
        if auth_time is not None:
            signed_in_at = _seconds(auth_time)
            if signed_in_at > issued_at:
                raise ValueError("auth_time is in the future.")
            claims["auth_time"] = signed_in_at
        if amr:
            claims["amr"] = list(amr)
        if acr is not None:
            claims["acr"] = acr
        if session_id is not None:
            claims["sid"] = str(session_id)
        if client_id is not None:
            claims["client_id"] = client_id
        return self._sign(claims, "at+jwt")

    def issue_id_token(
        self,
        subject: UUID,
        *,
        client_id: str,
        session_id: UUID,
        access_token: str,
        auth_time: datetime,
        amr: Collection[str] = (),
        acr: str | None = None,
        nonce: str | None = None,
        now: datetime | None = None,
    ) -> str:
        """An ID token, which tells a client who signed in, when and how. It is for the client, and opens nothing here.

        `nonce` is what the client asked with; `access_token` what it is given together with this.
        """
        issued_at = _seconds(now or datetime.now(UTC))
        half_of_digest = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": client_id,
            "sub": str(subject),
            "iat": issued_at,
            "exp": issued_at + int(DEFAULT_LIFETIME.total_seconds()),
            "auth_time": _seconds(auth_time),
            "amr": list(amr),
            "sid": str(session_id),
            "at_hash": base64url_encode(half_of_digest).decode("ascii"),
        }
        if acr is not None:
            claims["acr"] = acr
        if nonce is not None:
            claims["nonce"] = nonce
        return self._sign(claims, "JWT")

    def _sign(self, claims: dict[str, object], type_: str) -> str:
        headers = {"typ": type_, "kid": self._key.kid}
        return jws.sign(claims, self._key.private, headers=headers, algorithm=self._key.algorithm)


def _seconds(time: datetime) -> int:
    if time.tzinfo is None:
        raise ValueError("A token's times need a time zone.")
    return int(time.timestamp())
