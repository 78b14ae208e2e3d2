"""The resource that a command is about, locked until the command is committed, and what holds for all commands."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, and_, any_, bindparam, exists, func, literal_column, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.statements import Statement
from auth.tables import table
from resolvers.commands.availability import AVAILABLE
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.commands.resources import Place, in_place, key_of
from resolvers.tables import Operation, OperationStatus, Resource, Service
from resolvers.transaction import Transaction

RESOURCE, OPERATION, SERVICE = table(Resource), table(Operation), table(Service)
BUSY: Final = UserError("Another operation is at work on it.", UserErrorCode.OPERATION_IN_PROGRESS)
_LOCK: Final = Statement(
    select(RESOURCE.c.id, RESOURCE.c.name, RESOURCE.c.type, RESOURCE.c.status, RESOURCE.c.revision)
    .where(
        and_(
            RESOURCE.c.organization_id == bindparam("organization_id"),
            RESOURCE.c.cloud_id == bindparam("cloud_id"),
            RESOURCE.c.id == bindparam("id"),
        )
    )
    .with_for_update()
)
_BUSY: Final = Statement(
    select(
        exists().where(
            OPERATION.c.organization_id == bindparam("organization_id"),
            OPERATION.c.resource_id == bindparam("id"),
            OPERATION.c.status == OperationStatus.IN_PROGRESS.value,
        )
    )
)
# As `uq_operation_open` has it, which holds that there is one at most.
_OPEN: Final = Statement(
    select(
        exists().where(
            OPERATION.c.organization_id == bindparam("organization_id"),
            func.coalesce(OPERATION.c.resource_id, OPERATION.c.subject_id) == bindparam("id"),
            OPERATION.c.status == literal_column(f"'{OperationStatus.IN_PROGRESS.value}'"),
        )
    )
)
_LOCK_ALL: Final = Statement(
    select(RESOURCE.c.id, RESOURCE.c.type, RESOURCE.c.status)
    .where(
        and_(
            RESOURCE.c.organization_id == bindparam("organization_id"),
            RESOURCE.c.cloud_id == bindparam("cloud_id"),
            RESOURCE.c.id == any_(bindparam("ids", type_=ARRAY(Uuid()))),
        )
    )
    .order_by(RESOURCE.c.id)
    .with_for_update()
)
_TAKE_SERVICE: Final = Statement(
    # Not in the way of whoever creates a resource in it.
    select(SERVICE.c.id).where(*in_place(SERVICE)).with_for_update(key_share=True)
)


async def lock_resource(
    transaction: Transaction, grant: Grant, resource_id: UUID, expected_revision: int | None
) -> Any:
    """Lock the resource of a command: `id`, `name`, `type`, `status`, `revision`, as they are until it is committed.

    Raises:
        NotFound: it has gone.
        Refused: the action cannot be run on it now.
    """
    values = {"organization_id": grant.organization_id, "cloud_id": grant.cloud_id, "id": resource_id}
    found = await transaction.fetch(_LOCK, values)
    if not found:
        raise NotFound(grant.privilege.target)
    (resource,) = found
    require_revision(resource, expected_revision)
    if (await transaction.fetch(_BUSY, values))[0][0]:
        raise Refused(BUSY)
    statuses = AVAILABLE.get(grant.privilege.action)
    if statuses is not None and resource["status"] not in statuses:
        which = " or ".join(sorted(statuses))
        raise Refused(
            UserError(f"It is {resource['status']}; for this it must be {which}.", UserErrorCode.WRONG_STATUS)
        )
    return resource


def require_revision(row: Any, expected_revision: int | None) -> None:
    """Refuse if a row, which is locked, has another `revision` than is expected of it."""
    if expected_revision is not None and row["revision"] != expected_revision:
        message = f"It is at revision {row['revision']}, not {expected_revision}: read it again."
        raise Refused(UserError(message, UserErrorCode.WRONG_REVISION, ("expectedRevision",)))


async def lock_all(transaction: Transaction, place: Place, ids: Iterable[UUID]) -> Mapping[UUID, Any]:
    """Lock several resources of a Cloud: `id`, `type` and `status` by id, of those that are there.

    In the order of their ids, so that two commands that lock some of the same ones do not wait for each other in a
    circle: a command that takes several takes them here, before `lock_resource` checks the one that it is about.
    """
    values = {"organization_id": place.organization_id, "cloud_id": place.cloud_id, "ids": list(ids)}
    return {row["id"]: row for row in await transaction.fetch(_LOCK_ALL, values)}


async def take_service(transaction: Transaction, grant: Grant, service_id: UUID) -> None:
    """Have a Service to oneself, among commands that add to it what is no resource; raises NotFound if it has gone."""
    if not await transaction.fetch(_TAKE_SERVICE, key_of(grant, service_id)):
        raise NotFound(grant.privilege.target)


async def require_idle(transaction: Transaction, place: Place, subject_id: UUID) -> None:
    """Refuse if an operation is at work on something that is no resource, such as an indicator.

    Whoever calls has locked it, or what it belongs to.
    """
    if (await transaction.fetch(_OPEN, {"organization_id": place.organization_id, "id": subject_id}))[0][0]:
        raise Refused(BUSY)
