"""Accounts, found by what people call them."""

from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, func, select, union

from auth.statements import Fetch, Statement
from auth.tables import Account, OrganizationMember, table

ACCOUNT, MEMBER = table(Account), table(OrganizationMember)
# Functions of the database: an account is found before there is a scope to see it in.
ACTIVE_BY_EMAIL = Statement(select(func.active_account(bindparam("email", type_=Text()))))
ACTIVE_BY_FACTOR = Statement(select(func.account_of_factor(bindparam("factor_id", type_=Uuid()))))
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
    account: UUID | None = rows[0][0]
    return account


async def account_of_factor(fetch: Fetch, factor_id: UUID) -> UUID | None:
    """The account that a factor belongs to; None if there is none or it is disabled."""
    rows = await fetch(ACTIVE_BY_FACTOR, {"factor_id": factor_id})
    account: UUID | None = rows[0][0]
    return account


async def organization_of(fetch: Fetch, account_id: UUID) -> UUID | None:
    """The organization that an account belongs to; None for the platform's own and for members of several.

    Read in the scope of that account (`auth.principal.set_scope`): nobody else sees where it belongs.
    """
    rows = await fetch(ORGANIZATIONS_OF_ACCOUNT, {"account_id": account_id})
    return rows[0][0] if len(rows) == 1 else None
