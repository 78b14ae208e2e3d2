"""What is done to load balancers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from auth.decisions import Grant
from auth.permissions import Action
from auth.tables import uuid7
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.members import NewMember, add_members, check_members, instances_for, lock_with_instances
from resolvers.commands.outcome import Changed, Step, UserError, UserErrorCode
from resolvers.commands.placing import (
    Wrong,
    check_name,
    check_range,
    check_tags,
    check_text,
    create_resource,
    known_environment,
    lock_service,
    open_zone,
)
from resolvers.commands.resources import delete_resource, set_status
from resolvers.commands.submission import Change
from resolvers.tables import LoadBalancer, Resource, ResourceStatus, ResourceType
from resolvers.transaction import Transaction

PROTOCOLS: Final = ("HTTP", "HTTPS", "TCP", "UDP")
MODES: Final = ("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_HASH")
PERSISTENCES: Final = ("COOKIE", "SOURCE_IP")
WEB: Final = frozenset({"HTTP", "HTTPS"})
"""The protocols that have cookies."""
LONGEST_HEALTH_CHECK: Final = 2000
MOST_ZONES: Final = 10


@dataclass(frozen=True, slots=True)
class NewLoadBalancer:
    """A load balancer that is asked for."""

    name: str
    protocol: str
    port: int
    mode: str
    persistence: str | None
    health_check: str | None
    redirect_to_https: bool
    availability_zones: Sequence[str]
    environment: str
    tags: Mapping[str, str]
    members: Sequence[NewMember]

    def parameters(self) -> Mapping[str, Any]:
        """Say what a driver is to make."""
        return {
            "name": self.name,
            "protocol": self.protocol,
            "port": self.port,
            "mode": self.mode,
            "persistence": self.persistence,
            "healthCheck": self.health_check,
            "redirectToHttps": self.redirect_to_https,
            "availabilityZones": list(self.availability_zones),
            "environment": self.environment,
            "tags": dict(self.tags),
            "members": [member.parameters() for member in self.members],
        }


def check_load_balancer(new: NewLoadBalancer, tags: Sequence[tuple[str, str]]) -> list[UserError]:
    """Check what can be checked of a load balancer by itself."""
    wrong = UserErrorCode.INVALID_VALUE
    found = check_name(new.name)
    found += _check_choice(new.protocol, PROTOCOLS, "protocol")
    found += check_range(new.port, 1, 65535, ("port",))
    found += _check_choice(new.mode, MODES, "mode")
    if new.persistence is not None:
        found += _check_choice(new.persistence, PERSISTENCES, "persistence")
    if new.persistence == "COOKIE" and new.protocol not in WEB:
        found.append(UserError("Only HTTP and HTTPS have cookies.", wrong, ("persistence",)))
    found += check_text(new.health_check, ("healthCheck",), LONGEST_HEALTH_CHECK)
    if new.redirect_to_https and new.protocol != "HTTP":
        found.append(UserError("Only HTTP is redirected to HTTPS.", wrong, ("redirectToHttps",)))
    zones = new.availability_zones
    if not 0 < len(zones) <= MOST_ZONES or len(set(zones)) < len(zones):
        message = f"A load balancer has 1 to {MOST_ZONES} availability zones, each once."
        found.append(UserError(message, wrong, ("availabilityZones",)))
    return found + check_tags(tags) + check_members(new.members)


def _check_choice(value: str, known: Sequence[str], field: str) -> list[UserError]:
    if value in known:
        return []
    return [UserError(f"It is one of {', '.join(known)}.", UserErrorCode.INVALID_VALUE, (field,))]


def create_lb(service_id: UUID, new: NewLoadBalancer, by: str) -> Change:
    """Create a load balancer in a Service, with instances of the Service's Cloud behind it."""
    return partial(_create, service_id, new, by)


async def _create(
    service_id: UUID, new: NewLoadBalancer, by: str, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    wrong = Wrong()
    # Before the instances: whoever takes Services and resources takes them in this order.
    with wrong:
        await lock_service(transaction, grant, service_id, new.name)
    with wrong:
        await known_environment(transaction, new.environment)
    zones = []
    for index, code in enumerate(new.availability_zones):
        with wrong:
            zones.append(await open_zone(transaction, grant, code, ("availabilityZones", str(index))))
    with wrong:
        instances = await instances_for(
            transaction,
            grant,
            {("members", str(index), "instanceId"): member.instance_id for index, member in enumerate(new.members)},
        )
    wrong.refuse()
    resource = Resource(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        id=uuid7(),
        service_id=service_id,
        type=ResourceType.LOAD_BALANCER,
        name=new.name,
        status=ResourceStatus.PREPARATION,
        environment=new.environment,
        tags=dict(new.tags),
        availability_zones=[zone.code for zone in zones],
        data_centers=list(dict.fromkeys(zone.data_center for zone in zones)),
        created_by=by,
        created_at=now,
        updated_at=now,
    )
    detail = LoadBalancer(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        resource_id=resource.id,
        protocol=new.protocol,
        port=new.port,
        mode=new.mode,
        persistence=new.persistence,
        health_check=new.health_check,
        redirect_to_https=new.redirect_to_https,
    )
    row = await create_resource(transaction, resource, detail)
    await add_members(transaction, grant, resource.id, new.members, instances)
    return Changed([Step("Create the load balancer")], row, parameters=new.parameters())


def start_lb(load_balancer_id: UUID, expected_revision: int | None) -> Change:
    """Start a load balancer that is inactive."""
    return partial(_simple, "Start the load balancer", load_balancer_id, expected_revision)


def stop_lb(load_balancer_id: UUID, expected_revision: int | None) -> Change:
    """Stop an active load balancer."""
    return partial(_simple, "Stop the load balancer", load_balancer_id, expected_revision)


async def _simple(
    step: str,
    load_balancer_id: UUID,
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    return Changed([Step(step)], await lock_resource(transaction, grant, load_balancer_id, expected_revision))


def delete_lb(load_balancer_id: UUID, expected_revision: int | None) -> Change:
    """Delete an inactive load balancer; its members and aliases go with it, the instances behind it stay."""
    return partial(_delete, load_balancer_id, expected_revision)


async def _delete(
    load_balancer_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    load_balancer = await lock_resource(transaction, grant, load_balancer_id, expected_revision)
    await set_status(transaction, grant, load_balancer_id, ResourceStatus.PREPARATION, now)
    return Changed([Step("Delete the load balancer")], load_balancer)


async def _active(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.ACTIVE, work.now)


async def _inactive(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.INACTIVE, work.now)


async def _gone(transaction: Transaction, work: Work) -> None:
    await lock_with_instances(transaction, work, work.resource)
    await delete_resource(transaction, work, work.resource)


takes_effect(Action.CREATE_LB, done=_active, failed=_inactive, said="Created.")
takes_effect(Action.START_LB, done=_active, said="Started.")
takes_effect(Action.STOP_LB, done=_inactive, said="Stopped.")
takes_effect(Action.DELETE_LB, done=_gone, failed=_inactive, said="Deleted.")
