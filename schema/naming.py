"""What administrative changes are about, as their inputs name it: organizations, Clouds and accounts."""

from typing import Any, NamedTuple
from uuid import UUID

from auth.administration import Target
from auth.errors import NotFound
from auth.tables import AccountKind
from resolvers.administration.accounts import (
    NO_ACCOUNT,
    NOBODY,
    NOWHERE,
    AccountRow,
    find_account_anywhere,
    find_account_in,
)
from resolvers.commands.outcome import UserError, UserErrorCode
from resolvers.context import Caller
from resolvers.reads.rows import CloudRow, OrganizationRow
from schema.administering import AccountInput
from schema.guarded import Found
from schema.ids import key_of

NO_API_ACCOUNT = UserError("It is an API account, which only reads.", UserErrorCode.INVALID_VALUE, ("account",))
NO_PERSON = UserError("It is a person, who signs in with a password.", UserErrorCode.INVALID_VALUE, ("account",))


class Named(NamedTuple):
    """An account that an input names: which it is, what it is called, and what is wrong with it."""

    id: UUID
    email: str
    errors: tuple[UserError, ...]


async def organization_of(caller: Caller, asked: Any) -> OrganizationRow:
    """Load the organization of `organization_id`; raises NotFound."""
    key = key_of(asked.organization_id, "Organization", argument="input.organizationId")
    row: OrganizationRow | None = None if key is None else await caller.loaders.organization_by_id.load(key)
    if row is None:
        raise NotFound("Organization")
    return row


async def cloud_of(caller: Caller, asked: Any) -> CloudRow:
    """Load the Cloud of `cloud_id`; raises NotFound."""
    key = key_of(asked.cloud_id, "Cloud", argument="input.cloudId")
    row: CloudRow | None = None if key is None else await caller.loaders.cloud_by_id.load(key)
    if row is None:
        raise NotFound("Cloud")
    return row


async def account_of(caller: Caller, organization_id: UUID, asked: AccountInput, *, is_given: bool) -> Named:
    """Find the account of an organization; what `is_given` something is a person who can sign in.

    Who may not look for accounts finds none, and is told nothing of it: the decision comes first.
    """
    row = await _find(caller, organization_id, asked)
    if row is None:
        return Named(NOBODY, "", (NO_ACCOUNT,))
    if not is_given:
        return Named(row.id, row.email, ())
    if not row.is_active:
        return Named(row.id, row.email, (NO_ACCOUNT,))
    return Named(row.id, row.email, (NO_API_ACCOUNT,) if row.kind is AccountKind.API_ACCOUNT else ())


async def program_of(caller: Caller, organization_id: UUID, asked: AccountInput) -> Named:
    """Find the API account of an organization; who may not look for accounts finds none."""
    row = await _find(caller, organization_id, asked)
    if row is None or not row.is_active:
        return Named(NOBODY if row is None else row.id, "", (NO_ACCOUNT,))
    return Named(row.id, row.email, () if row.kind is AccountKind.API_ACCOUNT else (NO_PERSON,))


async def _find(caller: Caller, organization_id: UUID, asked: AccountInput) -> AccountRow | None:
    fetch = caller.loaders.snapshot.fetch
    if asked.email:
        return await find_account_in(fetch, organization_id, email=asked.email)
    key = key_of(asked.id, "Account", "Viewer", argument="input.account.id") if asked.id else None
    return None if key is None else await find_account_in(fetch, organization_id, account_id=key)


async def account_anywhere(caller: Caller, asked: AccountInput) -> Named:
    """Find an account for the platform; who is not of it finds none, and is told nothing of it."""
    fetch = caller.loaders.snapshot.fetch
    email = asked.email if isinstance(asked.email, str) else None
    key = None if email is not None else key_of(asked.id or "", "Account", "Viewer", argument="input.account.id")
    own = caller.principal
    if key == own.account_id or (email is not None and email.lower() == own.email):
        return Named(own.account_id, own.email, ())
    found = None
    if own.scope.all_names:
        found = await find_account_anywhere(fetch, email=email, account_id=key)
    return Named(NOBODY, "", (NOWHERE,)) if found is None else Named(*found, ())


async def in_organization(caller: Caller, asked: Any) -> Found:
    """Find the organization of `organization_id`."""
    organization = await organization_of(caller, asked)
    return Found(
        Target(organization.id), f"In the organization {organization.name}.", organization.id, (organization.id, None)
    )


async def in_cloud(caller: Caller, asked: Any) -> Found:
    """Find the Cloud of `cloud_id`."""
    cloud = await cloud_of(caller, asked)
    place = (cloud.organization_id, cloud.id)
    return Found(Target(*place), f"In the Cloud {cloud.name}.", cloud.id, place)
