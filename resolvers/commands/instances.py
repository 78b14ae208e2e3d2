"""What is done to instances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from auth.decisions import Grant
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import (
    Wrong,
    check_name,
    check_range,
    check_tags,
    create_resource,
    known_environment,
    lock_service,
    open_zone,
)
from resolvers.commands.resources import delete_resource, key_of, set_status
from resolvers.commands.submission import Change
from resolvers.reference import OS_TYPES
from resolvers.tables import (
    Instance,
    LoadBalancerMember,
    Resource,
    ResourceStatus,
    ResourceType,
)
from resolvers.transaction import Transaction

CPU: Final = (1, 128)
RAM_GB: Final = (1, 4096)
DISK_GB: Final = (0, 65_536)
"""The least and the most of an instance; without a disk of its own, it starts from the network."""

INSTANCE, MEMBER = table(Instance), table(LoadBalancerMember)
_OF_INSTANCE: Final = (
    INSTANCE.c.organization_id == bindparam("organization_id"),
    INSTANCE.c.cloud_id == bindparam("cloud_id"),
    INSTANCE.c.resource_id == bindparam("id"),
)
_SIZE: Final = Statement(select(INSTANCE.c.cpu, INSTANCE.c.ram_gb).where(*_OF_INSTANCE))
_RESIZE: Final = Statement(
    update(INSTANCE)
    .where(*_OF_INSTANCE)
    .values(cpu=bindparam("new_cpu"), ram_gb=bindparam("new_ram_gb"))
    .returning(INSTANCE.c.resource_id)
)
_MEMBERSHIPS: Final = Statement(
    select(func.count())
    .select_from(MEMBER)
    .where(MEMBER.c.organization_id == bindparam("organization_id"), MEMBER.c.instance_id == bindparam("id"))
)


# -- create


@dataclass(frozen=True, slots=True)
class NewInstance:
    """An instance to be."""

    name: str
    family: str
    cpu: int
    ram_gb: int
    disk_gb: int
    availability_zone: str
    environment: str
    tags: Sequence[tuple[str, str]]
    monitoring_enabled: bool
    on_call: bool

    def check(self) -> list[UserError]:
        """Check what can be checked of it by itself."""
        found = check_name(self.name)
        if self.family not in OS_TYPES:
            message = f"The family of the operating system is one of {', '.join(OS_TYPES)}."
            found.append(UserError(message, UserErrorCode.INVALID_VALUE, ("family",)))
        found += check_size(self.cpu, self.ram_gb)
        found += check_range(self.disk_gb, *DISK_GB, ("diskGb",), "GB")
        found += check_tags(self.tags)
        if self.on_call and not self.monitoring_enabled:
            message = "Nobody is called for what is not monitored."
            found.append(UserError(message, UserErrorCode.INVALID_VALUE, ("onCall",)))
        return found

    def parameters(self) -> Mapping[str, Any]:
        """Say what a driver is to make."""
        return {
            "name": self.name,
            "family": self.family,
            "cpu": self.cpu,
            "ramGb": self.ram_gb,
            "diskGb": self.disk_gb,
            "availabilityZone": self.availability_zone,
            "environment": self.environment,
            "tags": dict(self.tags),
            "monitoringEnabled": self.monitoring_enabled,
            "onCall": self.on_call,
        }


def check_size(cpu: int, ram_gb: int) -> list[UserError]:
    """Check the size of an instance."""
    return [*check_range(cpu, *CPU, ("cpu",)), *check_range(ram_gb, *RAM_GB, ("ramGb",), "GB")]


def create_instance(service_id: UUID, new: NewInstance, by: str) -> Change:
    """Create an instance in a Service."""
    return partial(_create, service_id, new, by)


async def _create(
    service_id: UUID, new: NewInstance, by: str, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    wrong = Wrong()
    with wrong:
        await lock_service(transaction, grant, service_id, new.name)
    with wrong:
        zone = await open_zone(transaction, grant, new.availability_zone)
    with wrong:
        await known_environment(transaction, new.environment)
    wrong.refuse()
    resource = Resource(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        service_id=service_id,
        type=ResourceType.INSTANCE,
        name=new.name,
        status=ResourceStatus.PREPARATION,
        environment=new.environment,
        tags=dict(new.tags),
        availability_zones=[zone.code],
        data_centers=[zone.data_center],
        monitoring_enabled=new.monitoring_enabled,
        on_call=new.on_call,
        created_by=by,
        created_at=now,
        updated_at=now,
    )
    detail = Instance(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        resource_id=resource.id,
        family=new.family,
        os_type=OS_TYPES[new.family],
        cpu=new.cpu,
        ram_gb=new.ram_gb,
        disk_gb=new.disk_gb,
    )
    row = await create_resource(transaction, resource, detail)
    return Changed([Step("Create the instance")], row, parameters=new.parameters())


async def _active(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.ACTIVE, work.now)


async def _inactive(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.INACTIVE, work.now)


takes_effect(Action.CREATE_INSTANCE, done=_active, failed=_inactive, said="Created.")


# -- start, stop, reset


def start_instance(instance_id: UUID, expected_revision: int | None) -> Change:
    """Start an instance that is inactive; the load balancers see that it is up."""
    return partial(_ask_for, "Start the instance", instance_id, expected_revision)


def stop_instance(instance_id: UUID, expected_revision: int | None) -> Change:
    """Stop an active instance; the load balancers see that it is down."""
    return partial(_ask_for, "Stop the instance", instance_id, expected_revision)


def reset_instance(instance_id: UUID, expected_revision: int | None) -> Change:
    """Reboot an active instance the hard way; it is active all the while."""
    return partial(_ask_for, "Reboot the instance", instance_id, expected_revision)


async def _ask_for(
    step: str,
    instance_id: UUID,
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    return Changed([Step(step)], await lock_resource(transaction, grant, instance_id, expected_revision))


takes_effect(Action.START_INSTANCE, done=_active, said="Started.")
takes_effect(Action.STOP_INSTANCE, done=_inactive, said="Stopped.")
takes_effect(Action.RESET_INSTANCE, said="Rebooted.")


# -- resize


def resize_instance(instance_id: UUID, cpu: int, ram_gb: int, expected_revision: int | None) -> Change:
    """Change the CPU and RAM of an instance; it is in preparation meanwhile."""
    return partial(_resize, instance_id, cpu, ram_gb, expected_revision)


async def _resize(
    instance_id: UUID,
    cpu: int,
    ram_gb: int,
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    instance = await lock_resource(transaction, grant, instance_id, expected_revision)
    (size,) = await transaction.fetch(_SIZE, key_of(grant, instance_id))
    if tuple(size) == (cpu, ram_gb):
        raise Refused(UserError(f"It has {cpu} CPUs and {ram_gb} GB of RAM already.", UserErrorCode.UNCHANGED))
    await set_status(transaction, grant, instance_id, ResourceStatus.PREPARATION, now)
    parameters = {"cpu": cpu, "ramGb": ram_gb, "statusBefore": instance["status"]}
    return Changed([Step("Resize the instance")], instance, parameters=parameters)


async def _resized(transaction: Transaction, work: Work) -> None:
    size = {"new_cpu": work.parameters["cpu"], "new_ram_gb": work.parameters["ramGb"]}
    await transaction.fetch(_RESIZE, {**key_of(work, work.resource), **size})
    await _as_before(transaction, work)


async def _as_before(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, work.parameters["statusBefore"], work.now)


takes_effect(Action.RESIZE_COMPUTE_INSTANCE, done=_resized, failed=_as_before, said="Resized.")


# -- delete


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


takes_effect(Action.DELETE_INSTANCE, done=_deleted, failed=_inactive, said="Deleted.")
