"""Accounts, found by what people call them."""

from uuid import UUID

from sqlalchemy import bindparam, func, select, union

from auth.statements import Fetch, Statement
from auth.tables import Account, OrganizationMember, table

ACCOUNT, MEMBER = table(Account), table(OrganizationMember)
ACTIVE_BY_EMAIL = Statement(
    select(ACCOUNT.c.id).where(ACCOUNT.c.email == func.lower(bindparam("email")), ACCOUNT.c.disabled_at.is_(None))
)
ORGANIZATIONS_OF_ACCOUNT = Statement(
    union(
        select(ACCOUNT.c.organization_id).where(
            ACCOUNT.c.id == bindparam("account_id"), ACCOUNT.c.organization_id.is_not(None)
        ),
        select(MEMBER.c.organization_id).where(MEMBER.c.account_id == bindparam("account_id")),
    )
)


async def find_account(fetch: Fetch, email: str) -> UUID | None:
    """The account with that address, whatever its letters' case; None if there is none or it is disabled."""
    rows = await fetch(ACTIVE_BY_EMAIL, {"email": email})
    return rows[0][0] if rows else None


async def organization_of(fetch: Fetch, account_id: UUID) -> UUID | None:
    """The organization that an account belongs to; None for the platform's own and for members of several."""
    rows = await fetch(ORGANIZATIONS_OF_ACCOUNT, {"account_id": account_id})
    return rows[0][0] if len(rows) == 1 else None
