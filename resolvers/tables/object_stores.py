"""Object stores and their users."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from auth.tables import CODE_POINTS, TIMESTAMP, length, now
from resolvers.tables.resources import Detail, Part, resource_key


class ObjectStore(Detail, table=True):
    """A store of objects; geo-replication is fixed when it is created. Sizes in GB."""

    __tablename__ = "object_store"
    __table_args__ = (resource_key(), CheckConstraint("quota_gb > 0 AND used_gb >= 0", name="sizes"))

    geo_replicated: bool = False
    quota_gb: int
    used_gb: float = 0


class ObjectStoreUser(Part, table=True):
    """Who may use an object store.

    The secret is not here, but a SHA-256 of it, by which one that has leaked is known again. That is enough: it is made
    here of 240 random bits, so that trying all that it could be is hopeless however fast each try is. The previous one
    is good until `previous_secret_until`; the next one from the end of the operation that renews it.
    """

    __tablename__ = "object_store_user"
    __table_args__ = (
        resource_key(),
        UniqueConstraint("organization_id", "resource_id", "label"),
        UniqueConstraint("access_key"),
        length("label", 200),
        *(
            CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_length")
            for column in ("secret_hash", "next_secret_hash", "previous_secret_hash")
        ),
        CheckConstraint(
            "previous_secret_hash IS NULL OR previous_secret_until IS NOT NULL", name="previous_secret_until"
        ),
        Index("ix_object_store_user_id", "id"),
        Index("ix_object_store_user_resource_id_label", "resource_id", "label", "id"),
    )

    label: str = Field(sa_type=CODE_POINTS)
    access_key: str = Field(sa_type=CODE_POINTS)
    locked: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
    secret_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    next_secret_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    previous_secret_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    previous_secret_until: datetime | None = Field(default=None, sa_type=TIMESTAMP)
