"""Accounts, found by what people call them."""

from uuid import UUID

from sqlalchemy import bindparam, func, select

from auth.statements import Fetch, Statement
from auth.tables import Account, table

ACCOUNT = table(Account)
ACTIVE_BY_EMAIL = Statement(
    select(ACCOUNT.c.id).where(ACCOUNT.c.email == func.lower(bindparam("email")), ACCOUNT.c.disabled_at.is_(None))
)


async def find_account(fetch: Fetch, email: str) -> UUID | None:
    """The account with that address, whatever its letters' case; None if there is none or it is disabled."""
    rows = await fetch(ACTIVE_BY_EMAIL, {"email": email})
    return rows[0][0] if rows else None
