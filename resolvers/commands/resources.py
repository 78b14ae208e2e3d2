"""Writing resources: every change of one counts its revision, and is told of.

A `Place` says in which Cloud: a grant, where a command is submitted, or the work of an operation, later.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Table, bindparam, case, delete, func, insert, update

from auth.statements import Statement
from auth.tables import TIMESTAMP, table
from resolvers.events import Event, EventKind
from resolvers.tables import LoadBalancerMember, MemberState, MemberStatus, Resource, ResourceStatus, ResourceType
from resolvers.transaction import Transaction

RESOURCE: Final = table(Resource)
MEMBER: Final = table(LoadBalancerMember)
_TOLD: Final = (RESOURCE.c.type, RESOURCE.c.revision)


class Place(Protocol):
    """Where something is."""

    @property
    def organization_id(self) -> UUID:
        """The organization."""
        ...

    @property
    def cloud_id(self) -> UUID:
        """The Cloud."""
        ...


class InCloud(NamedTuple):
    """A place that is no more than that."""

    organization_id: UUID
    cloud_id: UUID


def key_of(place: Place, id_: UUID) -> dict[str, Any]:
    """Give the values by which a row is found, and found in this Cloud only."""
    return {"organization_id": place.organization_id, "cloud_id": place.cloud_id, "id": id_}


def in_place(of: Table) -> tuple[Any, ...]:
    """Give the conditions for which `key_of` has the values."""
    return (
        of.c.organization_id == bindparam("organization_id"),
        of.c.cloud_id == bindparam("cloud_id"),
        of.c.id == bindparam("id"),
    )


@cache
def _updating(names: tuple[str, ...]) -> Statement:
    return Statement(
        update(RESOURCE)
        .where(*in_place(RESOURCE))
        .values(
            revision=RESOURCE.c.revision + 1,
            updated_at=func.greatest(RESOURCE.c.updated_at, bindparam("now", type_=TIMESTAMP)),
            **{name: bindparam(f"new_{name}", type_=RESOURCE.c[name].type) for name in names},
        )
        .returning(*_TOLD)
    )


@cache
def inserting(of: Table) -> Statement:
    """Give the statement that inserts a row of a table, all of its columns."""
    values = {column.name: bindparam(column.name, type_=column.type) for column in of.c}
    return Statement(insert(of).values(values).returning(*of.primary_key.columns))


_DELETE: Final = Statement(delete(RESOURCE).where(*in_place(RESOURCE)).returning(*_TOLD))


def told(place: Place, kind: EventKind, type_name: str, id_: UUID, **payload: Any) -> Event:
    """Make the event of something in a Cloud."""
    return Event(place.organization_id, place.cloud_id, kind, type_name, id_, payload)


async def change_resource(transaction: Transaction, place: Place, id_: UUID, now: datetime, **values: Any) -> None:
    """Change columns of a resource, or only count a change of what hangs on it; nothing if it has gone."""
    new = {f"new_{name}": value for name, value in values.items()}
    changed = await transaction.fetch(_updating(tuple(values)), {**key_of(place, id_), "now": now, **new})
    for type_, revision in changed:
        transaction.events.append(
            told(place, EventKind.RESOURCE_UPDATED, ResourceType(type_).type_name, id_, revision=revision)
        )


def observed(state: str, status: str) -> MemberStatus:
    """Tell what is observed of a member, by what operators set on it and by the status of its instance.

    Of one that operators took out it is that they did, whatever its instance does; others are up as long as the
    instance is active.
    """
    if state != MemberState.ENABLED:
        return MemberStatus.USER_DOWN
    return MemberStatus.UP if status == ResourceStatus.ACTIVE else MemberStatus.DOWN


@cache
def _observing(status: str) -> Statement:
    follows = case(
        {state.value: observed(state, status).value for state in MemberState},
        value=MEMBER.c.state,
        else_=MEMBER.c.status,
    )
    return Statement(
        update(MEMBER)
        .where(
            MEMBER.c.organization_id == bindparam("organization_id"),
            MEMBER.c.cloud_id == bindparam("cloud_id"),
            MEMBER.c.instance_id == bindparam("id"),
            MEMBER.c.status != follows,
        )
        .values(status=follows)
        .returning(MEMBER.c.id)
    )


async def set_status(
    transaction: Transaction, place: Place, id_: UUID, status: ResourceStatus | str, now: datetime
) -> None:
    """Set the status of a resource; what load balancers observe of it, if it is an instance, follows."""
    await change_resource(transaction, place, id_, now, status=str(status))
    for (member_id,) in await transaction.fetch(_observing(str(status)), key_of(place, id_)):
        transaction.events.append(told(place, EventKind.UPDATED, "LoadBalancerMember", member_id))


async def add_resource(transaction: Transaction, resource: Resource, detail: Any) -> Any:
    """Add a resource with its detail row, in the place that it says; gives its `id`, `name` and `type`.

    Raises:
        asyncpg.UniqueViolationError: its name is taken in its Service.
    """
    row = resource.model_dump()
    await transaction.fetch(inserting(RESOURCE), row)
    await transaction.fetch(inserting(table(type(detail))), detail.model_dump())
    transaction.events.append(
        told(resource, EventKind.RESOURCE_CREATED, ResourceType(resource.type).type_name, resource.id, revision=1)
    )
    return row


async def delete_resource(transaction: Transaction, place: Place, id_: UUID) -> None:
    """Delete a resource with all that hangs on it; nothing if it has gone."""
    for type_, revision in await transaction.fetch(_DELETE, key_of(place, id_)):
        transaction.events.append(
            told(place, EventKind.RESOURCE_DELETED, ResourceType(type_).type_name, id_, revision=revision)
        )


async def add_row(transaction: Transaction, row: Any) -> None:
    """Add a row of something that is named in the graph as its model is, in the place that it says."""
    values: Mapping[str, Any] = row.model_dump()
    await transaction.fetch(inserting(table(type(row))), values)
    transaction.events.append(told(row, EventKind.CREATED, type(row).__name__, row.id))


@cache
def _changing(of: Table, names: tuple[str, ...]) -> Statement:
    new: dict[str, Any] = {name: bindparam(f"new_{name}", type_=of.c[name].type) for name in names}
    if "revision" in of.c:
        new["revision"] = of.c.revision + 1
    return Statement(update(of).where(*in_place(of)).values(new).returning(of.c.id))


@cache
def _deleting(of: Table) -> Statement:
    return Statement(delete(of).where(*in_place(of)).returning(of.c.id))


async def change_row(transaction: Transaction, place: Place, model: Any, id_: UUID, **values: Any) -> None:
    """Change columns of a row of a model, which is named in the graph as the model is; nothing if it has gone.

    The change counts the revision of a row that has one.
    """
    new = {f"new_{name}": value for name, value in values.items()}
    if await transaction.fetch(_changing(table(model), tuple(values)), {**key_of(place, id_), **new}):
        transaction.events.append(told(place, EventKind.UPDATED, model.__name__, id_))


async def delete_row(transaction: Transaction, place: Place, model: Any, id_: UUID) -> None:
    """Delete a row of a model, which is named in the graph as the model is; nothing if it has gone."""
    if await transaction.fetch(_deleting(table(model)), key_of(place, id_)):
        transaction.events.append(told(place, EventKind.DELETED, model.__name__, id_))
