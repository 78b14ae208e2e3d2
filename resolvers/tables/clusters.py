"""Kubernetes clusters, their namespaces, and the nodes of everything that runs on several machines."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from auth.tables import CODE_POINTS, one_of
from resolvers.tables.resources import Detail, Part, resource_key


class NodeStatus(StrEnum):
    """A node's status, in ITCare's codes."""

    ACTIVE = "ACTIVE"
    PREPARATION = "PREPARATION"
    INACTIVE = "INACTIVE"


class IngressController(StrEnum):
    """What lets traffic into a cluster."""

    NGINX = "NGINX"
    ISTIO = "ISTIO"
    TRAEFIK = "TRAEFIK"


class KubernetesCluster(Detail, table=True):
    """A Kubernetes cluster; highly available over two data centers, or standard in one."""

    __tablename__ = "kubernetes_cluster"
    __table_args__ = (resource_key(),)

    kubernetes_version: str = Field(sa_type=CODE_POINTS)
    ingress: str = Field(sa_type=CODE_POINTS)
    high_availability: bool = False
    backup_policy: str | None = Field(default=None, sa_type=CODE_POINTS)


class Namespace(Part, table=True):
    """A namespace of a cluster. CPU in cores, RAM in GB; null: no limit."""

    __table_args__ = (
        resource_key(),
        UniqueConstraint("organization_id", "resource_id", "name"),
        CheckConstraint("name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name="name_form"),
        CheckConstraint("cpu_limit > 0 AND ram_limit_gb > 0", name="limits"),
        Index("ix_namespace_id", "id"),
        Index("ix_namespace_resource_id_name", "resource_id", "name", "id"),
    )

    name: str = Field(sa_type=CODE_POINTS)
    cpu_limit: int | None = None
    ram_limit_gb: int | None = None


class ClusterNode(Part, table=True):
    """A node of a cluster, a database or a broker: its size and its place."""

    __tablename__ = "cluster_node"
    __table_args__ = (
        resource_key(),
        ForeignKeyConstraint(["sizing_code"], ["sizing.code"]),
        ForeignKeyConstraint(["availability_zone_code"], ["availability_zone.code"]),
        UniqueConstraint("organization_id", "resource_id", "name"),
        one_of("status", NodeStatus),
        Index("ix_cluster_node_id", "id"),
        Index("ix_cluster_node_resource_id_name", "resource_id", "name", "id"),
    )

    name: str = Field(sa_type=CODE_POINTS)
    sizing_code: str = Field(sa_type=CODE_POINTS)
    availability_zone_code: str = Field(sa_type=CODE_POINTS)
    is_ingress: bool = False
    status: str = Field(default=NodeStatus.ACTIVE, sa_type=Text)
