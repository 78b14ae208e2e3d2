"""What happened: events, and changes of resources."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID

from resolvers.events import EventKind, EventRow
from schema.edge import Column, Info, by_column, caller_of, edge
from schema.enums import described
from schema.ids import PREFIXES, global_id
from schema.node import RESOURCE_TYPE_NAMES, Node, load_node
from schema.operations import Operation
from schema.organizations import Cloud, Organization
from schema.resources import Resource


class ChangeKind(StrEnum):
    """What a change of a resource means for whoever shows the resources of a filter."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"
    LEFT_FILTER = "LEFT_FILTER"


described(
    EventKind,
    "EventKind",
    "What happened to the subject of an event.",
    {
        "OPERATION_UPDATED": "An operation was asked for, went on or ended.",
        "RESOURCE_CREATED": "A resource was made.",
        "RESOURCE_UPDATED": "A resource was changed.",
        "RESOURCE_DELETED": "A resource was deleted.",
        "CREATED": "Something else was made.",
        "UPDATED": "Something else was changed.",
        "DELETED": "Something else was deleted.",
    },
)
described(
    ChangeKind,
    "ChangeKind",
    "What a change of a resource means for whoever shows the resources of a filter.",
    {
        "CREATED": "A new resource that the filter keeps.",
        "UPDATED": "A resource that the filter keeps has changed; before that it may not have been kept.",
        "DELETED": "A resource was deleted; the filter may not have kept it.",
        "LEFT_FILTER": "The filter does not keep the resource, or no longer. Told once; it may never have been kept.",
    },
)


@dataclass(frozen=True, slots=True)
class EventTold:
    """An event, and the cursor by which to go on after it."""

    event: EventRow
    cursor: str
    change: ChangeKind | None = None
    """What a change of a resource means."""


def _subject_id(told: EventTold) -> str | None:
    event = told.event
    return global_id(event.subject_type, event.subject_id) if event.subject_type in PREFIXES else None


def _key(told: EventTold, *types: str) -> UUID | None:
    return told.event.subject_id if told.event.subject_type in types else None


def _of_events(value: Any, description: str) -> Any:
    return by_column(lambda told, info: list(map(value, told)), description=description)


async def _subjects(told: Sequence[EventTold], info: Info) -> list[Any]:
    caller = caller_of(info)
    return [await load_node(caller, one.event.subject_type, one.event.subject_id) for one in told]


def _subject(told: Sequence[EventTold], info: Info) -> Column:
    return _subjects(told, info)


@strawberry.type(description="Something that happened.")
class Event:
    """Something that happened."""

    cursor: str = strawberry.field(description="Give it as `after`, to go on after this event.")
    kind: EventKind = _of_events(lambda told: EventKind(told.event.kind), "What happened.")
    subject_type: str = _of_events(
        lambda told: told.event.subject_type, "The type of what it happened to, such as Instance."
    )
    subject_id: ID | None = _of_events(_subject_id, "The id of what it happened to; null if that has no id of its own.")
    at: datetime = _of_events(lambda told: told.event.at, "When.")
    subject: Node | None = by_column(
        _subject, description="What it happened to, as it is now; null once it is gone, or if it cannot be read by id."
    )
    operation: Operation | None = edge(
        lambda loaders: loaders.operation_by_id,
        key=lambda told: _key(told, "Operation"),
        description="The operation it happened to, as it is now; null if it was something else.",
    )
    resource: Resource | None = edge(
        lambda loaders: loaders.resource_by_id,
        key=lambda told: _key(told, *RESOURCE_TYPE_NAMES),
        description="The resource it happened to, as it is now; null if it was something else, or is gone.",
    )
    cloud: Cloud | None = edge(
        lambda loaders: loaders.cloud_by_id,
        key=lambda told: told.event.cloud_id,
        description="The Cloud it happened in; null for what is the organization's own.",
    )
    organization: Organization | None = edge(
        lambda loaders: loaders.organization_by_id,
        key=lambda told: told.event.organization_id,
        description="The organization it happened in.",
    )


@strawberry.type(description="A change of a resource.")
class ResourceChange:
    """A change of a resource."""

    cursor: str = strawberry.field(description="Give it as `after`, to go on after this change.")
    kind: ChangeKind = by_column(lambda told, info: [one.change for one in told], description="What it means.")
    resource_id: ID = _of_events(_subject_id, "The id of the resource.")
    at: datetime = _of_events(lambda told: told.event.at, "When.")
    resource: Resource | None = edge(
        lambda loaders: loaders.resource_by_id,
        key=lambda told: told.event.subject_id,
        description="The resource as it is now; null once it is gone.",
    )
