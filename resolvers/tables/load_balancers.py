"""Load balancers and their members."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from auth.tables import CODE_POINTS, one_of
from resolvers.tables.resources import Detail, Part, resource_key


class MemberState(StrEnum):
    """What operators set on a member."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    OFFLINE = "OFFLINE"


class MemberStatus(StrEnum):
    """What the platform observes of a member."""

    UP = "UP"
    DOWN = "DOWN"
    USER_DOWN = "USER_DOWN"


class LoadBalancer(Detail, table=True):
    """A load balancer: where it listens and how it distributes."""

    __tablename__ = "load_balancer"
    __table_args__ = (resource_key(), CheckConstraint("port BETWEEN 1 AND 65535", name="port_range"))

    url: str | None = Field(default=None, sa_type=Text)
    domain: str | None = Field(default=None, sa_type=CODE_POINTS)
    protocol: str = Field(sa_type=CODE_POINTS)
    port: int
    mode: str | None = Field(default=None, sa_type=CODE_POINTS)
    persistence: str | None = Field(default=None, sa_type=CODE_POINTS)
    fallback_persistence: str | None = Field(default=None, sa_type=CODE_POINTS)
    health_check: str | None = Field(default=None, sa_type=Text)
    tls_profile: str | None = Field(default=None, sa_type=CODE_POINTS)
    redirect_to_https: bool = False


class LoadBalancerMember(Part, table=True):
    """An instance behind a load balancer, in the same Cloud; `resource_id` is the load balancer's."""

    __tablename__ = "load_balancer_member"
    __table_args__ = (
        resource_key(),
        resource_key("organization_id", "cloud_id", "instance_id"),
        UniqueConstraint("organization_id", "resource_id", "instance_id", "port"),
        CheckConstraint("port BETWEEN 1 AND 65535", name="port_range"),
        one_of("state", MemberState),
        one_of("status", MemberStatus),
        Index("ix_load_balancer_member_id", "id"),
        Index("ix_load_balancer_member_resource_id", "resource_id", "id"),
        Index("ix_load_balancer_member_instance_id", "instance_id", "resource_id"),
    )

    instance_id: UUID
    port: int
    state: str = Field(default=MemberState.ENABLED, sa_type=Text)
    status: str = Field(default=MemberStatus.UP, sa_type=Text)
