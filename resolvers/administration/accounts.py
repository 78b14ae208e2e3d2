"""The account that an input names, found in one organization by the platform or its security representatives."""

from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, Text, Uuid, bindparam, column, func, select

from auth.statements import Fetch, Statement
from auth.tables import AccountKind
from resolvers.commands.outcome import UserError, UserErrorCode

NO_ACCOUNT: Final = UserError("There is no such account in this organization.", UserErrorCode.NOT_FOUND, ("account",))
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
