"""Challenges, approvals and failures. No table holds a code, and none a secret that is not sealed.

They are small and stay so: an account has at most one challenge of a kind, one row of failures, and the approvals of
its last day.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from auth.permissions import MfaBinding
from auth.tables import TIMESTAMP, FactorKind, length, now, one_of, uuid7

MOST_WORDS = 2000
"""Characters of the words in which an operation is described."""


class MfaChallenge(SQLModel, table=True):
    """What a person is asked to show a second factor for: a fresh session, or one operation.

    An account has at most one of a kind: the newest takes the place of the one before.
    """

    __tablename__ = "mfa_challenge"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        UniqueConstraint("account_id", "kind"),
        one_of("kind", MfaBinding),
        length("action", 100),
        length("words", MOST_WORDS),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        CheckConstraint("num_nulls(digest, action) = CASE kind WHEN 'SESSION' THEN 2 ELSE 0 END", name="of"),
        CheckConstraint("kind = 'OPERATION' OR cloud_id IS NULL", name="cloud"),
        CheckConstraint("tries_left >= 0", name="tries_left_range"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    account_id: UUID
    kind: str = Field(sa_type=Text)
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    action: str | None = Field(default=None, sa_type=Text)
    cloud_id: UUID | None = None
    words: str = Field(sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    expires_at: datetime = Field(sa_type=TIMESTAMP)
    tries_left: int = Field(sa_type=SmallInteger)
    completed_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)


class Approval(SQLModel, table=True):
    """That a person approved one operation, which its digest names; it serves once, and not for long."""

    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
    )

    account_id: UUID = Field(primary_key=True)
    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    approved_at: datetime = Field(sa_type=TIMESTAMP)
    spent_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)


class MfaFailures(SQLModel, table=True):
    """When an account's answers were wrong the last times, over all methods; the oldest first."""

    __tablename__ = "mfa_failures"
    __table_args__ = (ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),)

    account_id: UUID = Field(primary_key=True)
    failed_at: list[datetime] = Field(sa_type=ARRAY(TIMESTAMP))


class Delivery(SQLModel, table=True):
    """That a challenge was put to a person by a factor that answers from elsewhere: a call, a notification, a passkey.

    What the answer must be is sealed; what comes in from outside names the delivery by a secret of its own. It is of
    the challenge with that id only: another that takes its place in the table has nothing to do with it. While a factor
    is set up, it is the factor's own id.
    """

    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["factor_id"], ["factor.id"], ondelete="CASCADE"),
        one_of("kind", FactorKind),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        UniqueConstraint("digest"),
        Index("ix_delivery_account_id", "account_id"),
        Index("ix_delivery_factor_id", "factor_id"),
    )

    challenge_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True, sa_type=Text)
    account_id: UUID
    factor_id: UUID | None = None
    digest: bytes = Field(sa_type=LargeBinary)
    """SHA-256 of the secret that names it to the outside."""
    expected: bytes = Field(sa_type=LargeBinary)
    sent_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    confirmed_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    """When the person answered rightly."""
    refused_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    """When the person said that it was not them."""


class Sendings(SQLModel, table=True):
    """When an account was called or notified the last times, the oldest first."""

    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        one_of("kind", FactorKind),
    )

    account_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True, sa_type=Text)
    sent_at: list[datetime] = Field(sa_type=ARRAY(TIMESTAMP))
    blocked_until: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    """Since the person said that it was not them."""


class RecoveryCode(SQLModel, table=True):
    """One of a person's recovery codes, by its digest; it serves once, and only to set up a factor."""

    __tablename__ = "recovery_code"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
    )

    account_id: UUID = Field(primary_key=True)
    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    used_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
