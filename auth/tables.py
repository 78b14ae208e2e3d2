"""The metadata base and the tenancy tables: organizations, Clouds, accounts and who holds what where.

Every tenant row carries `organization_id` first in its keys, so that the tables can be sharded by organization, and
`cloud_id`, so that a row policy can name the Cloud. Identifiers are UUIDv7, made in the application.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

CODE_POINTS = Text(collation="C")
"""Text ordered by code point, whatever the database's own collation."""
CODE_POINTS_ARRAY = ARRAY(CODE_POINTS)
TIMESTAMP = DateTime(timezone=True)


def uuid7() -> UUID:
    """Make an identifier that grows with time."""
    return uuid_utils.compat.uuid7()


def now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """Hold a column to a set of values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def length(column: str, most: int, *, least: int = 1) -> CheckConstraint:
    """Hold a text column to a number of characters."""
    return CheckConstraint(f"char_length({column}) BETWEEN {least} AND {most}", name=f"{column}_length")


def organization_key() -> ForeignKeyConstraint:
    """Tie a row to its organization."""
    return ForeignKeyConstraint(["organization_id"], ["organization.id"])


def cloud_key() -> ForeignKeyConstraint:
    """Tie a row to a Cloud of its own organization."""
    return ForeignKeyConstraint(["organization_id", "cloud_id"], ["cloud.organization_id", "cloud.id"])


class Profile(StrEnum):
    """What a person holds in one Cloud; several add up."""

    STD = "STD"
    DTM = "DTM"
    OPE = "OPE"
    POW = "POW"


class AccountKind(StrEnum):
    """Who signs in: a person, or a program of one organization."""

    PERSON = "PERSON"
    API_ACCOUNT = "API_ACCOUNT"


class TenantRow(SQLModel):
    """A row of one organization, with an identifier of its own."""

    organization_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=uuid7, primary_key=True)


class Organization(SQLModel, table=True):
    """A customer of the platform."""

    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("code ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="code_form"),
        length("name", 200),
        Index("ix_organization_name", "name", "id"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    code: str = Field(sa_type=CODE_POINTS)
    name: str = Field(sa_type=CODE_POINTS)
    is_group: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


class Cloud(TenantRow, table=True):
    """A partition of an organization's resources and rights; its code is unique over the platform."""

    __table_args__ = (
        organization_key(),
        UniqueConstraint("code"),
        CheckConstraint("code ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="code_form"),
        length("name", 200),
        Index("ix_cloud_id", "id"),
        Index("ix_cloud_organization_id_name", "organization_id", "name", "id"),
        Index("uq_cloud_default", "organization_id", unique=True, postgresql_where=text("is_default")),
    )

    code: str = Field(sa_type=CODE_POINTS)
    name: str = Field(sa_type=CODE_POINTS)
    is_default: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


class Account(SQLModel, table=True):
    """A person, or an API account of one organization; the platform's own people belong to none."""

    __table_args__ = (
        organization_key(),
        one_of("kind", AccountKind),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("kind <> 'API_ACCOUNT' OR organization_id IS NOT NULL", name="api_account_organization"),
        CheckConstraint("NOT (is_platform AND organization_id IS NOT NULL)", name="platform_organization"),
        UniqueConstraint("email"),
        Index("ix_account_organization_id", "organization_id"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    organization_id: UUID | None = None
    kind: str = Field(default=AccountKind.PERSON, sa_type=Text)
    email: str = Field(sa_type=CODE_POINTS)
    is_platform: bool = False
    disabled_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    factors_reset_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    """When its factors were last ended for its person, who had lost them; what is set up next serves a day later."""
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


class OrganizationMember(SQLModel, table=True):
    """An account's place in an organization; a security representative sees its Clouds by name."""

    __tablename__ = "organization_member"
    __table_args__ = (
        organization_key(),
        ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        Index("ix_organization_member_account_id", "account_id"),
    )

    organization_id: UUID = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    is_security_representative: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


class Membership(SQLModel, table=True):
    """One profile that an account holds in one Cloud."""

    __table_args__ = (
        cloud_key(),
        ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        one_of("profile", Profile),
        Index("ix_membership_account_id", "account_id"),
    )

    organization_id: UUID = Field(primary_key=True)
    cloud_id: UUID = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    profile: str = Field(primary_key=True, sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


class FactorKind(StrEnum):
    """How a person presents a second factor."""

    TOTP = "TOTP"
    PHONE = "PHONE"
    PUSH = "PUSH"
    WEBAUTHN = "WEBAUTHN"


class Factor(SQLModel, table=True):
    """A person's second factor, theirs once it is confirmed; its secret is sealed with a key outside the database.

    The secret is what the kind needs: a TOTP key, a phone number, a browser's subscription and key, a passkey.
    """

    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        one_of("kind", FactorKind),
        length("label", 100),
        Index("ix_factor_account_id", "account_id"),
        Index(
            "uq_factor_confirmed",
            "account_id",
            "kind",
            unique=True,
            postgresql_where=text("confirmed_at IS NOT NULL AND usable_from IS NULL AND kind <> 'WEBAUTHN'"),
        ),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    account_id: UUID
    kind: str = Field(sa_type=Text)
    label: str = Field(sa_type=Text)
    secret: bytes = Field(sa_type=LargeBinary)
    last_step: int | None = Field(default=None, sa_type=BigInteger)
    """The time step of the code used last: neither it nor one before it works again."""
    confirmed_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    usable_from: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    """Until then it serves nothing, since it was set up with a recovery code; None if it serves from the beginning."""
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


def table(model: type[SQLModel]) -> Table:
    """Give the Core table of a model, for selects that read rows rather than entities."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
