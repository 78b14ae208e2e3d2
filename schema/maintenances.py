"""Maintenance windows and their subjects."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import ID

from auth.errors import BadUserInput
from auth.permissions import Action
from resolvers.commands import maintenances as commands
from resolvers.commands.outcome import UserError as UserErrorRow
from resolvers.commands.submission import Change
from resolvers.context import Caller
from resolvers.reads.sources import RESOURCES_OF_MAINTENANCE, SERVICES_OF_MAINTENANCE
from schema.actions import action
from schema.connections import Connection, ResourcesConnection, connection_of, resources_of
from schema.edge import edge
from schema.ids import key_in, parse_id
from schema.node import Node
from schema.organizations import Cloud, Service
from schema.payloads import ChangeInput, CommonInput, Payload, UserErrorCode, revision_in
from schema.resources import Resource


@strawberry.type(description="A window of time during which the alerts of its subjects are silent.")
class Maintenance(Node):
    """A maintenance window."""

    starts_at: datetime = strawberry.field(description="When it starts.")
    ends_at: datetime = strawberry.field(description="When it ends.")
    reason: str = strawberry.field(description="What it is for.")
    revision: int = strawberry.field(description="A number that grows with every change of it.")
    created_by: str | None = strawberry.field(description="Who opened it.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    cloud: Cloud = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="Its Cloud.")
    services: Connection[Service] = connection_of(
        SERVICES_OF_MAINTENANCE, parent="id", description="The Services that it silences as a whole, by name."
    )
    resources: ResourcesConnection[Resource] = resources_of(
        RESOURCES_OF_MAINTENANCE, parent="id", description="The resources that it silences by themselves."
    )


@strawberry.input(description="The window to open.")
class CreateMaintenanceInput(CommonInput):
    """The window to open."""

    cloud_id: ID = strawberry.field(description="The Cloud.")
    subjects: list[ID] = strawberry.field(
        description=f"The Services and resources of the Cloud that it silences, at most {commands.MOST_SUBJECTS}."
    )
    starts_at: datetime = strawberry.field(description="When it starts; to come.")
    ends_at: datetime = strawberry.field(description=f"When it ends, at most {commands.LONGEST.days} days later.")
    reason: str = strawberry.field(description="What it is for.")


@strawberry.type(description="What came of opening a window.")
class CreateMaintenancePayload(Payload):
    """What came of opening a window."""

    subject_name, loader = "maintenance", "maintenance_by_id"

    maintenance: Maintenance | None = strawberry.field(
        description="The window; null if nothing was done, or it has gone since."
    )


def _check(window: CreateMaintenanceInput, now: datetime) -> Sequence[UserErrorRow]:
    found = commands.check_window(window.starts_at, window.ends_at, window.reason, len(window.subjects), now)
    try:
        _subjects(window)
    except BadUserInput as error:
        found.append(UserErrorRow(error.message, UserErrorCode.INVALID_VALUE, ("subjects",)))
    return found


def _subjects(window: CreateMaintenanceInput) -> dict[str, list[UUID]]:
    """Sort the subjects by what they are; what is neither a Service nor a resource cannot be found as either."""
    subjects: dict[str, list[UUID]] = {"services": [], "resources": []}
    for subject in window.subjects:
        kind, key = parse_id(subject, argument="input.subjects")
        subjects["services" if kind == "Service" else "resources"].append(key)
    return subjects


@action(Action.CREATE_MAINTENANCE, payload=CreateMaintenancePayload, check=_check)
def create_maintenance(caller: Caller, input: CreateMaintenanceInput) -> Change:  # noqa: A002
    """Open a maintenance window on Services or resources."""
    return commands.create_maintenance(
        **_subjects(input),
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        reason=input.reason,
        by=caller.principal.email,
    )


@strawberry.input(description="Which window to cancel.")
class DeleteMaintenanceInput(ChangeInput):
    """Which window to cancel."""

    maintenance_id: ID = strawberry.field(description="The window, which is not over.")


@strawberry.type(description="What came of cancelling a window.")
class DeleteMaintenancePayload(Payload):
    """What came of cancelling a window."""

    subject_name, loader = "maintenance", "maintenance_by_id"

    maintenance: Maintenance | None = strawberry.field(description="The window, if it is still there.")


@action(Action.DELETE_MAINTENANCE, payload=DeleteMaintenancePayload)
def delete_maintenance(caller: Caller, input: DeleteMaintenanceInput) -> Change:  # noqa: A002
    """Cancel a maintenance window."""
    return commands.delete_maintenance(key_in(input.maintenance_id), revision_in(input))
