"""Operations: what was asked of the platform, how far it is, and how it ended."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from auth.tables import CODE_POINTS, TIMESTAMP, TenantRow, cloud_key, now, one_of


class OperationStatus(StrEnum):
    """How an operation stands."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class Operation(TenantRow, table=True):
    """An asynchronous change; it outlives its resource, so it names it too. Progress in per cent."""

    __table_args__ = (
        cloud_key(),
        ForeignKeyConstraint(["submitted_by_id"], ["account.id"]),
        UniqueConstraint("organization_id", "cloud_id", "id"),
        one_of("status", OperationStatus),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress_range"),
        UniqueConstraint(
            "organization_id", "submitted_by_id", "action", "idempotency_key", name="uq_operation_idempotency_key"
        ),
        CheckConstraint("idempotency_key IS NULL OR input_digest IS NOT NULL", name="idempotency_digest"),
        Index("ix_operation_id", "id"),
        Index("ix_operation_resource_id_submitted_at", "resource_id", "submitted_at", "id"),
        Index("ix_operation_cloud_id_submitted_at", "cloud_id", "submitted_at", "id"),
        Index("ix_operation_organization_id_submitted_at", "organization_id", "submitted_at", "id"),
    )

    cloud_id: UUID
    action: str = Field(sa_type=CODE_POINTS)
    status: str = Field(default=OperationStatus.IN_PROGRESS, sa_type=Text)
    progress: int = 0
    message: str | None = Field(default=None, sa_type=Text)
    resource_id: UUID | None = None
    resource_name: str | None = Field(default=None, sa_type=Text)
    resource_type: str | None = Field(default=None, sa_type=Text)
    submitted_by_id: UUID | None = None
    submitted_by: str = Field(sa_type=Text)
    submitted_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    last_updated_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    completed_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    change_reference: str | None = Field(default=None, sa_type=Text)
    idempotency_key: str | None = Field(default=None, sa_type=CODE_POINTS)
    input_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class OperationStep(TenantRow, table=True):
    """One step of an operation, in order."""

    __tablename__ = "operation_step"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "cloud_id", "operation_id"],
            ["operation.organization_id", "operation.cloud_id", "operation.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("organization_id", "operation_id", "position"),
        one_of("status", OperationStatus),
        Index("ix_operation_step_operation_id", "operation_id", "position"),
    )

    cloud_id: UUID
    operation_id: UUID
    position: int
    name: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    completed_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
