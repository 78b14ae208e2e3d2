"""The resource that a command is about, locked until the command is committed, and what holds for all commands."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.statements import Statement
from auth.tables import table
from resolvers.commands.availability import AVAILABLE
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.tables import Operation, OperationStatus, Resource
from resolvers.transaction import Transaction

RESOURCE, OPERATION = table(Resource), table(Operation)
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
    if expected_revision is not None and resource["revision"] != expected_revision:
        message = f"It is at revision {resource['revision']}, not {expected_revision}: read it again."
        raise Refused(UserError(message, UserErrorCode.WRONG_REVISION, ("expectedRevision",)))
    if (await transaction.fetch(_BUSY, values))[0][0]:
        raise Refused(BUSY)
    statuses = AVAILABLE.get(grant.privilege.action)
    if statuses is not None and resource["status"] not in statuses:
        which = " or ".join(sorted(statuses))
        raise Refused(
            UserError(f"It is {resource['status']}; for this it must be {which}.", UserErrorCode.WRONG_STATUS)
        )
    return resource
