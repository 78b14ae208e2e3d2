"""Inviting people: a link that is theirs, and the letter that brings it, once all is committed."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select

from auth.identity.links import new_link
from auth.identity.tables import LinkPurpose
from auth.statements import Statement
from auth.tables import Organization, table
from resolvers.letters import Invitation
from resolvers.transaction import Transaction

ORGANIZATION: Final = table(Organization)
_NAME: Final = Statement(select(ORGANIZATION.c.name).where(ORGANIZATION.c.id == bindparam("organization_id")))


async def invite(
    transaction: Transaction, account_id: UUID, email: str, now: datetime, *, is_known: bool = False
) -> None:
    """Make a link for a person, which ends those before, and have it sent; `is_known`: they have been there before."""
    secret = await new_link(transaction.fetch, account_id, LinkPurpose.INVITATION, now)
    transaction.letters.append(Invitation(email, secret, is_known=is_known))


async def name_of(transaction: Transaction, organization_id: UUID) -> str:
    """Give the name of an organization that the caller sees."""
    name: str = (await transaction.fetch(_NAME, {"organization_id": organization_id}))[0]["name"]
    return name
