"""Inviting people: a link that is theirs, and the letter that brings it, once all is committed."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, insert, select

from auth.identity.secrets import digest_of, new_secret
from auth.identity.tables import Link, LinkPurpose
from auth.statements import Statement
from auth.tables import Organization, table
from resolvers.letters import Invitation
from resolvers.transaction import Transaction

LASTS: Final = timedelta(hours=72)
ORGANIZATION, LINK = table(Organization), table(Link)
_NAME: Final = Statement(select(ORGANIZATION.c.name).where(ORGANIZATION.c.id == bindparam("organization_id")))
_ADD: Final = Statement(
    insert(LINK).values({column.name: bindparam(column.name, type_=column.type) for column in LINK.c})
)


async def invite(
    transaction: Transaction, account_id: UUID, email: str, now: datetime, *, organization: str | None
) -> None:
    """Make a link for a person, and have it sent to them."""
    secret = new_secret()
    link = Link(
        account_id=account_id,
        purpose=LinkPurpose.INVITATION,
        digest=digest_of(secret),
        created_at=now,
        expires_at=now + LASTS,
    )
    await transaction.fetch(_ADD, link.model_dump())
    transaction.letters.append(Invitation(email, organization, secret, link.expires_at))


async def name_of(transaction: Transaction, organization_id: UUID) -> str:
    """Give the name of an organization that the caller sees."""
    name: str = (await transaction.fetch(_NAME, {"organization_id": organization_id}))[0]["name"]
    return name
