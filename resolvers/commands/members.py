"""What is done to members: instances behind a load balancer of the same Cloud, each on a port."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, exists, literal_column, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table, uuid7
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_all, lock_resource
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import check_range
from resolvers.commands.resources import (
    Place,
    add_row,
    change_resource,
    change_row,
    delete_row,
    in_place,
    key_of,
    observed,
)
from resolvers.commands.submission import Change
from resolvers.tables import LoadBalancerMember, MemberState, Operation, OperationStatus, ResourceType
from resolvers.transaction import Transaction

MOST_MEMBERS: Final = 100
"""How many members a load balancer can be created with."""

MEMBER, OPERATION = table(LoadBalancerMember), table(Operation)
_FIND: Final = Statement(select(MEMBER.c.resource_id, MEMBER.c.instance_id).where(*in_place(MEMBER)))
_LOCK: Final = Statement(select(MEMBER.c.id).where(*in_place(MEMBER)).with_for_update())
_BEHIND: Final = Statement(
    select(MEMBER.c.instance_id).where(
        MEMBER.c.organization_id == bindparam("organization_id"),
        MEMBER.c.cloud_id == bindparam("cloud_id"),
        MEMBER.c.resource_id == bindparam("id"),
    )
)
_IS_MEMBER: Final = Statement(
    select(
        exists().where(
            MEMBER.c.organization_id == bindparam("organization_id"),
            MEMBER.c.resource_id == bindparam("resource_id"),
            MEMBER.c.instance_id == bindparam("instance_id"),
            MEMBER.c.port == bindparam("port"),
        )
    )
)
_LEAVING: Final = Statement(
    select(OPERATION.c.resource_id).where(
        OPERATION.c.organization_id == bindparam("organization_id"),
        OPERATION.c.resource_id == any_(bindparam("ids", type_=ARRAY(Uuid()))),
        OPERATION.c.status == literal_column(f"'{OperationStatus.IN_PROGRESS.value}'"),
        OPERATION.c.action == literal_column(f"'{Action.DELETE_INSTANCE.value}'"),
    )
)


class NewMember(NamedTuple):
    """A member that is asked for."""

    instance_id: UUID
    port: int

    def parameters(self) -> Mapping[str, Any]:
        """Say what a driver is to add."""
        return {"instanceId": str(self.instance_id), "port": self.port}


def check_members(members: Sequence[NewMember]) -> list[UserError]:
    """Check the members that a load balancer is to be created with."""
    if len(members) > MOST_MEMBERS:
        message = f"A load balancer is created with at most {MOST_MEMBERS} members."
        return [UserError(message, UserErrorCode.INVALID_VALUE, ("members",))]
    found = []
    for index, member in enumerate(members):
        found += check_port(member.port, ("members", str(index), "port"))
        if member in members[:index]:
            message = "It is a member once on each port."
            found.append(UserError(message, UserErrorCode.INVALID_VALUE, ("members", str(index))))
    return found


def check_port(port: int, field: tuple[str, ...] = ("port",)) -> list[UserError]:
    """Check a port."""
    return check_range(port, 1, 65535, field)


async def instances_for(
    transaction: Transaction, grant: Grant, wanted: Mapping[tuple[str, ...], UUID]
) -> Mapping[UUID, Any]:
    """Lock the instances that are to be members, and give them by their ids; `wanted` by the fields that name them.

    Raises:
        Refused: one is not in the Cloud, or is being deleted.
    """
    locked = await lock_all(transaction, grant, set(wanted.values()))
    instances = {key: row for key, row in locked.items() if row["type"] == ResourceType.INSTANCE}
    values = {"organization_id": grant.organization_id, "ids": list(instances)}
    leaving = {key for (key,) in await transaction.fetch(_LEAVING, values)} if instances else set()
    wrong = []
    for field, instance_id in wanted.items():
        if instance_id not in instances:
            message = "The instance does not exist in this Cloud, or you do not see it."
            wrong.append(UserError(message, UserErrorCode.NOT_FOUND, field))
        elif instance_id in leaving:
            message = "The instance is being deleted."
            wrong.append(UserError(message, UserErrorCode.OPERATION_IN_PROGRESS, field))
    if wrong:
        raise Refused(*wrong)
    return instances


async def add_members(
    transaction: Transaction,
    grant: Grant,
    load_balancer_id: UUID,
    members: Sequence[NewMember],
    instances: Mapping[UUID, Any],
) -> list[UUID]:
    """Add members to a load balancer, of instances that are locked."""
    rows = [
        LoadBalancerMember(
            organization_id=grant.organization_id,
            cloud_id=grant.cloud_id,
            id=uuid7(),
            resource_id=load_balancer_id,
            instance_id=instance_id,
            port=port,
            state=MemberState.ENABLED,
            status=observed(MemberState.ENABLED, instances[instance_id]["status"]),
        )
        for instance_id, port in members
    ]
    for row in rows:
        await add_row(transaction, row)
    return [row.id for row in rows]


async def lock_with_instances(transaction: Transaction, place: Place, load_balancer_id: UUID) -> None:
    """Lock a load balancer that an operation is at work on, and the instances behind it, before all members go at once.

    Whoever changes the status of an instance changes its members afterwards: where it is behind the load balancer
    twice, both would have several of the same members to lock, each in an order of its own.
    """
    behind = await transaction.fetch(_BEHIND, key_of(place, load_balancer_id))
    await lock_all(transaction, place, {load_balancer_id, *(instance_id for (instance_id,) in behind)})


def add_member_lb(load_balancer_id: UUID, member: NewMember, expected_revision: int | None) -> Change:
    """Put an instance behind a load balancer of its Cloud, on a port that it is not a member with."""
    return partial(_add, load_balancer_id, member, expected_revision)


async def _add(
    load_balancer_id: UUID,
    member: NewMember,
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    await lock_all(transaction, grant, (load_balancer_id, member.instance_id))
    load_balancer = await lock_resource(transaction, grant, load_balancer_id, expected_revision)
    instances = await instances_for(transaction, grant, {("instanceId",): member.instance_id})
    key = {"organization_id": grant.organization_id, "resource_id": load_balancer_id}
    if (await transaction.fetch(_IS_MEMBER, {**key, **member._asdict()}))[0][0]:
        message = "The instance is a member on this port already."
        raise Refused(UserError(message, UserErrorCode.UNCHANGED, ("instanceId",)))
    (member_id,) = await add_members(transaction, grant, load_balancer_id, (member,), instances)
    await change_resource(transaction, grant, load_balancer_id, now)
    return Changed([Step("Add the member")], load_balancer, subject_id=member_id, parameters=member.parameters())


async def _taken_out(transaction: Transaction, work: Work) -> None:
    await change_resource(transaction, work, work.resource, work.now)
    await delete_row(transaction, work, LoadBalancerMember, work.subject)


takes_effect(Action.ADD_MEMBER_LB, failed=_taken_out, said="Added.")


def delete_member_lb(member_id: UUID, expected_revision: int | None) -> Change:
    """Take a member from a load balancer."""
    return partial(_delete, member_id, expected_revision)


async def _delete(
    member_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    load_balancer = await _lock_member(transaction, grant, member_id, expected_revision)
    return Changed([Step("Take the member out")], load_balancer, subject_id=member_id)


takes_effect(Action.DELETE_MEMBER_LB, done=_taken_out, said="Taken out.")


def update_member_state(member_id: UUID, state: MemberState, expected_revision: int | None) -> Change:
    """Set the state of a member; what is observed of it follows."""
    return partial(_update, member_id, state, expected_revision)


async def _update(
    member_id: UUID,
    state: MemberState,
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    load_balancer = await _lock_member(transaction, grant, member_id, expected_revision)
    step = Step("Set the state of the member")
    return Changed([step], load_balancer, subject_id=member_id, parameters={"state": state.value})


async def _updated(transaction: Transaction, work: Work) -> None:
    found = await transaction.fetch(_FIND, key_of(work, work.subject))
    if not found:
        return
    load_balancer_id, instance_id = found[0]
    # Until this is committed, the instance has the status that is looked at here.
    instance = (await lock_all(transaction, work, (load_balancer_id, instance_id)))[instance_id]
    state = MemberState(work.parameters["state"])
    status = observed(state, instance["status"])
    await change_resource(transaction, work, load_balancer_id, work.now)
    await change_row(transaction, work, LoadBalancerMember, work.subject, state=state.value, status=status.value)


takes_effect(Action.UPDATE_MEMBER_STATE, done=_updated, said="Set.")


async def _lock_member(transaction: Transaction, grant: Grant, member_id: UUID, expected_revision: int | None) -> Any:
    """Lock a member, and its load balancer before it, which is given."""
    key = key_of(grant, member_id)
    found = await transaction.fetch(_FIND, key)
    if not found:
        raise NotFound(grant.privilege.target)
    load_balancer = await lock_resource(transaction, grant, found[0]["resource_id"], expected_revision)
    if not await transaction.fetch(_LOCK, key):
        raise NotFound(grant.privilege.target)
    return load_balancer
