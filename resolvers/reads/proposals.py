"""What is asked of a second person: Clouds that are requested, profiles that are proposed."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from auth.tables import TenantRow, table
from resolvers.reads.sources import ListOf, Source, named_to_representatives
from resolvers.tables import CloudRequest, ProfileProposal


class CloudRequestRow(NamedTuple):
    """A Cloud that was requested."""

    organization_id: UUID
    id: UUID
    name: str
    reason: str | None
    requested_by: str
    requested_at: datetime
    cloud_id: UUID | None
    refused_by: str | None
    refused_at: datetime | None


class ProfileProposalRow(NamedTuple):
    """A profile that was proposed, and what became of it."""

    organization_id: UUID
    cloud_id: UUID
    id: UUID
    account_id: UUID
    account: str
    profile: str
    proposed_by_id: UUID
    proposed_by: str
    proposed_at: datetime
    given_by: str | None
    given_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def _source(name: str, model: type[TenantRow], row: Any, order: str) -> Source[Any]:
    of = table(model)
    return Source(
        name=name,
        row=row,
        columns=tuple(of.c[column] for column in row._fields),
        table=of,
        id=of.c.id,
        orders={order.upper(): of.c[order]},
        order=((order.upper(), True),),
        visible=named_to_representatives(of),
    )


CLOUD_REQUESTS = _source("cloudRequest", CloudRequest, CloudRequestRow, "requested_at")
PROFILE_PROPOSALS = _source("profileProposal", ProfileProposal, ProfileProposalRow, "proposed_at")
REQUESTS_OF_ORGANIZATION = ListOf(
    "Organization.cloudRequests", CLOUD_REQUESTS, lambda parent: table(CloudRequest).c.organization_id == parent
)
PROPOSALS_OF_CLOUD = ListOf(
    "Cloud.profileProposals", PROFILE_PROPOSALS, lambda parent: table(ProfileProposal).c.cloud_id == parent
)
