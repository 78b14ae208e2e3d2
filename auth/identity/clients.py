"""API accounts show that they are it: by a secret, or by an assertion that a key of theirs has signed (RFC 7523).

The client's id is the account's. Secrets are kept as digests, of keys the public half. Whoever represents or runs the
organization adds and revokes credentials; what an account uses is read in the scope of the account itself.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, insert, or_, select, update

from auth.identity.secrets import digest_of, new_secret
from auth.identity.tables import ClientCredential, CredentialKind
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table

NOTED_EVERY: Final = timedelta(minutes=1)
"""How much later a credential must be used again for that to be noted."""

CREDENTIAL = table(ClientCredential)
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


async def _live(fetch: Fetch, account_id: UUID, kind: CredentialKind, now: datetime) -> Sequence[Any]:
    return await fetch(LIVE, {"of_account": account_id, "of_kind": kind.value, "at": now})


async def _used(fetch: Fetch, account_id: UUID, credential_id: UUID | None, now: datetime) -> UUID | None:
    if credential_id is not None:
        values = {"of_account": account_id, "of_credential": credential_id, "at": now}
        await fetch(NOTE_USE, {**values, "noted_before": now - NOTED_EVERY})
    return credential_id
