"""SMS (Vortext) subscriptions of a Service."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from auth.tables import CODE_POINTS, CODE_POINTS_ARRAY, TIMESTAMP, TenantRow, length, now
from resolvers.tables.services import service_key


class SmsSubscription(TenantRow, table=True):
    """A Service's SMS account, with its limits; one per Service."""

    __tablename__ = "sms_subscription"
    __table_args__ = (
        service_key(),
        UniqueConstraint("organization_id", "service_id"),
        length("sender", 20),
        CheckConstraint("per_minute > 0 AND per_hour >= per_minute", name="limits"),
    )

    cloud_id: UUID
    service_id: UUID
    sender: str = Field(sa_type=CODE_POINTS)
    per_minute: int
    per_hour: int
    allowed_numbers: list[str] = Field(default_factory=list, sa_type=CODE_POINTS_ARRAY)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
