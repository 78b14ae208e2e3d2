"""Object stores and their users."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
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
    """Who may use an object store; the secret is not here."""

    __tablename__ = "object_store_user"
    __table_args__ = (
        resource_key(),
        UniqueConstraint("organization_id", "resource_id", "label"),
        UniqueConstraint("access_key"),
        length("label", 200),
        Index("ix_object_store_user_id", "id"),
        Index("ix_object_store_user_resource_id_label", "resource_id", "label", "id"),
    )

    label: str = Field(sa_type=CODE_POINTS)
    access_key: str = Field(sa_type=CODE_POINTS)
    locked: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=TIMESTAMP)
