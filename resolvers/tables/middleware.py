"""Managed databases, message brokers, application servers and file storage: known to the inventory, not acted on."""

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from auth.tables import CODE_POINTS
from resolvers.tables.resources import Detail, resource_key


class Middleware(Detail, table=True):
    """What the four inventory-only types have: family, version, topology, disk (GB) and TLS."""

    __table_args__ = (resource_key(), CheckConstraint("disk_gb >= 0", name="disk"))

    family: str = Field(sa_type=CODE_POINTS)
    version: str | None = Field(default=None, sa_type=CODE_POINTS)
    topology: str | None = Field(default=None, sa_type=CODE_POINTS)
    disk_gb: int | None = None
    tls_enabled: bool = False
