"""Instances and what hangs on them: snapshots, file systems; DNS aliases serve load balancers too."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from auth.tables import CODE_POINTS, TIMESTAMP, length, now, one_of
from resolvers.tables.resources import Detail, Part, resource_key


class OsType(StrEnum):
    """The kind of operating system of an instance."""

    LINUX = "LINUX"
    WINDOWS = "WINDOWS"
    UNIX = "UNIX"


class Instance(Detail, table=True):
    """A virtual machine: operating system, size, backup, recovery and patching. Sizes in GB."""

    __table_args__ = (
        resource_key(),
        one_of("os_type", OsType),
        CheckConstraint("cpu > 0 AND ram_gb > 0 AND disk_gb >= 0", name="sizes"),
        CheckConstraint("patching_excluded OR patching_excluded_reason IS NULL", name="patching_reason"),
    )

    family: str = Field(sa_type=CODE_POINTS)
    os_type: str = Field(sa_type=Text)
    cpu: int
    ram_gb: int
    disk_gb: int
    backup_policy: str | None = Field(default=None, sa_type=CODE_POINTS)
    backup_last_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    backup_size_gb: float | None = None
    recovery: bool = False
    patching_group: str | None = Field(default=None, sa_type=CODE_POINTS)
    patching_next_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    patching_excluded: bool = False
    patching_excluded_reason: str | None = Field(default=None, sa_type=Text)


class FileSystem(Part, table=True):
    """A mounted file system of an instance. Sizes in GB."""

    __tablename__ = "file_system"
    __table_args__ = (
        resource_key(),
        UniqueConstraint("organization_id", "resource_id", "mount_point"),
        CheckConstraint("size_gb >= 0 AND free_gb BETWEEN 0 AND size_gb", name="sizes"),
    )

    mount_point: str = Field(sa_type=CODE_POINTS)
    type: str = Field(sa_type=Text)
    size_gb: float
    free_gb: float


class Snapshot(Part, table=True):
    """A state of an instance that can be recovered. Size in GB."""

    __table_args__ = (
        resource_key(),
        UniqueConstraint("organization_id", "resource_id", "label"),
        length("label", 200),
        CheckConstraint("size_gb >= 0", name="size"),
        Index("ix_snapshot_id", "id"),
        Index("ix_snapshot_resource_id_created_at", "resource_id", "created_at", "id"),
    )

    label: str = Field(sa_type=CODE_POINTS)
    description: str | None = Field(default=None, sa_type=Text)
    size_gb: float
    created_by: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    recovered_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    expires_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    change_reference: str | None = Field(default=None, sa_type=Text)


class DnsAlias(Part, table=True):
    """A name under which an instance or a load balancer is reached, in a domain of the organization."""

    __tablename__ = "dns_alias"
    __table_args__ = (
        resource_key(),
        ForeignKeyConstraint(["organization_id", "domain_id"], ["domain.organization_id", "domain.id"]),
        UniqueConstraint("organization_id", "fqdn"),
        length("fqdn", 253),
        Index("ix_dns_alias_id", "id"),
        Index("ix_dns_alias_resource_id_fqdn", "resource_id", "fqdn", "id"),
    )

    domain_id: UUID
    fqdn: str = Field(sa_type=CODE_POINTS)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
