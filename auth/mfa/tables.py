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
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from auth.permissions import MfaBinding
from auth.tables import TIMESTAMP, length, now, one_of, uuid7

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
