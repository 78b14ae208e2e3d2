"""The tables of the audit log: records in chains, the head of each chain, and signed checkpoints.

Nothing in them refers to an organization or an account by a key: what was recorded stays when these have gone.
Triggers refuse to change, remove or truncate what is there, to everybody.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

from auth.audit.records import Decision
from auth.tables import CODE_POINTS, CODE_POINTS_ARRAY, TIMESTAMP, one_of


def sha256_of(column: str) -> CheckConstraint:
    """Hold a column to the length of a SHA-256."""
    return CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_length")


class AuditRecord(SQLModel, table=True):
    """One thing that somebody did or was denied; its place in its chain is `seq`, from 1 on and without gaps."""

    __tablename__ = "audit_record"
    __table_args__ = (
        one_of("decision", Decision),
        CheckConstraint("seq > 0", name="seq_positive"),
        CheckConstraint("count > 0", name="count_positive"),
        sha256_of("input_digest"),
        sha256_of("previous"),
        sha256_of("hash"),
    )

    chain: UUID = Field(primary_key=True)
    """The organization whose chain it is in; the zero UUID for the platform's."""
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=TIMESTAMP)
    account_id: UUID | None = None
    email: str | None = Field(default=None, sa_type=CODE_POINTS)
    address: str | None = Field(default=None, sa_type=CODE_POINTS)
    token_id: UUID | None = None
    mfa_time: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    amr: list[str] = Field(sa_type=CODE_POINTS_ARRAY)
    label: str = Field(sa_type=CODE_POINTS)
    target_type: str | None = Field(default=None, sa_type=CODE_POINTS)
    target_id: UUID | None = None
    cloud_id: UUID | None = None
    input_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    decision: str = Field(sa_type=Text)
    code: str | None = Field(default=None, sa_type=CODE_POINTS)
    reasons: list[str] = Field(sa_type=CODE_POINTS_ARRAY)
    correlation_id: str | None = Field(default=None, sa_type=CODE_POINTS)
    count: int = Field(sa_type=Integer)
    previous: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)


class AuditChain(SQLModel, table=True):
    """The head of a chain: its last record's `seq` and hash; 0 and zeros before the first. It only goes forwards."""

    __tablename__ = "audit_chain"
    __table_args__ = (CheckConstraint("seq >= 0", name="seq_positive"), sha256_of("hash"))

    chain: UUID = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)


class AuditCheckpoint(SQLModel, table=True):
    """A signature over the head of a chain as it was; `signature` is a JWS that names the signing key."""

    __tablename__ = "audit_checkpoint"
    __table_args__ = (
        ForeignKeyConstraint(["chain", "seq"], ["audit_record.chain", "audit_record.seq"]),
        sha256_of("hash"),
    )

    chain: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    hash: bytes = Field(sa_type=LargeBinary)
    signed_at: datetime = Field(sa_type=TIMESTAMP)
    signature: str = Field(sa_type=CODE_POINTS)
