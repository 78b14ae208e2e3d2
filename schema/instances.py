"""Instances, their snapshots, file systems and DNS aliases."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import ID

from auth.permissions import Action
from resolvers.commands import instances as commands
from resolvers.commands.submission import Change
from resolvers.context import Caller
from resolvers.reads import rows
from resolvers.reads.sources import DNS_ALIASES_OF_RESOURCE, LOAD_BALANCERS_OF_INSTANCE, SNAPSHOTS_OF_INSTANCE
from schema.actions import action
from schema.connections import Connection, ResourcesConnection, connection_of, resources_of
from schema.edge import by_column, edge
from schema.enums import OsType
from schema.ids import global_id, key_in
from schema.node import Node
from schema.payloads import ChangeInput, Payload, revision_in
from schema.resources import Resource, detail, from_details

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
