"""What administrative changes are about, as their inputs name it: organizations, Clouds and accounts."""

from typing import Any, NamedTuple
from uuid import UUID

from auth.administration import Target
from auth.errors import NotFound
from auth.tables import AccountKind
from resolvers.administration.accounts import NO_ACCOUNT, NOBODY, AccountRow, find_account_in
from resolvers.commands.outcome import UserError, UserErrorCode
from resolvers.context import Caller
from resolvers.reads.rows import CloudRow, OrganizationRow
from schema.administering import AccountInput
from schema.guarded import Found
from schema.ids import key_of

NO_API_ACCOUNT = UserError("It is an API account, which only reads.", UserErrorCode.INVALID_VALUE, ("account",))


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
    fetch = caller.loaders.snapshot.fetch
    row: AccountRow | None = None
    if asked.email:
        row = await find_account_in(fetch, organization_id, email=asked.email)
    elif asked.id:
        key = key_of(asked.id, "Viewer", argument="input.account.id")
        row = None if key is None else await find_account_in(fetch, organization_id, account_id=key)
    if row is None:
        return Named(NOBODY, "", (NO_ACCOUNT,))
    if not is_given:
        return Named(row.id, row.email, ())
    if not row.is_active:
        return Named(row.id, row.email, (NO_ACCOUNT,))
    return Named(row.id, row.email, (NO_API_ACCOUNT,) if row.kind is AccountKind.API_ACCOUNT else ())


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
