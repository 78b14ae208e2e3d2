"""Maintenance windows of a Cloud and the Services or resources whose alerts they silence."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from auth.tables import TIMESTAMP, TenantRow, cloud_key, length, now
from resolvers.tables.resources import resource_key
from resolvers.tables.services import service_key


class Maintenance(TenantRow, table=True):
    """A window of time during which the alerts of its subjects are silent."""

    __table_args__ = (
        cloud_key(),
        UniqueConstraint("organization_id", "cloud_id", "id"),
        CheckConstraint("ends_at > starts_at", name="times_in_order"),
        length("reason", 1000),
        CheckConstraint("revision > 0", name="revision_positive"),
        Index("ix_maintenance_id", "id"),
        Index("ix_maintenance_cloud_id_starts_at", "cloud_id", "starts_at", "id"),
    )

    cloud_id: UUID
    starts_at: datetime = Field(sa_type=TIMESTAMP)
    ends_at: datetime = Field(sa_type=TIMESTAMP)
    reason: str = Field(sa_type=Text)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    created_by: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


class MaintenanceSubject(TenantRow, table=True):
    """One Service or one resource in a maintenance window."""

    __tablename__ = "maintenance_subject"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "cloud_id", "maintenance_id"],
            ["maintenance.organization_id", "maintenance.cloud_id", "maintenance.id"],
            ondelete="CASCADE",
        ),
        service_key(ondelete="CASCADE"),
        resource_key(),
        CheckConstraint("num_nonnulls(service_id, resource_id) = 1", name="one_subject"),
        UniqueConstraint(
            "organization_id", "maintenance_id", "service_id", "resource_id", postgresql_nulls_not_distinct=True
        ),
        Index("ix_maintenance_subject_maintenance_id", "maintenance_id", "id"),
        Index("ix_maintenance_subject_resource_id", "resource_id"),
    )

    cloud_id: UUID
    maintenance_id: UUID
    service_id: UUID | None = None
    resource_id: UUID | None = None
