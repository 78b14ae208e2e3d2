"""Creating organizations, Clouds and Services, and asking for a Cloud, which may be refused."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import ID, UNSET

from auth.administration import Administration, Target
from auth.errors import BadUserInput, NotFound
from resolvers.administration import creations
from resolvers.administration.checks import LONGEST_TEXT, check_code, check_name, check_text
from resolvers.administration.submission import Change
from resolvers.commands.outcome import UserError, UserErrorCode
from resolvers.context import Caller
from resolvers.reads.proposals import CloudRequestRow
from schema.administering import AdministrationInput, AdministrationPayload, administers
from schema.edge import Column, Info, by_column, edge
from schema.enums import RequestStatus
from schema.guarded import Found
from schema.ids import key_in, key_of
from schema.naming import in_cloud, in_organization
from schema.node import Node
from schema.operations import Actor
from schema.organizations import Cloud, Organization, Service


def _requested_by(requests: Sequence[CloudRequestRow], info: Info) -> Column:
    return [Actor(name=request.requested_by) for request in requests]


def _refused_by(requests: Sequence[CloudRequestRow], info: Info) -> Column:
    return [None if request.refused_by is None else Actor(name=request.refused_by) for request in requests]


def _statuses(requests: Sequence[CloudRequestRow], info: Info) -> Column:
    return [_status(request) for request in requests]


def _status(request: CloudRequestRow) -> RequestStatus:
    if request.refused_at is not None:
        return RequestStatus.REFUSED
    return RequestStatus.OPEN if request.cloud_id is None else RequestStatus.APPROVED


@strawberry.type(description="A further Cloud that was requested for an organization.")
class CloudRequest(Node):
    """A Cloud that was requested."""

    name: str = strawberry.field(description="What it is to be called.")
    reason: str | None = strawberry.field(description="What it is for.")
    organization: Organization = edge(
        lambda loaders: loaders.organization_by_id, key="organization_id", description="The organization."
    )
    requested_by: Actor = by_column(_requested_by, description="Who asked for it.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    cloud: Cloud | None = edge(
        lambda loaders: loaders.cloud_by_id,
        key="cloud_id",
        description="The Cloud that was created of it; null if there is none.",
    )
    status: RequestStatus = by_column(_statuses, description="How it stands.")
    refused_by: Actor | None = by_column(_refused_by, description="Who refused it; null if it was not refused.")
    refused_at: datetime | None = strawberry.field(description="When it was refused.")


@strawberry.input(description="The organization to create, and its default Cloud.")
class CreateOrganizationInput(AdministrationInput):
    """The organization to create."""

    code: str = strawberry.field(description="Its code, unique over the platform: lower-case letters, digits, hyphens.")
    name: str = strawberry.field(description="Its name.")
    is_group: bool | None = strawberry.field(
        default=False, description="Whether it is part of the cegedim group, which has zones of its own."
    )
    cloud_code: str = strawberry.field(description="The code of its default Cloud, unique over the platform.")
    cloud_name: str = strawberry.field(description="The name of its default Cloud.")


@strawberry.type(description="What came of creating an organization.")
class CreateOrganizationPayload(AdministrationPayload):
    """What came of creating an organization."""

    subject_name, loader = "organization", "organization_by_id"

    organization: Organization | None = strawberry.field(
        description="The organization, with its default Cloud; null if nothing was done."
    )


async def _on_the_platform(_caller: Caller, _asked: CreateOrganizationInput) -> Found:
    return Found(Target(), "On the platform.")


def _check_organization(asked: CreateOrganizationInput, _now: datetime) -> Sequence[UserError]:
    return [
        *check_code(asked.code, "code"),
        *check_name(asked.name, "name"),
        *check_code(asked.cloud_code, "cloudCode"),
        *check_name(asked.cloud_name, "cloudName"),
    ]


@administers(
    Administration.CREATE_ORGANIZATION,
    payload=CreateOrganizationPayload,
    find=_on_the_platform,
    check=_check_organization,
)
def create_organization(caller: Caller, input: CreateOrganizationInput) -> Change:  # noqa: A002
    """Create an organization with its default Cloud."""
    return creations.create_organization(
        input.code, input.name, bool(input.is_group), input.cloud_code, input.cloud_name
    )


@strawberry.input(description="The Cloud to ask for.")
class RequestCloudInput(AdministrationInput):
    """The Cloud to ask for."""

    organization_id: ID = strawberry.field(description="The organization.")
    name: str = strawberry.field(description="What it is to be called.")
    reason: str | None = strawberry.field(
        default=UNSET, description=f"What it is for, in at most {LONGEST_TEXT} characters."
    )


@strawberry.type(description="What came of asking for a Cloud.")
class RequestCloudPayload(AdministrationPayload):
    """What came of asking for a Cloud."""

    subject_name, loader = "cloud_request", "cloud_request_by_id"

    cloud_request: CloudRequest | None = strawberry.field(description="The request; null if nothing was done.")


def _check_request(asked: RequestCloudInput, _now: datetime) -> Sequence[UserError]:
    return [*check_name(asked.name, "name"), *check_text(asked.reason or None, "reason")]


@administers(Administration.REQUEST_CLOUD, payload=RequestCloudPayload, find=in_organization, check=_check_request)
def request_cloud(caller: Caller, input: RequestCloudInput) -> Change:  # noqa: A002
    """Ask for a further Cloud."""
    return creations.request_cloud(input.name, input.reason or None, caller.principal.email)


@strawberry.input(description="The Cloud to create.")
class CreateCloudInput(AdministrationInput):
    """The Cloud to create."""

    organization_id: ID = strawberry.field(description="The organization.")
    code: str = strawberry.field(description="Its code, unique over the platform: lower-case letters, digits, hyphens.")
    name: str | None = strawberry.field(
        default=UNSET, description="Its name; if absent, that of the request. Without a request, it must have one."
    )
    request_id: ID | None = strawberry.field(
        default=UNSET, description="The request that it is created of, if it was asked for."
    )


@strawberry.type(description="What came of creating a Cloud.")
class CreateCloudPayload(AdministrationPayload):
    """What came of creating a Cloud."""

    subject_name, loader = "cloud", "cloud_by_id"

    cloud: Cloud | None = strawberry.field(description="The Cloud; null if nothing was done.")


def _check_cloud(asked: CreateCloudInput, _now: datetime) -> Sequence[UserError]:
    found = check_code(asked.code, "code")
    if asked.name:
        found += check_name(asked.name, "name")
    elif not asked.request_id:
        found.append(UserError("Without a request, it needs a name.", UserErrorCode.INVALID_VALUE, ("name",)))
    try:
        if asked.request_id and key_of(asked.request_id, "CloudRequest", argument="input.requestId") is None:
            raise BadUserInput("This is not the id of a request.", argument="input.requestId")
    except BadUserInput as error:
        found.append(UserError(error.message, UserErrorCode.INVALID_VALUE, ("requestId",)))
    return found


@administers(Administration.CREATE_CLOUD, payload=CreateCloudPayload, find=in_organization, check=_check_cloud)
def create_cloud(caller: Caller, input: CreateCloudInput) -> Change:  # noqa: A002
    """Create a Cloud, of a request or directly."""
    request = key_of(input.request_id, "CloudRequest", argument="input.requestId") if input.request_id else None
    return creations.create_cloud(input.code, input.name or None, request)


@strawberry.input(description="Which requested Cloud to refuse.")
class RefuseCloudInput(AdministrationInput):
    """Which requested Cloud to refuse."""

    request_id: ID = strawberry.field(description="The request.")


@strawberry.type(description="What came of refusing a Cloud.")
class RefuseCloudPayload(AdministrationPayload):
    """What came of refusing a Cloud."""

    subject_name, loader = "cloud_request", "cloud_request_by_id"

    cloud_request: CloudRequest | None = strawberry.field(description="The request; null if nothing was done.")


async def _find_request(caller: Caller, asked: RefuseCloudInput) -> Found:
    key = key_of(asked.request_id, "CloudRequest", argument="input.requestId")
    row = None if key is None else await caller.loaders.cloud_request_by_id.load(key)
    if row is None:
        raise NotFound("CloudRequest")
    place = (row.organization_id, None)
    return Found(Target(row.organization_id), f"Refuse the Cloud {row.name}.", row.id, place)


@administers(Administration.REFUSE_CLOUD, payload=RefuseCloudPayload, find=_find_request)
def refuse_cloud(caller: Caller, input: RefuseCloudInput) -> Change:  # noqa: A002
    """Refuse a further Cloud that was requested."""
    return creations.refuse_cloud(key_in(input.request_id), caller.principal.email)


@strawberry.input(description="The Service to create.")
class CreateServiceInput(AdministrationInput):
    """The Service to create."""

    cloud_id: ID = strawberry.field(description="The Cloud.")
    name: str = strawberry.field(description="Its name, unique in the Cloud, without a slash.")
    description: str | None = strawberry.field(
        default=UNSET, description=f"What it is, in at most {LONGEST_TEXT} characters."
    )


@strawberry.type(description="What came of creating a Service.")
class CreateServicePayload(AdministrationPayload):
    """What came of creating a Service."""

    subject_name, loader = "service", "service_by_id"

    service: Service | None = strawberry.field(description="The Service; null if nothing was done.")


def _check_service(asked: CreateServiceInput, _now: datetime) -> Sequence[UserError]:
    return [*check_name(asked.name, "name"), *check_text(asked.description or None, "description")]


@administers(Administration.CREATE_SERVICE, payload=CreateServicePayload, find=in_cloud, check=_check_service)
def create_service(caller: Caller, input: CreateServiceInput) -> Change:  # noqa: A002
    """Create a Service in a Cloud."""
    return creations.create_service(input.name, input.description or None)
