"""What is done to instances."""

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, func, select

from auth.decisions import Grant
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.resources import delete_resource, key_of, set_status
from resolvers.commands.submission import Change
from resolvers.tables import LoadBalancerMember, ResourceStatus
from resolvers.transaction import Transaction

MEMBER: Final = table(LoadBalancerMember)
_MEMBERSHIPS: Final = Statement(
    select(func.count())
    .select_from(MEMBER)
    .where(MEMBER.c.organization_id == bindparam("organization_id"), MEMBER.c.instance_id == bindparam("id"))
)


def start_instance(instance_id: UUID, expected_revision: int | None) -> Change:
    """Start an instance that is inactive."""
    return partial(_start, instance_id, expected_revision)


async def _start(
    instance_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    instance = await lock_resource(transaction, grant, instance_id, expected_revision)
    return Changed([Step("Start the instance")], instance)


async def _started(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.ACTIVE, work.now)


takes_effect(Action.START_INSTANCE, done=_started, said="Started.")


def delete_instance(instance_id: UUID, expected_revision: int | None) -> Change:
    """Delete an inactive instance that is behind no load balancer; its snapshots and aliases go with it."""
    return partial(_delete, instance_id, expected_revision)


async def _delete(
    instance_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    instance = await lock_resource(transaction, grant, instance_id, expected_revision)
    members = (await transaction.fetch(_MEMBERSHIPS, key_of(grant, instance_id)))[0][0]
    if members:
        message = f"It is behind load balancers, {members} times: take it from them first."
        raise Refused(UserError(message, UserErrorCode.IN_USE))
    await set_status(transaction, grant, instance_id, ResourceStatus.PREPARATION, now)
    return Changed([Step("Delete the instance")], instance)


async def _deleted(transaction: Transaction, work: Work) -> None:
    await delete_resource(transaction, work, work.resource)


async def _kept(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.INACTIVE, work.now)


takes_effect(Action.DELETE_INSTANCE, done=_deleted, failed=_kept, said="Deleted.")
