"""People whom a foreign issuer vouches for: which account a subject is, and what it gets. E-mail addresses say nothing.

That an identity is no longer somebody's ends, in the database, the sessions that were got by a foreign token.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from auth.foreign_tokens import ForeignClaims
from auth.identity.sessions import LASTS, ClientSession, begin_session_by_token
from auth.identity.tables import ForeignIdentity
from auth.issuer import DEFAULT_LIFETIME
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table, uuid7

FEDERATED: Final = "fed"
"""What `amr` says of who was signed in elsewhere."""

IDENTITY = table(ForeignIdentity)
_THIS = (IDENTITY.c.issuer == bindparam("of_issuer"), IDENTITY.c.subject == bindparam("of_subject"))
# A function of the database: an account is found before there is a scope to see it in.
ACCOUNT_OF_IDENTITY = Statement(
    select(func.account_of_identity(bindparam("issuer", type_=Text()), bindparam("subject", type_=Text())))
)
# Who takes the identity away waits for whoever begins a session by it, and then ends that, too.
HOLD = Statement(
    select(IDENTITY.c.account_id)
    .where(*_THIS, IDENTITY.c.account_id == bindparam("of_account", type_=Uuid()))
    .with_for_update(read=True)
)
LINK = Statement(
    insert(IDENTITY)
    .values(
        issuer=bindparam("issuer"),
        subject=bindparam("subject"),
        account_id=bindparam("account_id", type_=Uuid()),
        created_at=bindparam("at", type_=TIMESTAMP),
    )
    .on_conflict_do_nothing()
    .returning(IDENTITY.c.account_id)
)
UNLINK = Statement(delete(IDENTITY).where(*_THIS).returning(IDENTITY.c.account_id))
OF_ACCOUNT = Statement(
    select(IDENTITY.c.issuer, IDENTITY.c.subject, IDENTITY.c.created_at)
    .where(IDENTITY.c.account_id == bindparam("of_account"))
    .order_by(IDENTITY.c.issuer, IDENTITY.c.subject)
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What an issuer calls somebody, and since when that is known."""

    issuer: str
    subject: str
    created_at: datetime


async def account_of_identity(fetch: Fetch, issuer: str, subject: str) -> UUID | None:
    """Find the active account of an issuer's subject; None if there is none."""
    rows = await fetch(ACCOUNT_OF_IDENTITY, {"issuer": issuer, "subject": subject})
    account: UUID | None = rows[0][0]
    return account


async def begin_foreign_session(
    fetch: Fetch, account_id: UUID, claims: ForeignClaims, client_id: str, now: datetime, *, refreshes: bool
) -> tuple[ClientSession, str | None] | None:
    """Begin the session of whom verified claims are about, in the scope of their account; None if they are not it now.

    Without refresh tokens, it ends with the first access token.
    """
    values = {"of_issuer": claims.issuer, "of_subject": claims.subject, "of_account": account_id}
    if not await fetch(HOLD, values):
        return None
    session = ClientSession(
        id=uuid7(),
        account_id=account_id,
        client_id=client_id,
        amr=(FEDERATED,) if claims.mfa_time is None else (FEDERATED, "mfa"),
        auth_time=claims.auth_time,
        mfa_time=claims.mfa_time,
        expires_at=now + (LASTS if refreshes else DEFAULT_LIFETIME),
    )
    return session, await begin_session_by_token(fetch, session, now, refreshes=refreshes)


async def link_identity(fetch: Fetch, issuer: str, subject: str, account_id: UUID, now: datetime) -> bool:
    """Say that an issuer's subject is this account; False if it is an account's already.

    Only the platform may, and not of itself: row-level security holds it to that.
    """
    values = {"issuer": issuer, "subject": subject, "account_id": account_id, "at": now}
    return bool(await fetch(LINK, values))


async def unlink_identity(fetch: Fetch, issuer: str, subject: str) -> UUID | None:
    """Take that back, which ends what was got by it; gives whose it was, None if nobody's that the caller may see."""
    rows = await fetch(UNLINK, {"of_issuer": issuer, "of_subject": subject})
    return rows[0][0] if rows else None


async def identities_of(fetch: Fetch, account_id: UUID) -> tuple[Identity, ...]:
    """Give the identities of an account, to itself or to the platform."""
    rows = await fetch(OF_ACCOUNT, {"of_account": account_id})
    return tuple(Identity(*row) for row in rows)


def identity_digest(issuer: str, subject: str) -> bytes:
    """Give the SHA-256 by which the audit log names an identity: of the issuer, a line feed and the subject."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).digest()
