"""Where resources are placed: regions, their data centers, their availability zones. Reference data, loaded."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from auth.tables import CODE_POINTS, one_of, uuid7


class ZoneAudience(StrEnum):
    """For whom an availability zone is: clients, or the cegedim group only."""

    CLIENT = "CLIENT"
    GROUP = "GROUP"


class Region(SQLModel, table=True):
    """A group of data centers with low latency between them (< 1 ms)."""

    __table_args__ = (UniqueConstraint("code"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    code: str = Field(sa_type=CODE_POINTS)
    name: str = Field(sa_type=CODE_POINTS)
    description: str = Field(sa_type=Text)


class DataCenter(SQLModel, table=True):
    """A data center of a region; it may have no availability zone."""

    __tablename__ = "data_center"
    __table_args__ = (
        ForeignKeyConstraint(["region_code"], ["region.code"]),
        UniqueConstraint("code"),
        UniqueConstraint("region_code", "code"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    region_code: str = Field(sa_type=CODE_POINTS)
    code: str = Field(sa_type=CODE_POINTS)
    name: str = Field(sa_type=CODE_POINTS)


class AvailabilityZone(SQLModel, table=True):
    """A set of dedicated infrastructure components in a data center."""

    __tablename__ = "availability_zone"
    __table_args__ = (
        ForeignKeyConstraint(["data_center_code"], ["data_center.code"]),
        one_of("audience", ZoneAudience),
        UniqueConstraint("code"),
        UniqueConstraint("data_center_code", "code"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    data_center_code: str = Field(sa_type=CODE_POINTS)
    code: str = Field(sa_type=CODE_POINTS)
    description: str = Field(sa_type=Text)
    audience: str = Field(sa_type=Text)
