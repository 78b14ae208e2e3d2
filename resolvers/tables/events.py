"""What happened, as a log of each organization: live answers and feeds read it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from auth.tables import CODE_POINTS, TIMESTAMP, cloud_key, one_of, organization_key


class EventKind(StrEnum):
    """What happened to the subject of an event: an operation, a resource, or anything else."""

    OPERATION_UPDATED = "OPERATION_UPDATED"
    RESOURCE_CREATED = "RESOURCE_CREATED"
    RESOURCE_UPDATED = "RESOURCE_UPDATED"
    RESOURCE_DELETED = "RESOURCE_DELETED"
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


class LoggedEvent(SQLModel, table=True):
    """One event; its place in the log of its organization is `seq`, from 1 on and without gaps.

    It outlives its subject, which no key refers to. Without a Cloud, it is about the organization itself.
    """

    __tablename__ = "event"
    __table_args__ = (
        organization_key(),
        cloud_key(),
        one_of("kind", EventKind),
        CheckConstraint("seq > 0", name="seq_positive"),
        CheckConstraint("subject_type ~ '^[A-Z][A-Za-z]{0,62}$'", name="subject_type_form"),
    )

    organization_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    cloud_id: UUID | None = None
    kind: str = Field(sa_type=Text)
    subject_type: str = Field(sa_type=CODE_POINTS)
    """The name of its type in the graph."""
    subject_id: UUID
    payload: dict[str, Any] = Field(sa_type=JSONB)
    at: datetime = Field(sa_type=TIMESTAMP)


class EventCounter(SQLModel, table=True):
    """How many events the log of an organization has had: the `seq` of the last one."""

    __tablename__ = "event_counter"
    __table_args__ = (
        organization_key(),
        CheckConstraint("seq > 0", name="seq_positive"),
    )

    organization_id: UUID = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
