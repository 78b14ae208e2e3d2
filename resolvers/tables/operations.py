"""Operations: what was asked of the platform, how far it is, and how it ended."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from auth.tables import CODE_POINTS, TIMESTAMP, TenantRow, cloud_key, now, one_of


class OperationStatus(StrEnum):
    """How an operation stands."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class Operation(TenantRow, table=True):
    """An asynchronous change; it outlives its resource, so it names it too. Progress in per cent.

    `subject_id` is the row that it makes or changes where that is not the resource itself: a snapshot, a member. Of one
    resource, and of one subject without a resource, one operation is open at a time. `parameters` are what its steps
    need to know, and never a secret.
    """

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
        Index(
            "uq_operation_open",
            "organization_id",
            text("coalesce(resource_id, subject_id)"),
            unique=True,
            postgresql_where=text("status = 'IN_PROGRESS'"),
        ),
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
    subject_id: UUID | None = None
    parameters: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")}
    )
    submitted_by_id: UUID | None = None
    submitted_by: str = Field(sa_type=Text)
    submitted_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    last_updated_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    completed_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    change_reference: str | None = Field(default=None, sa_type=Text)
    idempotency_key: str | None = Field(default=None, sa_type=CODE_POINTS)
    input_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class OperationStep(TenantRow, table=True):
    """One step of an operation, in order; its id is what a driver knows it by.

    `subject_id` is what the step alone is about, such as one node of a cluster. `nonce` is of the last attempt, and
    `report` what a driver reported of it later.
    """

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
    subject_id: UUID | None = None
    started_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    completed_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    nonce: UUID | None = None
    report: dict[str, Any] | None = Field(default=None, sa_type=JSONB)


class OperationSecret(SQLModel, table=True):
    """A secret that an operation has to bring to the driver, sealed; erased when it has arrived, or never will."""

    __tablename__ = "operation_secret"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "cloud_id", "operation_id"],
            ["operation.organization_id", "operation.cloud_id", "operation.id"],
            ondelete="CASCADE",
        ),
    )

    organization_id: UUID = Field(primary_key=True)
    operation_id: UUID = Field(primary_key=True)
    cloud_id: UUID
    sealed: bytes = Field(sa_type=LargeBinary)
