"""Indicators: named health checks of a Service."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from auth.tables import CODE_POINTS, TIMESTAMP, TenantRow, length, now, one_of
from resolvers.tables.services import service_key


class IndicatorKind(StrEnum):
    """How an indicator looks at its target."""

    HTTP = "HTTP"
    TCP = "TCP"
    METRIC = "METRIC"


class Indicator(TenantRow, table=True):
    """A named health check of a Service; `threshold` is in the unit of what is measured."""

    __table_args__ = (
        service_key(),
        UniqueConstraint("organization_id", "service_id", "name"),
        one_of("kind", IndicatorKind),
        length("name", 200),
        length("target", 2000),
        CheckConstraint("revision > 0", name="revision_positive"),
        Index("ix_indicator_id", "id"),
        Index("ix_indicator_service_id_name", "service_id", "name", "id"),
    )

    cloud_id: UUID
    service_id: UUID
    name: str = Field(sa_type=CODE_POINTS)
    kind: str = Field(sa_type=Text)
    target: str = Field(sa_type=Text)
    threshold: float | None = None
    revision: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
