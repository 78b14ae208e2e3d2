"""Operations: what was asked of the platform, how far it is, and how it ended."""

from datetime import datetime

import strawberry
from strawberry import ID

from resolvers.reads import rows
from resolvers.reads.predicates import All, Predicate
from schema.conditions import DateTimeRange, among, asked, keys_among
from schema.edge import by_column, edge
from schema.enums import Action, OperationStatus, ResourceType
from schema.ids import RESOURCE_TYPES, global_id
from schema.node import Node
from schema.organizations import Cloud
from schema.resources import Resource


@strawberry.type(description="Who did something.")
class Actor:
    """Who did something."""

    name: str = strawberry.field(description="The e-mail address, or the name of the program.")


@strawberry.type(description="One step of an operation.")
class OperationStep:
    """A step of an operation."""

    name: str = strawberry.field(description="What the step does.")
    status: OperationStatus = strawberry.field(description="How it stands.")
    started_at: datetime | None = strawberry.field(
        description="When a driver was first asked for it; null as long as it waits for the steps before."
    )
    completed_at: datetime | None = strawberry.field(description="When it was done.")


def _step(step: dict[str, str]) -> OperationStep:
    return OperationStep(
        name=step["name"],
        status=OperationStatus(step["status"]),
        started_at=_time(step["started_at"]),
        completed_at=_time(step["completed_at"]),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _resource_id(operation: rows.OperationRow) -> str | None:
    if operation.resource_id is None or operation.resource_type is None:
        return None
    return global_id(RESOURCE_TYPES[operation.resource_type], operation.resource_id)


@strawberry.type(description="An asynchronous change of the platform.")
class Operation(Node):
    """An operation."""

    action: Action = strawberry.field(description="What was asked for.")
    status: OperationStatus = strawberry.field(description="How it stands.")
    progress: int = strawberry.field(description="How far it is, in per cent.")
    message: str | None = strawberry.field(description="What there is to say about it.")
    resource_id: ID | None = by_column(
        lambda operations, info: list(map(_resource_id, operations)),
        description="The id of the resource, also after it was deleted.",
    )
    resource_name: str | None = strawberry.field(description="The name the resource had.")
    resource_type: ResourceType | None = strawberry.field(description="The type of the resource.")
    resource: Resource | None = edge(
        lambda loaders: loaders.resource_by_id, key="resource_id", description="The resource; null once it is deleted."
    )
    cloud: Cloud | None = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="The Cloud.")
    submitted_by: Actor = by_column(
        lambda operations, info: [Actor(name=operation.submitted_by) for operation in operations],
        description="Who asked for it.",
    )
    submitted_at: datetime = strawberry.field(description="When it was asked for.")
    last_updated_at: datetime = strawberry.field(description="When it last changed.")
    completed_at: datetime | None = strawberry.field(description="When it ended.")
    change_reference: str | None = strawberry.field(description="The number of the change it was asked for.")
    steps: list[OperationStep] = by_column(
        lambda operations, info: [list(map(_step, operation.steps)) for operation in operations],
        list_size=5,
        description="Its steps, in order.",
    )


@strawberry.input(description="Which operations. Fields side by side all hold.")
class OperationFilter:
    """Which operations."""

    action: list[Action] | None = asked("What was asked for is one of these.")
    status: list[OperationStatus] | None = asked("It stands like one of these.")
    cloud: list[ID] | None = asked("It is in one of these Clouds.")
    resource: list[ID] | None = asked("It is about one of these resources, also after they were deleted.")
    submitted_at: DateTimeRange | None = asked("When it was asked for.")

    def predicate(self) -> Predicate:
        """Say what it means for an operation."""
        range_ = [self.submitted_at.predicate("submitted_at")] if self.submitted_at else []
        return All(
            (
                *among("action", self.action),
                *among("status", self.status),
                *keys_among("cloud_id", self.cloud, "Cloud", argument="filter.cloud"),
                *keys_among("resource_id", self.resource, *RESOURCE_TYPES.values(), argument="filter.resource"),
                *range_,
            )
        )
