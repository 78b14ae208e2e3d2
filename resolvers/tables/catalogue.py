"""Catalogues: products, sizings and environments for all; areas, networks and domains of one organization."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from auth.tables import CODE_POINTS, TenantRow, length, one_of, organization_key, uuid7


class SupportPhase(StrEnum):
    """Where a product stands in its life, for obsolescence reports."""

    STANDARD = "STANDARD"
    END_OF_SALE = "END_OF_SALE"
    EXTENDED = "EXTENDED"
    END_OF_SUPPORT = "END_OF_SUPPORT"


class NetworkScope(StrEnum):
    """From where a network is reached."""

    PRIVATE = "PRIVATE"
    INTERCO = "INTERCO"
    INTERNET = "INTERNET"


class Product(SQLModel, table=True):
    """A product of the platform's catalogue, in one version."""

    __table_args__ = (UniqueConstraint("code"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    code: str = Field(sa_type=CODE_POINTS)
    name: str = Field(sa_type=CODE_POINTS)
    version: str = Field(sa_type=CODE_POINTS)


class Sizing(SQLModel, table=True):
    """A named size of a machine, such as 2cpu4gb."""

    __table_args__ = (CheckConstraint("cpu > 0 AND ram_gb > 0", name="positive"),)

    code: str = Field(primary_key=True, sa_type=CODE_POINTS)
    cpu: int
    ram_gb: int


class Environment(SQLModel, table=True):
    """A type of environment: production, qa, dev, test and whatever is added."""

    __table_args__ = (CheckConstraint("code ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="code_form"),)

    code: str = Field(primary_key=True, sa_type=CODE_POINTS)
    description: str = Field(default="", sa_type=Text)


class Area(TenantRow, table=True):
    """A tenant's network isolation inside a region."""

    __table_args__ = (
        organization_key(),
        ForeignKeyConstraint(["region_code"], ["region.code"]),
        UniqueConstraint("organization_id", "code"),
        length("code", 100),
    )

    region_code: str = Field(sa_type=CODE_POINTS)
    code: str = Field(sa_type=CODE_POINTS)


class Network(TenantRow, table=True):
    """A network of an area: its VLAN, its addresses and from where it is reached."""

    __table_args__ = (
        organization_key(),
        ForeignKeyConstraint(["organization_id", "area_id"], ["area.organization_id", "area.id"]),
        CheckConstraint("vlan BETWEEN 1 AND 4094", name="vlan_range"),
        one_of("scope", NetworkScope),
        UniqueConstraint("organization_id", "cidr", "vlan"),
        Index("ix_network_organization_id_vlan", "organization_id", "vlan"),
    )

    area_id: UUID
    vlan: int
    cidr: str = Field(sa_type=CODE_POINTS)
    scope: str = Field(default=NetworkScope.PRIVATE, sa_type=Text)


class Domain(TenantRow, table=True):
    """A DNS domain delegated to an organization; aliases live in one."""

    __table_args__ = (organization_key(), UniqueConstraint("fqdn"), length("fqdn", 253))

    fqdn: str = Field(sa_type=CODE_POINTS)
    dns_enabled: bool = True
