"""The account that an input names: in one organization, for those who administer it, or anywhere, for the platform."""

from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, Text, Uuid, bindparam, column, func, or_, select

from auth.statements import Fetch, Statement
from auth.tables import Account, AccountKind, table
from resolvers.commands.outcome import UserError, UserErrorCode

NO_ACCOUNT: Final = UserError("There is no such account in this organization.", UserErrorCode.NOT_FOUND, ("account",))
NOWHERE: Final = UserError("There is no such account.", UserErrorCode.NOT_FOUND, ("account",))
NOBODY: Final = UUID(int=0)
"""Stands in a decision for an account that is not there."""
_FOUND: Final = func.account_in(
    bindparam("organization_id", type_=Uuid()), bindparam("email", type_=Text()), bindparam("account_id", type_=Uuid())
).table_valued(
    column("id", Uuid()),
    column("email", Text()),
    column("kind", Text()),
    column("is_active", Boolean()),
    column("is_security_representative", Boolean()),
    name="found",
)
# A function of the database: whoever may not ask finds nobody, and nobody lists accounts.
ACCOUNT_IN: Final = Statement(select(*_FOUND.c).select_from(_FOUND))


_ACCOUNT: Final = table(Account)
_ANYWHERE: Final = Statement(
    select(_ACCOUNT.c.id, _ACCOUNT.c.email).where(
        or_(
            _ACCOUNT.c.email == func.lower(bindparam("email", type_=Text())),
            _ACCOUNT.c.id == bindparam("account_id", type_=Uuid()),
        )
    )
)


class AccountRow(NamedTuple):
    """An account of an organization."""

    id: UUID
    email: str
    kind: AccountKind
    is_active: bool
    """Whether it is not disabled."""
    is_security_representative: bool
    """Whether it is one of this organization."""


async def find_account_in(
    fetch: Fetch, organization_id: UUID, *, email: str | None = None, account_id: UUID | None = None
) -> AccountRow | None:
    """Find the account of an organization that has this address or this id.

    It is of the organization by its place there or by a profile that it holds or is to hold in one of the Clouds. There
    is none for who is neither of the platform nor a security representative of the organization.
    """
    values = {"organization_id": organization_id, "email": email, "account_id": account_id}
    rows = await fetch(ACCOUNT_IN, values)
    if not rows:
        return None
    id_, address, kind, *flags = rows[0]
    return AccountRow(id_, address, AccountKind(kind), *flags)


async def find_account_anywhere(
    fetch: Fetch, *, email: str | None = None, account_id: UUID | None = None
) -> tuple[UUID, str] | None:
    """Find the account that has this address or this id, and its address; to be asked for the platform alone."""
    rows = await fetch(_ANYWHERE, {"email": email, "account_id": account_id})
    return (rows[0]["id"], rows[0]["email"]) if rows else None
