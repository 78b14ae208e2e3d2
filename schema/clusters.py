"""Kubernetes clusters, their namespaces and nodes."""

from collections.abc import Sequence

import strawberry

from resolvers.reads import rows
from resolvers.reads.sources import NAMESPACES_OF_CLUSTER, NODES_OF_RESOURCE
from schema.connections import Connection, connection_of
from schema.edge import Column, Info, by_column, edge
from schema.enums import NodeStatus
from schema.node import Node
from schema.resources import Resource, detail
from schema.topology import AvailabilityZone, from_topology


@strawberry.type(description="A namespace of a Kubernetes cluster.")
class Namespace(Node):
    """A namespace."""

    name: str = strawberry.field(description="Its name, unique in the cluster.")
    cpu_limit: int | None = strawberry.field(description="How many CPU cores it may use; null: no limit.")
    ram_limit_gb: int | None = strawberry.field(description="How much RAM it may use, in GB; null: no limit.")
    cluster: "KubernetesCluster" = edge(
        lambda loaders: loaders.resource_by_id, key="resource_id", description="Its cluster."
    )


def _zones(nodes: Sequence[rows.ClusterNodeRow], info: Info) -> Column:
    return from_topology(info, lambda topology: [topology.zones[node.availability_zone_code] for node in nodes])


@strawberry.type(description="A machine of a cluster, a database or a broker.")
class ClusterNode(Node):
    """A node."""

    name: str = strawberry.field(description="Its name, unique in its resource.")
    sizing: str = by_column(
        lambda nodes, info: [node.sizing_code for node in nodes], description="The code of its size, like 2cpu4gb."
    )
    cpu: int = strawberry.field(description="Its virtual CPUs.")
    ram_gb: int = strawberry.field(description="Its RAM, in GB.")
    is_ingress: bool = strawberry.field(description="Whether traffic enters the cluster through it.")
    status: NodeStatus = strawberry.field(description="Its status.")
    availability_zone: AvailabilityZone = by_column(_zones, description="Where it is.")
    resource: Resource = edge(
        lambda loaders: loaders.resource_by_id, key="resource_id", description="What it is part of."
    )


@strawberry.type(description="A Kubernetes cluster.")
class KubernetesCluster(Resource):
    """A Kubernetes cluster."""

    kubernetes_version: str = detail("kubernetes_version", description="Its version of Kubernetes.")
    ingress: str = detail("ingress", description="Its ingress controller, like NGINX.")
    high_availability: bool = detail("high_availability", description="Whether it spans two data centers.")
    backup_policy: str | None = detail("backup_policy", description="Its backup policy; null if it has none.")
    namespaces: Connection[Namespace] = connection_of(
        NAMESPACES_OF_CLUSTER, parent="id", description="Its namespaces, by name."
    )
    nodes: Connection[ClusterNode] = connection_of(NODES_OF_RESOURCE, parent="id", description="Its nodes, by name.")
