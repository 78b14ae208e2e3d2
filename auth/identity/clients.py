"""API accounts show that they are it: by a secret, or by an assertion that a key of theirs has signed (RFC 7523).

The client's id is the account's. Secrets are kept as digests, of keys the public half. Whoever represents or runs the
organization adds and revokes credentials; what an account uses is read in the scope of the account itself.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from jose import jws
from jose.exceptions import JWSError
from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.identity.secrets import digest_of, new_secret
from auth.identity.tables import ClientAssertion, ClientCredential, CredentialKind
from auth.jwk import key_of_jwk
from auth.jwt import HEADER_MEMBERS, LEEWAY, Parts, json_object, parts_of, text, time
from auth.keys import VerificationKey
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table

NOTED_EVERY: Final = timedelta(minutes=1)
"""How much later a credential must be used again for that to be noted."""

MOST_LIFETIME: Final = timedelta(minutes=5)
"""How long an assertion may be good for."""
MOST_KEY: Final = 2000
"""Characters of a public key."""
TYPES: Final = frozenset({None, "JWT", "client-authentication+jwt"})

CREDENTIAL, ASSERTION = table(ClientCredential), table(ClientAssertion)
_AT = bindparam("at", type_=TIMESTAMP)
_OF_ACCOUNT = CREDENTIAL.c.account_id == bindparam("of_account")
_OF_CREDENTIAL = CREDENTIAL.c.id == bindparam("of_credential")

ADD = Statement(
    insert(CREDENTIAL).values({column.name: bindparam(column.name, type_=column.type) for column in CREDENTIAL.c})
)
REVOKE = Statement(
    update(CREDENTIAL)
    .where(_OF_ACCOUNT, _OF_CREDENTIAL, CREDENTIAL.c.revoked_at.is_(None))
    .values(revoked_at=_AT)
    .returning(CREDENTIAL.c.id)
)
OF_ACCOUNT = Statement(select(CREDENTIAL).where(_OF_ACCOUNT).order_by(CREDENTIAL.c.created_at, CREDENTIAL.c.id))
LIVE = Statement(
    select(CREDENTIAL.c.id, CREDENTIAL.c.digest, CREDENTIAL.c.public_key).where(
        _OF_ACCOUNT,
        CREDENTIAL.c.kind == bindparam("of_kind"),
        CREDENTIAL.c.revoked_at.is_(None),
        or_(CREDENTIAL.c.expires_at.is_(None), CREDENTIAL.c.expires_at > _AT),
    )
)
NOTE_USE = Statement(
    update(CREDENTIAL)
    .where(
        _OF_ACCOUNT,
        _OF_CREDENTIAL,
        or_(
            CREDENTIAL.c.last_used_at.is_(None), CREDENTIAL.c.last_used_at <= bindparam("noted_before", type_=TIMESTAMP)
        ),
    )
    .values(last_used_at=_AT)
)
# Of those who present one assertion together, one writes the row.
PRESENT = Statement(
    insert(ASSERTION)
    .values({column.name: bindparam(column.name, type_=column.type) for column in ASSERTION.c})
    .on_conflict_do_nothing()
    .returning(ASSERTION.c.digest)
)
FORGET = Statement(
    delete(ASSERTION).where(ASSERTION.c.account_id == bindparam("of_account"), ASSERTION.c.expires_at < _AT)
)


class PublicKeyRefused(ValueError):
    """A key cannot be added; the message is a sentence for who brought it."""

    def __init__(self) -> None:
        super().__init__(
            "This is not a public JSON Web Key for signatures: on the curve P-256, or RSA of 2048 to 8192 bits."
        )


async def add_secret(
    fetch: Fetch,
    organization_id: UUID,
    account_id: UUID,
    label: str,
    created_by: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ClientCredential, str]:
    """Give an API account a further secret; what it is, is known only now."""
    secret = new_secret()
    credential = ClientCredential(
        organization_id=organization_id,
        account_id=account_id,
        kind=CredentialKind.SECRET.value,
        label=label,
        digest=digest_of(secret),
        created_by=created_by,
        created_at=now,
        expires_at=expires_at,
    )
    await fetch(ADD, credential.model_dump())
    return credential, secret


async def add_public_key(
    fetch: Fetch,
    organization_id: UUID,
    account_id: UUID,
    label: str,
    jwk: str,
    created_by: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> ClientCredential:
    """Let an API account sign assertions with a key, whose public half is given as a JSON Web Key.

    Raises:
        PublicKeyRefused: it is no such key, or has private members.
    """
    key = public_key_of(jwk)
    credential = ClientCredential(
        organization_id=organization_id,
        account_id=account_id,
        kind=CredentialKind.PUBLIC_KEY.value,
        label=label,
        public_key=json.dumps(key.to_jwk()),
        created_by=created_by,
        created_at=now,
        expires_at=expires_at,
    )
    await fetch(ADD, credential.model_dump())
    return credential


def public_key_of(jwk: str) -> VerificationKey:
    """Read a public key, given as a JSON Web Key.

    Raises:
        PublicKeyRefused: it is no such key, or has private members.
    """
    try:
        if len(jwk) > MOST_KEY:
            raise ValueError("too long")
        return key_of_jwk(json_object(jwk.encode("utf-8")))
    except (ValueError, TypeError, RecursionError):
        raise PublicKeyRefused from None


async def revoke_credential(fetch: Fetch, account_id: UUID, credential_id: UUID, now: datetime) -> bool:
    """Revoke a credential of an account, and with it the tokens that it gave; says whether there was one to revoke."""
    return bool(await fetch(REVOKE, {"of_account": account_id, "of_credential": credential_id, "at": now}))


async def credentials_of(fetch: Fetch, account_id: UUID) -> tuple[ClientCredential, ...]:
    """Give all credentials of an account, the oldest first, also those that are over."""
    return tuple(ClientCredential(**row) for row in await fetch(OF_ACCOUNT, {"of_account": account_id}))


async def credential_of_secret(fetch: Fetch, account_id: UUID, secret: str, now: datetime) -> UUID | None:
    """Give the credential of an account whose secret this is, and note that it is used."""
    digest, found = digest_of(secret), None
    for row in await _live(fetch, account_id, CredentialKind.SECRET, now):
        # All are looked at, and all of each: the time that it takes says nothing.
        if hmac.compare_digest(row["digest"], digest):
            found = row["id"]
    return await _used(fetch, account_id, found, now)


def client_of_assertion(assertion: str) -> str | None:
    """Give the client that an assertion says it is of; whether that is so, is to be seen."""
    try:
        return text(json_object(parts_of(assertion).payload).get("sub"), "sub")
    except (ValueError, RecursionError):
        return None


async def credential_of_assertion(
    fetch: Fetch, account_id: UUID, assertion: str, audiences: Collection[str], now: datetime
) -> UUID | None:
    """Give the credential of an account whose key has signed this for one of the audiences, and note that it is used.

    An assertion serves once (`jti`), within five minutes.
    """
    keys = await _live(fetch, account_id, CredentialKind.PUBLIC_KEY, now)
    try:
        parts = parts_of(assertion)
        if not parts.header.keys() <= HEADER_MEMBERS or parts.header.get("typ") not in TYPES:
            return None
        found = next((row["id"] for row in keys if _has_signed(row["public_key"], parts, assertion)), None)
        payload = json_object(parts.payload)
        until = _require_good(payload, str(account_id), audiences, now)
        digest = hashlib.sha256(text(payload.get("jti"), "jti").encode()).digest()
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    if found is None:
        return None
    await fetch(FORGET, {"of_account": account_id, "at": now})
    if not await fetch(PRESENT, {"account_id": account_id, "digest": digest, "expires_at": until + LEEWAY}):
        return None
    return await _used(fetch, account_id, found, now)


def _has_signed(public_key: str, parts: Parts, assertion: str) -> bool:
    """Tell whether a key has signed an assertion; `kid` may be the client's own name of it, and says nothing."""
    key = key_of_jwk(json.loads(public_key))
    # The key has one algorithm: neither `none` nor that of a shared secret is ever tried.
    if parts.header.get("alg") != key.algorithm:
        return False
    try:
        jws.verify(assertion, key.public, [key.algorithm])
    except JWSError:
        return False
    return True


def _require_good(payload: dict[str, object], client_id: str, audiences: Collection[str], now: datetime) -> datetime:
    """Hold an assertion to RFC 7523, section 3, and give when it expires; raises ValueError."""
    if payload.get("iss") != client_id or payload.get("sub") != client_id:
        raise ValueError("of another client")
    meant = payload.get("aud")
    # For us alone: what others may be shown, they could show us.
    if (meant[0] if isinstance(meant, list) and len(meant) == 1 else meant) not in audiences:
        raise ValueError("for another audience")
    until = time(payload.get("exp"), "exp")
    if not now - LEEWAY < until <= now + MOST_LIFETIME + LEEWAY:
        raise ValueError("expired, or good for too long")
    if any(time(payload[name], name) > now + LEEWAY for name in ("iat", "nbf") if name in payload):
        raise ValueError("not good yet")
    return until


async def _live(fetch: Fetch, account_id: UUID, kind: CredentialKind, now: datetime) -> Sequence[Any]:
    return await fetch(LIVE, {"of_account": account_id, "of_kind": kind.value, "at": now})


async def _used(fetch: Fetch, account_id: UUID, credential_id: UUID | None, now: datetime) -> UUID | None:
    if credential_id is not None:
        values = {"of_account": account_id, "of_credential": credential_id, "at": now}
        await fetch(NOTE_USE, {**values, "noted_before": now - NOTED_EVERY})
    return credential_id
