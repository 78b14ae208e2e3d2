"""What is done to instances."""

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update

from auth.decisions import Grant
from auth.statements import Statement
from auth.tables import TIMESTAMP, table
from resolvers.commands.locking import RESOURCE, lock_resource
from resolvers.commands.outcome import Changed, Refused, UserError, UserErrorCode
from resolvers.commands.submission import Change
from resolvers.tables import LoadBalancerMember, ResourceStatus
from resolvers.transaction import Transaction

MEMBER: Final = table(LoadBalancerMember)
_KEY: Final = (RESOURCE.c.organization_id == bindparam("organization_id"), RESOURCE.c.id == bindparam("id"))
_SET_STATUS: Final = Statement(
    update(RESOURCE)
    .where(*_KEY)
    .values(
        status=bindparam("status"),
        revision=RESOURCE.c.revision + 1,
        updated_at=func.greatest(RESOURCE.c.updated_at, bindparam("now", type_=TIMESTAMP)),
    )
    .returning(RESOURCE.c.id)
)
_DELETE: Final = Statement(delete(RESOURCE).where(*_KEY).returning(RESOURCE.c.id))
_MEMBERSHIPS: Final = Statement(
    select(func.count())
    .select_from(MEMBER)
    .where(MEMBER.c.organization_id == bindparam("organization_id"), MEMBER.c.instance_id == bindparam("id"))
)


def start_instance(instance_id: UUID, expected_revision: int | None) -> Change:
    """Start an instance that is inactive."""
    return partial(_start, instance_id, expected_revision)


def delete_instance(instance_id: UUID, expected_revision: int | None) -> Change:
    """Delete an inactive instance that is behind no load balancer; its snapshots and aliases go with it."""
    return partial(_delete, instance_id, expected_revision)


async def _start(
    instance_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    instance = await lock_resource(transaction, grant, instance_id, expected_revision)
    values = {
        "organization_id": grant.organization_id,
        "id": instance_id,
        "status": ResourceStatus.ACTIVE.value,
        "now": now,
    }
    await transaction.fetch(_SET_STATUS, values)
    return Changed("Started.", instance, instance_id)


async def _delete(
    instance_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    instance = await lock_resource(transaction, grant, instance_id, expected_revision)
    key = {"organization_id": grant.organization_id, "id": instance_id}
    members = (await transaction.fetch(_MEMBERSHIPS, key))[0][0]
    if members:
        message = f"It is behind load balancers, {members} times: take it from them first."
        raise Refused(UserError(message, UserErrorCode.IN_USE))
    await transaction.fetch(_DELETE, key)
    return Changed("Deleted.", instance, instance_id)
