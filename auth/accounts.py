"""Accounts, found by what people call them."""

from uuid import UUID

from sqlalchemy import Text, bindparam, func, select

from auth.statements import Fetch, Statement

# A function of the database: an account is found before there is a scope to see it in.
ACTIVE_BY_EMAIL = Statement(select(func.active_account(bindparam("email", type_=Text()))))


async def find_account(fetch: Fetch, email: str) -> UUID | None:
    """The account with that address, whatever its letters' case; None if there is none or it is disabled."""
    rows = await fetch(ACTIVE_BY_EMAIL, {"email": email})
    account: UUID | None = rows[0][0]
    return account
