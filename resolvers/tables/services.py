"""Services: the logical groups of resources inside a Cloud. They carry no rights."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from auth.tables import CODE_POINTS, TIMESTAMP, TenantRow, cloud_key, length, now


def service_key(*, ondelete: str | None = None) -> ForeignKeyConstraint:
    """Tie a row to a Service of its own Cloud."""
    return ForeignKeyConstraint(
        ["organization_id", "cloud_id", "service_id"],
        ["service.organization_id", "service.cloud_id", "service.id"],
        ondelete=ondelete,
    )


class Service(TenantRow, table=True):
    """A group of resources, by application, environment, customer or any free criterion."""

    __table_args__ = (
        cloud_key(),
        UniqueConstraint("organization_id", "cloud_id", "id"),
        UniqueConstraint("organization_id", "cloud_id", "name"),
        length("name", 200),
        CheckConstraint("name !~ '/'", name="name_no_slash"),
        Index("ix_service_id", "id"),
        Index("ix_service_cloud_id_name", "cloud_id", "name", "id"),
        Index("ix_service_organization_id_name", "organization_id", "name", "id"),
    )

    cloud_id: UUID
    name: str = Field(sa_type=CODE_POINTS)
    description: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
