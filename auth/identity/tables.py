"""Passwords, sessions, links, clients and requests for accounts. Secrets are kept as their SHA-256 digests only.

Passwords excepted, every secret is 256 random bits of ours, which no dictionary holds: a digest is enough to keep it.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from auth.tables import CODE_POINTS, TIMESTAMP, AccountKind, TenantRow, length, now, one_of, organization_key, uuid7


def of_account() -> ForeignKeyConstraint:
    """Tie a row to its account, with which it goes."""
    return ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE")


def digest(column: str = "digest") -> CheckConstraint:
    """Hold a column to SHA-256 digests."""
    return CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_length")


class Password(SQLModel, table=True):
    """The argon2id hash of a person's password."""

    __table_args__ = (of_account(), length("hash", 500))

    account_id: UUID = Field(primary_key=True)
    hash: str = Field(sa_type=Text)
    changed_at: datetime = Field(sa_type=TIMESTAMP)


class SignInFailures(SQLModel, table=True):
    """When sign-ins failed the last times, the oldest first, by a keyed digest of whose account or which address."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (digest("key"),)

    key: bytes = Field(primary_key=True, sa_type=LargeBinary)
    failed_at: list[datetime] = Field(sa_type=ARRAY(TIMESTAMP))


class KnownDevice(SQLModel, table=True):
    """A browser that somebody signed in with before: strangers' failures do not keep it out."""

    __tablename__ = "known_device"
    __table_args__ = (of_account(), digest(), Index("ix_known_device_account_id", "account_id"))

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    account_id: UUID
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    last_used_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


class LinkPurpose(StrEnum):
    """What a link in an e-mail opens."""

    INVITATION = "INVITATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105


class Link(SQLModel, table=True):
    """A link that was sent by e-mail; it serves once, and not for long."""

    __table_args__ = (
        of_account(),
        one_of("purpose", LinkPurpose),
        digest(),
        UniqueConstraint("digest"),
        Index("ix_link_account_id", "account_id"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    account_id: UUID
    purpose: str = Field(sa_type=Text)
    digest: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    expires_at: datetime = Field(sa_type=TIMESTAMP)
    used_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)


class SessionKind(StrEnum):
    """Whose session it is: a browser's, by a cookie on the pages, or a client's, by refresh tokens."""

    BROWSER = "BROWSER"
    CLIENT = "CLIENT"


class SessionEnd(StrEnum):
    """Why a session was ended before its time."""

    SIGNED_OUT = "SIGNED_OUT"
    REUSED = "REUSED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105
    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    REVOKED = "REVOKED"


class Session(SQLModel, table=True):
    """One sign-in of a person, or what it gave to a client: the family of its refresh tokens.

    Access tokens name it (`sid`), and are refused once it is ended. What a client got through a browser's session
    (`parent_id`) ends with that.
    """

    __table_args__ = (
        of_account(),
        ForeignKeyConstraint(["parent_id"], ["session.id"], ondelete="CASCADE"),
        one_of("kind", SessionKind),
        one_of("ended_for", SessionEnd),
        digest(),
        UniqueConstraint("digest"),
        length("client_id", 100),
        length("user_agent", 300),
        CheckConstraint("(kind = 'BROWSER') = (digest IS NOT NULL)", name="browser"),
        CheckConstraint("(kind = 'CLIENT') = (client_id IS NOT NULL)", name="client"),
        CheckConstraint("(ended_at IS NULL) = (ended_for IS NULL)", name="ended"),
        Index("ix_session_account_id", "account_id"),
        Index("ix_session_parent_id", "parent_id"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    account_id: UUID
    kind: str = Field(sa_type=Text)
    parent_id: UUID | None = None
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    client_id: str | None = Field(default=None, sa_type=CODE_POINTS)
    user_agent: str | None = Field(default=None, sa_type=Text)
    amr: list[str] = Field(sa_type=ARRAY(Text))
    auth_time: datetime = Field(sa_type=TIMESTAMP)
    mfa_time: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    last_used_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    expires_at: datetime = Field(sa_type=TIMESTAMP)
    ended_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    ended_for: str | None = Field(default=None, sa_type=Text)


class RefreshToken(SQLModel, table=True):
    """A refresh token of a session; it serves once, and its second use ends the session."""

    __tablename__ = "refresh_token"
    __table_args__ = (
        of_account(),
        ForeignKeyConstraint(["session_id"], ["session.id"], ondelete="CASCADE"),
        digest(),
        Index("ix_refresh_token_session_id", "session_id"),
        Index("ix_refresh_token_account_id", "account_id"),
    )

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    account_id: UUID
    session_id: UUID
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    expires_at: datetime = Field(sa_type=TIMESTAMP)
    used_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)


class AuthorizationCode(SQLModel, table=True):
    """A code of the authorization code grant; it serves once, and its second use ends what the first one gave."""

    __tablename__ = "authorization_code"
    __table_args__ = (
        of_account(),
        ForeignKeyConstraint(["browser_session_id"], ["session.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["session_id"], ["session.id"], ondelete="CASCADE"),
        digest(),
        length("client_id", 100),
        length("redirect_uri", 2000),
        length("code_challenge", 43, least=43),
        length("nonce", 500),
        length("scope", 500),
        Index("ix_authorization_code_account_id", "account_id"),
        Index("ix_authorization_code_browser_session_id", "browser_session_id"),
        Index("ix_authorization_code_session_id", "session_id"),
    )

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    account_id: UUID
    browser_session_id: UUID
    client_id: str = Field(sa_type=CODE_POINTS)
    redirect_uri: str = Field(sa_type=Text)
    code_challenge: str = Field(sa_type=Text)
    nonce: str | None = Field(default=None, sa_type=Text)
    scope: str = Field(sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    expires_at: datetime = Field(sa_type=TIMESTAMP)
    used_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    session_id: UUID | None = None
    """The session that it gave to the client."""


class CredentialKind(StrEnum):
    """How an API account shows that it is it."""

    SECRET = "SECRET"  # noqa: S105
    PUBLIC_KEY = "PUBLIC_KEY"


class ClientCredential(TenantRow, table=True):
    """A secret or a public key of an API account; its tokens name it (`sid`), and are refused once it is revoked."""

    __tablename__ = "client_credential"
    __table_args__ = (
        organization_key(),
        of_account(),
        one_of("kind", CredentialKind),
        digest(),
        length("label", 100),
        length("public_key", 2000),
        CheckConstraint("(kind = 'SECRET') = (digest IS NOT NULL)", name="secret"),
        CheckConstraint("(kind = 'PUBLIC_KEY') = (public_key IS NOT NULL)", name="public_key"),
        UniqueConstraint("id"),
        Index("ix_client_credential_account_id", "account_id"),
    )

    account_id: UUID
    kind: str = Field(sa_type=Text)
    label: str = Field(sa_type=Text)
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    public_key: str | None = Field(default=None, sa_type=Text)
    """A JSON Web Key, P-256 or RSA; public members only."""
    created_by: str = Field(sa_type=CODE_POINTS)
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    expires_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    revoked_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    last_used_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)


class ClientAssertion(SQLModel, table=True):
    """That an API account presented a signed assertion (`jti`), which serves once; kept until that is over."""

    __tablename__ = "client_assertion"
    __table_args__ = (of_account(), digest())

    account_id: UUID = Field(primary_key=True)
    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    expires_at: datetime = Field(sa_type=TIMESTAMP)


class ForeignIdentity(SQLModel, table=True):
    """Which account it is whom a foreign issuer calls by this subject; e-mail addresses say nothing of that."""

    __tablename__ = "foreign_identity"
    __table_args__ = (
        of_account(),
        length("issuer", 500),
        length("subject", 255),
        Index("ix_foreign_identity_account_id", "account_id"),
    )

    issuer: str = Field(primary_key=True, sa_type=CODE_POINTS)
    subject: str = Field(primary_key=True, sa_type=CODE_POINTS)
    account_id: UUID
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)


class AccountRequest(TenantRow, table=True):
    """An account that a security representative asks for; the platform makes it, or refuses."""

    __tablename__ = "account_request"
    __table_args__ = (
        organization_key(),
        ForeignKeyConstraint(["requested_by_id"], ["account.id"]),
        ForeignKeyConstraint(["decided_by_id"], ["account.id"]),
        ForeignKeyConstraint(["account_id"], ["account.id"]),
        one_of("kind", AccountKind),
        length("email", 320),
        length("reason", 1000),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("decided_by_id <> requested_by_id", name="second_person"),
        CheckConstraint("num_nulls(decided_by_id, decided_by, decided_at) IN (0, 3)", name="decided"),
        CheckConstraint("account_id IS NULL OR decided_at IS NOT NULL", name="approved"),
        Index("ix_account_request_id", "id"),
        Index("ix_account_request_requested_at", "organization_id", "requested_at", "id"),
        Index(
            "uq_account_request_open",
            "organization_id",
            "email",
            unique=True,
            postgresql_where=text("decided_at IS NULL"),
        ),
    )

    kind: str = Field(sa_type=Text)
    email: str = Field(sa_type=CODE_POINTS)
    """The person's address, or the name of the API account."""
    reason: str | None = Field(default=None, sa_type=Text)
    requested_by_id: UUID
    requested_by: str = Field(sa_type=CODE_POINTS)
    requested_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    decided_by_id: UUID | None = None
    decided_by: str | None = Field(default=None, sa_type=CODE_POINTS)
    decided_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    account_id: UUID | None = None
    """The account that was made; None if it was refused, or is not decided."""
