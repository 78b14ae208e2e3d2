"""Resources: what every resource has, whatever its type, and the rows that its tags and places are filtered by."""

from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlmodel import Field, SQLModel

from auth.tables import CODE_POINTS, CODE_POINTS_ARRAY, TIMESTAMP, TenantRow, length, now, one_of
from resolvers.tables.catalogue import SupportPhase
from resolvers.tables.services import service_key


class ResourceType(StrEnum):
    """What a resource is; ITCare calls it a category."""

    INSTANCE = "INSTANCE"
    LOAD_BALANCER = "LOAD_BALANCER"
    OBJECT_STORE = "OBJECT_STORE"
    KUBERNETES_CLUSTER = "KUBERNETES_CLUSTER"
    MANAGED_DATABASE = "MANAGED_DATABASE"
    MESSAGE_BROKER = "MESSAGE_BROKER"
    APPLICATION_SERVER = "APPLICATION_SERVER"
    FILE_STORAGE = "FILE_STORAGE"

    @property
    def type_name(self) -> str:
        """What it is called where things of all kinds are named: LoadBalancer."""
        return "".join(word.capitalize() for word in self.value.split("_"))


class ResourceStatus(StrEnum):
    """ITCare's own status codes."""

    ACTIVE = "ACTIVE"
    PREPARATION = "PREPARATION"
    INACTIVE = "INACTIVE"


def resource_key(*columns: str) -> ForeignKeyConstraint:
    """Tie a row to a resource of its own Cloud, and let it go with it."""
    return ForeignKeyConstraint(
        list(columns) or ["organization_id", "cloud_id", "resource_id"],
        ["resource.organization_id", "resource.cloud_id", "resource.id"],
        ondelete="CASCADE",
    )


class Detail(SQLModel):
    """A row that says more of one resource, under the resource's own key."""

    organization_id: UUID = Field(primary_key=True)
    resource_id: UUID = Field(primary_key=True)
    cloud_id: UUID


class Part(TenantRow):
    """A row that belongs to one resource."""

    cloud_id: UUID
    resource_id: UUID


class Resource(TenantRow, table=True):
    """An infrastructure or middleware component; it belongs to exactly one Service.

    `tags`, `availability_zones` and `data_centers` are the truth; triggers write `resource_tag` and
    `resource_placement` from them and refuse what is not in the topology.
    """

    __table_args__ = (
        service_key(),
        ForeignKeyConstraint(["environment"], ["environment.code"]),
        ForeignKeyConstraint(["product_id"], ["product.id"]),
        ForeignKeyConstraint(["organization_id", "network_id"], ["network.organization_id", "network.id"]),
        UniqueConstraint("organization_id", "cloud_id", "id"),
        UniqueConstraint("organization_id", "service_id", "name"),
        UniqueConstraint("organization_id", "external_id"),
        one_of("type", ResourceType),
        one_of("status", ResourceStatus),
        one_of("support_phase", SupportPhase),
        length("name", 200),
        CheckConstraint("name !~ '/'", name="name_no_slash"),
        CheckConstraint("jsonb_typeof(tags) = 'object'", name="tags_object"),
        CheckConstraint("NOT jsonb_path_exists(tags, 'strict $.* ? (@.type() != \"string\")')", name="tags_text"),
        CheckConstraint("jsonb_array_length(jsonb_path_query_array(tags, '$.keyvalue()')) <= 50", name="tags_most"),
        CheckConstraint("cardinality(data_centers) > 0", name="data_centers_some"),
        CheckConstraint("revision > 0", name="revision_positive"),
        CheckConstraint("updated_at >= created_at", name="times_in_order"),
        Index("ix_resource_id", "id"),
        Index("ix_resource_name", "name", "id"),
        Index("ix_resource_organization_id_name", "organization_id", "name", "id"),
        Index("ix_resource_cloud_id_name", "cloud_id", "name", "id"),
        Index("ix_resource_service_id_name", "service_id", "name", "id"),
        Index("ix_resource_organization_id_type", "organization_id", "type", "name", "id"),
        Index("ix_resource_organization_id_created_at", "organization_id", "created_at", "id"),
        Index("ix_resource_organization_id_updated_at", "organization_id", "updated_at", "id"),
        Index("ix_resource_organization_id_network_id", "organization_id", "network_id"),
        Index("ix_resource_ip_addresses", "ip_addresses", postgresql_using="gin"),
    )

    cloud_id: UUID
    service_id: UUID
    type: str = Field(sa_type=CODE_POINTS)
    name: str = Field(sa_type=CODE_POINTS)
    status: str = Field(sa_type=CODE_POINTS)
    environment: str = Field(sa_type=CODE_POINTS)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    tags: dict[str, str] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")})
    availability_zones: list[str] = Field(
        default_factory=list, sa_type=CODE_POINTS_ARRAY, sa_column_kwargs={"server_default": text("'{}'")}
    )
    data_centers: list[str] = Field(sa_type=CODE_POINTS_ARRAY)
    monitoring_enabled: bool = False
    on_call: bool = False
    comment: str | None = Field(default=None, sa_type=Text)
    created_by: str | None = Field(default=None, sa_type=Text)
    external_id: str | None = Field(default=None, sa_type=CODE_POINTS)
    product_id: UUID | None = None
    support_level: str | None = Field(default=None, sa_type=CODE_POINTS)
    support_phase: str | None = Field(default=None, sa_type=CODE_POINTS)
    network_id: UUID | None = None
    ip_addresses: list[IPv4Address | IPv6Address] = Field(
        default_factory=list, sa_type=ARRAY(INET), sa_column_kwargs={"server_default": text("'{}'")}
    )
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    updated_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


class ResourceTag(SQLModel, table=True):
    """One tag of one resource, for filtering; written by the database from `resource.tags`."""

    __tablename__ = "resource_tag"
    __table_args__ = (
        resource_key(),
        length("key", 128),
        length("value", 256, least=0),
        CheckConstraint("key !~ '^!|:'", name="key_form"),
        Index("ix_resource_tag_organization_id_key", "organization_id", "key", "value", "resource_id"),
    )

    organization_id: UUID = Field(primary_key=True)
    resource_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True, sa_type=CODE_POINTS)
    value: str = Field(sa_type=CODE_POINTS)
    cloud_id: UUID


class ResourcePlacement(SQLModel, table=True):
    """One place of one resource, for filtering; written by the database from the resource's zones and data centers."""

    __tablename__ = "resource_placement"
    __table_args__ = (
        resource_key(),
        ForeignKeyConstraint(["region_code", "data_center_code"], ["data_center.region_code", "data_center.code"]),
        ForeignKeyConstraint(
            ["data_center_code", "availability_zone_code"],
            ["availability_zone.data_center_code", "availability_zone.code"],
        ),
        Index("ix_resource_placement_region", "organization_id", "region_code", "resource_id"),
        Index("ix_resource_placement_data_center", "organization_id", "data_center_code", "resource_id"),
        Index("ix_resource_placement_zone", "organization_id", "availability_zone_code", "resource_id"),
    )

    organization_id: UUID = Field(primary_key=True)
    resource_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=SmallInteger)
    cloud_id: UUID
    region_code: str = Field(sa_type=CODE_POINTS)
    data_center_code: str = Field(sa_type=CODE_POINTS)
    availability_zone_code: str | None = Field(default=None, sa_type=CODE_POINTS)
