"""Instances, their snapshots, file systems and DNS aliases."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import ID, UNSET

from auth.permissions import Action
from resolvers.commands import instances as commands
from resolvers.commands.outcome import UserError as UserErrorRow
from resolvers.commands.submission import Change
from resolvers.context import Caller
from resolvers.reads import rows
from resolvers.reads.sources import DNS_ALIASES_OF_RESOURCE, LOAD_BALANCERS_OF_INSTANCE, SNAPSHOTS_OF_INSTANCE
from resolvers.reference import OS_TYPES
from schema.actions import action
from schema.connections import Connection, ResourcesConnection, connection_of, resources_of
from schema.edge import by_column, edge
from schema.enums import OsType
from schema.ids import global_id, key_in
from schema.node import Node
from schema.payloads import ChangeInput, CommonInput, Payload, revision_in
from schema.resources import Resource, TagInput, detail, from_details, tags_in

if TYPE_CHECKING:
    from schema.load_balancers import LoadBalancer


@strawberry.type(description="A state of an instance that can be recovered.")
class Snapshot(Node):
    """A snapshot."""

    label: str = strawberry.field(description="Its label, unique on its instance.")
    description: str | None = strawberry.field(description="What it was taken for.")
    size_gb: float = strawberry.field(description="Its size, in GB.")
    created_by: str | None = strawberry.field(description="Who took it.")
    created_at: datetime = strawberry.field(description="When it was taken.")
    recovered_at: datetime | None = strawberry.field(description="When the instance was last brought back to it.")
    expires_at: datetime | None = strawberry.field(description="When it can no longer be recovered.")
    change_reference: str | None = strawberry.field(description="The number of the change it was taken for.")
    instance: "Instance" = edge(
        lambda loaders: loaders.resource_by_id, key="resource_id", description="The instance it was taken of."
    )


@strawberry.type(description="A name in DNS for an instance or a load balancer.")
class DnsAlias(Node):
    """A DNS alias."""

    fqdn: str = strawberry.field(description="The fully qualified name.")
    created_at: datetime = strawberry.field(description="When it was created.")
    resource: Resource = edge(
        lambda loaders: loaders.resource_by_id, key="resource_id", description="What it leads to."
    )


@strawberry.type(description="A mounted file system of an instance.")
class FileSystem:
    """A file system."""

    id: ID = strawberry.field(description="Its id.")
    mount_point: str = strawberry.field(description="Where it is mounted.")
    type: str = strawberry.field(description="Its type, like ext4.")
    size_gb: float = strawberry.field(description="Its size, in GB.")
    free_gb: float = strawberry.field(description="What of it is free, in GB.")


@strawberry.type(description="How something is backed up.")
class BackupState:
    """A backup."""

    policy: str = strawberry.field(description="The backup policy.")
    last_at: datetime | None = strawberry.field(description="When it was last backed up.")
    size_gb: float | None = strawberry.field(description="The size of the last backup, in GB.")


@strawberry.type(description="How an instance is patched.")
class PatchingState:
    """Patching."""

    group: str | None = strawberry.field(description="Its patching group.")
    next_at: datetime | None = strawberry.field(description="When it will next be patched.")
    excluded: bool = strawberry.field(description="Whether it is excluded.")
    excluded_reason: str | None = strawberry.field(description="Why it is excluded.")


def _backup(detail: rows.ResourceDetail) -> BackupState | None:
    row = detail.type
    if row.backup_policy is None:
        return None
    return BackupState(policy=row.backup_policy, last_at=row.backup_last_at, size_gb=row.backup_size_gb)


def _patching(detail: rows.ResourceDetail) -> PatchingState:
    row = detail.type
    return PatchingState(
        group=row.patching_group,
        next_at=row.patching_next_at,
        excluded=row.patching_excluded,
        excluded_reason=row.patching_excluded_reason,
    )


def _file_systems(detail: rows.ResourceDetail) -> list[FileSystem]:
    return [
        FileSystem(
            id=ID(global_id("FileSystem", UUID(system["id"]))),
            mount_point=system["mount_point"],
            type=system["type"],
            size_gb=system["size_gb"],
            free_gb=system["free_gb"],
        )
        for system in detail.type.file_systems
    ]


@strawberry.type(description="A virtual machine.")
class Instance(Resource):
    """An instance."""

    family: str = detail("family", description="The family of its operating system, like DEBIAN.")
    os_type: OsType = detail("os_type", description="The kind of its operating system.")
    cpu: int = detail("cpu", description="Its virtual CPUs.")
    ram_gb: int = detail("ram_gb", description="Its RAM, in GB.")
    disk_gb: int = detail("disk_gb", description="Its disks together, in GB.")
    file_systems: list[FileSystem] = by_column(
        lambda instances, info: from_details(instances, info, _file_systems),
        list_size=5,
        description="Its mounted file systems, by mount point.",
    )
    backup: BackupState | None = by_column(
        lambda instances, info: from_details(instances, info, _backup),
        description="How it is backed up; null if it is not.",
    )
    recovery: bool = detail("recovery", description="Whether it is part of disaster recovery.")
    patching: PatchingState = by_column(
        lambda instances, info: from_details(instances, info, _patching), description="How it is patched."
    )
    snapshots: Connection[Snapshot] = connection_of(
        SNAPSHOTS_OF_INSTANCE, parent="id", description="Its snapshots, the last first."
    )
    dns_aliases: Connection[DnsAlias] = connection_of(
        DNS_ALIASES_OF_RESOURCE, parent="id", description="Its DNS aliases, by name."
    )
    load_balancers: ResourcesConnection[Annotated["LoadBalancer", strawberry.lazy("schema.load_balancers")]] = (
        resources_of(LOAD_BALANCERS_OF_INSTANCE, parent="id", description="The load balancers it is a member of.")
    )


@strawberry.input(description="The instance to create.")
class CreateInstanceInput(CommonInput):
    """The instance to create."""

    service_id: ID = strawberry.field(description="The Service that it is for.")
    name: str = strawberry.field(description="Its name, unique in the Service.")
    family: str = strawberry.field(
        description=f"The family of its operating system: {', '.join(OS_TYPES)}.",
    )
    cpu: int = strawberry.field(description="Its virtual CPUs, {} to {}.".format(*commands.CPU))
    ram_gb: int = strawberry.field(description="Its RAM, in GB, {} to {}.".format(*commands.RAM_GB))
    disk_gb: int = strawberry.field(description="Its disks together, in GB, {} to {}.".format(*commands.DISK_GB))
    availability_zone: str = strawberry.field(
        description="The code of its availability zone, which must be open to the organization."
    )
    environment: str = strawberry.field(description="The code of its environment.")
    tags: list[TagInput] | None = strawberry.field(default=UNSET, description="Its tags, at most 50.")
    monitoring_enabled: bool | None = strawberry.field(default=False, description="Whether to monitor it.")
    on_call: bool | None = strawberry.field(
        default=False, description="Whether somebody is to be on call for it; only if it is monitored."
    )


@strawberry.type(description="What came of creating an instance.")
class CreateInstancePayload(Payload):
    """What came of creating an instance."""

    subject_name, loader = "instance", "resource_by_id"

    instance: Instance | None = strawberry.field(description="The instance, as it is now; null if nothing was done.")


def _new_instance(input_: CreateInstanceInput) -> commands.NewInstance:
    return commands.NewInstance(
        name=input_.name,
        family=input_.family,
        cpu=input_.cpu,
        ram_gb=input_.ram_gb,
        disk_gb=input_.disk_gb,
        availability_zone=input_.availability_zone,
        environment=input_.environment,
        tags=tags_in(input_.tags),
        monitoring_enabled=bool(input_.monitoring_enabled),
        on_call=bool(input_.on_call),
    )


def _check_new(input_: CreateInstanceInput, _now: datetime) -> Sequence[UserErrorRow]:
    return _new_instance(input_).check()


@action(Action.CREATE_INSTANCE, payload=CreateInstancePayload, check=_check_new)
def create_instance(caller: Caller, input: CreateInstanceInput) -> Change:  # noqa: A002
    """Create an instance in a Service."""
    return commands.create_instance(key_in(input.service_id), _new_instance(input), caller.principal.email)


@strawberry.input(description="Which instance to start.")
class StartInstanceInput(ChangeInput):
    """Which instance to start."""

    instance_id: ID = strawberry.field(description="The instance.")


@strawberry.type(description="What came of starting an instance.")
class StartInstancePayload(Payload):
    """What came of starting an instance."""

    subject_name, loader = "instance", "resource_by_id"

    instance: Instance | None = strawberry.field(description="The instance, as it is now; null if nothing was done.")


@action(Action.START_INSTANCE, payload=StartInstancePayload)
def start_instance(caller: Caller, input: StartInstanceInput) -> Change:  # noqa: A002
    """Start an instance that is inactive."""
    return commands.start_instance(key_in(input.instance_id), revision_in(input))


@strawberry.input(description="Which instance to stop.")
class StopInstanceInput(ChangeInput):
    """Which instance to stop."""

    instance_id: ID = strawberry.field(description="The instance.")


@strawberry.type(description="What came of stopping an instance.")
class StopInstancePayload(Payload):
    """What came of stopping an instance."""

    subject_name, loader = "instance", "resource_by_id"

    instance: Instance | None = strawberry.field(description="The instance, as it is now; null if nothing was done.")


@action(Action.STOP_INSTANCE, payload=StopInstancePayload)
def stop_instance(caller: Caller, input: StopInstanceInput) -> Change:  # noqa: A002
    """Stop an active instance."""
    return commands.stop_instance(key_in(input.instance_id), revision_in(input))


@strawberry.input(description="Which instance to reboot.")
class ResetInstanceInput(ChangeInput):
    """Which instance to reboot."""

    instance_id: ID = strawberry.field(description="The instance.")


@strawberry.type(description="What came of rebooting an instance.")
class ResetInstancePayload(Payload):
    """What came of rebooting an instance."""

    subject_name, loader = "instance", "resource_by_id"

    instance: Instance | None = strawberry.field(description="The instance, as it is now; null if nothing was done.")


@action(Action.RESET_INSTANCE, payload=ResetInstancePayload)
def reset_instance(caller: Caller, input: ResetInstanceInput) -> Change:  # noqa: A002
    """Reboot an active instance the hard way."""
    return commands.reset_instance(key_in(input.instance_id), revision_in(input))


@strawberry.input(description="Which instance to resize, and to what.")
class ResizeComputeInstanceInput(ChangeInput):
    """Which instance to resize, and to what."""

    instance_id: ID = strawberry.field(description="The instance.")
    cpu: int = strawberry.field(description="Its virtual CPUs from then on, {} to {}.".format(*commands.CPU))
    ram_gb: int = strawberry.field(description="Its RAM from then on, in GB, {} to {}.".format(*commands.RAM_GB))


@strawberry.type(description="What came of resizing an instance.")
class ResizeComputeInstancePayload(Payload):
    """What came of resizing an instance."""

    subject_name, loader = "instance", "resource_by_id"

    instance: Instance | None = strawberry.field(description="The instance, as it is now; null if nothing was done.")


def _check_size(input_: ResizeComputeInstanceInput, _now: datetime) -> Sequence[UserErrorRow]:
    return commands.check_size(input_.cpu, input_.ram_gb)


@action(Action.RESIZE_COMPUTE_INSTANCE, payload=ResizeComputeInstancePayload, check=_check_size)
def resize_compute_instance(caller: Caller, input: ResizeComputeInstanceInput) -> Change:  # noqa: A002
    """Change the CPU and RAM of an instance."""
    return commands.resize_instance(key_in(input.instance_id), input.cpu, input.ram_gb, revision_in(input))


@strawberry.input(description="Which instance to delete.")
class DeleteInstanceInput(ChangeInput):
    """Which instance to delete."""

    instance_id: ID = strawberry.field(description="The instance.")


@strawberry.type(description="What came of deleting an instance.")
class DeleteInstancePayload(Payload):
    """What came of deleting an instance."""

    subject_name, loader = "instance", "resource_by_id"

    instance: Instance | None = strawberry.field(description="The instance, if it is still there.")


@action(Action.DELETE_INSTANCE, payload=DeleteInstancePayload)
def delete_instance(caller: Caller, input: DeleteInstanceInput) -> Change:  # noqa: A002
    """Delete an inactive instance that is behind no load balancer."""
    return commands.delete_instance(key_in(input.instance_id), revision_in(input))
