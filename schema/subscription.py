"""What can be subscribed to, and which events each subscription makes something of.

A `Stream` is one subscription of one caller: it says which events it wants, and what each of them means to the caller
as they are when it is told. It never waits and holds nothing of a caller's: each call is given one that was read anew.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import strawberry
from strawberry import ID, UNSET
from strawberry.types.arguments import convert_argument

from auth.errors import NotFound
from resolvers.context import Caller
from resolvers.events import EventKind, EventRow, Wanted
from resolvers.reads.pages import PageQuery
from resolvers.reads.predicates import All, In, Predicate
from resolvers.reads.sources import ALL_RESOURCES
from resolvers.tables import OperationStatus
from schema.edge import Info
from schema.events import ChangeKind, Event, EventTold, ResourceChange
from schema.filters import ResourceFilter
from schema.ids import key_of
from schema.operations import Operation

MOST_REMEMBERED = 10_000
"""Of how many resources a subscription remembers that the filter does not keep them."""
CHANGES = (EventKind.RESOURCE_CREATED.value, EventKind.RESOURCE_UPDATED.value, EventKind.RESOURCE_DELETED.value)

AfterCursor = Annotated[
    str | None,
    strawberry.argument(description="The cursor of what you were told last; from now on if absent."),
]


class Told(NamedTuple):
    """What the root field is given for one event; after the last one the subscription is complete."""

    value: Any
    is_last: bool = False


class Stream(ABC):
    """One subscription of one caller."""

    wanted: Wanted = Wanted()
    after: str | None = None

    async def begin(self, caller: Caller) -> Told | None:
        """Say what is told at once, without an event."""
        return None

    @abstractmethod
    async def tell(self, caller: Caller, event: EventRow, cursor: str) -> Told | None:
        """Say what an event means to the caller; None: nothing."""


class EventStream(Stream):
    """All events."""

    def __init__(self, after: str | None) -> None:
        self.after = after

    async def tell(self, caller: Caller, event: EventRow, cursor: str) -> Told:
        """Tell of every event."""
        return Told(EventTold(event, cursor))


class OperationStream(Stream):
    """One operation until it ends."""

    def __init__(self, id: str) -> None:  # noqa: A002 - the argument's public name
        self._key = key_of(id, "Operation", argument="id")
        self.wanted = Wanted((EventKind.OPERATION_UPDATED.value,), self._key)

    async def begin(self, caller: Caller) -> Told:
        """Tell how it stands; raises NotFound if the caller does not see it."""
        told = await self._now(caller)
        if told is None:
            raise NotFound("Operation")
        return told

    async def tell(self, caller: Caller, event: EventRow, cursor: str) -> Told | None:
        """Tell how it stands now."""
        return await self._now(caller)

    async def _now(self, caller: Caller) -> Told | None:
        operation = None if self._key is None else await caller.loaders.operation_by_id.load(self._key)
        if operation is None:
            return None
        return Told(operation, is_last=operation.status != OperationStatus.IN_PROGRESS)


class ResourceStream(Stream):
    """Changes of the resources that a filter keeps, or of all."""

    wanted = Wanted(CHANGES)

    def __init__(self, where: Predicate | None, after: str | None) -> None:
        self._where = where
        self.after = after
        self._not_kept: OrderedDict[UUID, None] = OrderedDict()

    async def tell(self, caller: Caller, event: EventRow, cursor: str) -> Told | None:
        """Tell of a change, as the resource is now: one that is gone is told of by the event of its end."""
        change = await self._change(caller, event)
        return None if change is None else Told(EventTold(event, cursor, change))

    async def _change(self, caller: Caller, event: EventRow) -> ChangeKind | None:
        key, was_told = event.subject_id, event.subject_id in self._not_kept
        if event.kind == EventKind.RESOURCE_DELETED:
            self._not_kept.pop(key, None)
            return None if was_told else ChangeKind.DELETED
        if await caller.loaders.resource_by_id.load(key) is None:
            return None
        is_new = event.kind == EventKind.RESOURCE_CREATED
        if await self._keeps(caller, key):
            self._not_kept.pop(key, None)
            return ChangeKind.CREATED if is_new else ChangeKind.UPDATED
        self._not_kept[key] = None
        self._not_kept.move_to_end(key)
        if len(self._not_kept) > MOST_REMEMBERED:
            self._not_kept.popitem(last=False)
        return None if was_told or is_new else ChangeKind.LEFT_FILTER

    async def _keeps(self, caller: Caller, key: UUID) -> bool:
        if self._where is None:
            return True
        query = PageQuery(All((In("id", (key,)), self._where)), (), 1)
        page = await caller.loaders.page_by_list(ALL_RESOURCES).load((None, query))
        return bool(page.rows)


class Streams:
    """Makes streams of what subscriptions of a schema ask for."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema: Any = schema

    def __call__(self, field: str, arguments: Mapping[str, Any]) -> Stream:
        """Make the stream of a subscription's root field; raises BadUserInput."""
        after = arguments.get("after")
        if field == "operationUpdated":
            return OperationStream(arguments["id"])
        if field == "resourceChanged":
            return ResourceStream(self._where(arguments.get("filter")), after)
        if field == "events":
            return EventStream(after)
        raise TypeError(f"Nothing says which events `{field}` wants.")

    def _where(self, values: Mapping[str, Any] | None) -> Predicate | None:
        if values is None:
            return None
        filter_: Any = convert_argument(
            values,
            ResourceFilter,
            scalar_registry=self._schema.schema_converter.scalar_registry,
            config=self._schema.config,
        )
        where: Predicate = filter_.predicate()
        return where


def _operation_updated(
    root: Any,
    info: Info,
    id: Annotated[ID, strawberry.argument(description="Its id.")],  # noqa: A002
) -> Any:
    return root


def _resource_changed(
    root: Any,
    info: Info,
    filter: Annotated[  # noqa: A002 - the argument's public name
        ResourceFilter | None, strawberry.argument(description="Which resources; all if absent.")
    ] = UNSET,
    after: AfterCursor = UNSET,
) -> Any:
    return root


def _events(root: Any, info: Info, after: AfterCursor = UNSET) -> Any:
    return root


@strawberry.type(
    description="What can be followed as it happens, over WebSocket (graphql-transport-ws) or as text/event-stream."
)
class Subscription:
    """What can be followed as it happens."""

    operation_updated: Operation = strawberry.field(
        resolver=_operation_updated,
        description="An operation as it stands, at once and whenever it changes; complete when it has ended.",
    )
    resource_changed: ResourceChange = strawberry.field(
        resolver=_resource_changed, description="Changes of the resources that the caller sees, those of a filter."
    )
    events: Event = strawberry.field(
        resolver=_events, description="All that happens in the Clouds and organizations whose content the caller sees."
    )
