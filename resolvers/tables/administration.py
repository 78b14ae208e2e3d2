"""What is changed beside the actions: Clouds that are asked for, profiles that are proposed, and that it was done."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from auth.administration import Administration
from auth.tables import (
    CODE_POINTS,
    TIMESTAMP,
    Profile,
    TenantRow,
    cloud_key,
    length,
    now,
    one_of,
    organization_key,
    uuid7,
)

LONGEST_REASON = 1000


def _account(column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint([column], ["account.id"])


class CloudRequest(TenantRow, table=True):
    """A further Cloud that a security representative asked for: open, created as `cloud_id`, or refused."""

    __tablename__ = "cloud_request"
    __table_args__ = (
        organization_key(),
        cloud_key(),
        _account("requested_by_id"),
        _account("refused_by_id"),
        length("name", 200),
        length("reason", LONGEST_REASON),
        CheckConstraint("num_nulls(refused_by_id, refused_by, refused_at) IN (0, 3)", name="refused"),
        CheckConstraint("cloud_id IS NULL OR refused_at IS NULL", name="answered_once"),
        Index("ix_cloud_request_id", "id"),
        Index("ix_cloud_request_requested_at", "organization_id", "requested_at", "id"),
        Index(
            "uq_cloud_request_open",
            "organization_id",
            "name",
            unique=True,
            postgresql_where=text("cloud_id IS NULL AND refused_at IS NULL"),
        ),
    )

    name: str = Field(sa_type=CODE_POINTS)
    reason: str | None = Field(default=None, sa_type=Text)
    requested_by_id: UUID
    requested_by: str = Field(sa_type=Text)
    requested_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    cloud_id: UUID | None = None
    refused_by_id: UUID | None = None
    refused_by: str | None = Field(default=None, sa_type=Text)
    refused_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)


class ProfileProposal(TenantRow, table=True):
    """A profile for an account in a Cloud: proposed, then given by a second person, and perhaps withdrawn.

    STD is given by who proposes it. Nobody has a hand in what is for their own account.
    """

    __tablename__ = "profile_proposal"
    __table_args__ = (
        cloud_key(),
        ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        _account("proposed_by_id"),
        _account("given_by_id"),
        _account("withdrawn_by_id"),
        one_of("profile", Profile),
        CheckConstraint("proposed_by_id <> account_id", name="not_proposed_to_oneself"),
        CheckConstraint("given_by_id <> account_id", name="not_given_to_oneself"),
        CheckConstraint("withdrawn_by_id <> account_id", name="not_withdrawn_from_oneself"),
        CheckConstraint("profile = 'STD' OR given_by_id <> proposed_by_id", name="second_person"),
        CheckConstraint("num_nulls(given_by_id, given_by, given_at) IN (0, 3)", name="given"),
        CheckConstraint("num_nulls(withdrawn_by_id, withdrawn_by, withdrawn_at) IN (0, 3)", name="withdrawn"),
        Index("ix_profile_proposal_id", "id"),
        Index("ix_profile_proposal_proposed_at", "organization_id", "cloud_id", "proposed_at", "id"),
        Index(
            "uq_profile_proposal_standing",
            "organization_id",
            "cloud_id",
            "account_id",
            "profile",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    cloud_id: UUID
    account_id: UUID
    account: str = Field(sa_type=Text)
    profile: str = Field(sa_type=Text)
    proposed_by_id: UUID
    proposed_by: str = Field(sa_type=Text)
    proposed_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    given_by_id: UUID | None = None
    given_by: str | None = Field(default=None, sa_type=Text)
    given_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    withdrawn_by_id: UUID | None = None
    withdrawn_by: str | None = Field(default=None, sa_type=Text)
    withdrawn_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)


class AdministrativeChange(SQLModel, table=True):
    """That somebody made one change beside the actions; what was asked with one key is found by it."""

    __tablename__ = "administrative_change"
    __table_args__ = (
        _account("account_id"),
        one_of("administration", Administration),
        UniqueConstraint(
            "account_id", "administration", "idempotency_key", name="uq_administrative_change_idempotency_key"
        ),
        CheckConstraint("octet_length(input_digest) = 32", name="input_digest_length"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    account_id: UUID
    administration: str = Field(sa_type=CODE_POINTS)
    organization_id: UUID | None = None
    """Where it was made; null if it is about an account, wherever that has its places."""
    cloud_id: UUID | None = None
    subject_id: UUID | None = None
    """What was made or changed; null if nothing is left of it."""
    change_reference: str | None = Field(default=None, sa_type=Text)
    idempotency_key: str | None = Field(default=None, sa_type=CODE_POINTS)
    input_digest: bytes = Field(sa_type=LargeBinary)
    at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
