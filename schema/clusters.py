"""Kubernetes clusters, their namespaces and nodes."""

from collections.abc import Sequence
from uuid import UUID

import strawberry
from strawberry import ID, UNSET

from auth.errors import BadUserInput
from auth.permissions import Action
from resolvers.commands import cluster_nodes as nodes
from resolvers.commands import clusters as commands
from resolvers.commands import namespaces
from resolvers.commands.submission import Change
from resolvers.context import Caller
from resolvers.reads import rows
from resolvers.reads.sources import NAMESPACES_OF_CLUSTER, NODES_OF_RESOURCE
from schema.actions import action
from schema.connections import Connection, connection_of
from schema.edge import Column, Info, by_column, edge
from schema.enums import IngressController, NodeStatus
from schema.ids import key_in, key_of
from schema.node import Node
from schema.payloads import ChangeInput, CommonInput, Payload, given, revision_in
from schema.resources import Resource, TagInput, detail, tags_in
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


@strawberry.input(description="So many nodes of one size in one availability zone.")
class ClusterNodesInput:
    """So many nodes of one size in one availability zone."""

    count: int = strawberry.field(description=f"How many: 1 to {nodes.MOST_OF_A_KIND}.")
    sizing: str = strawberry.field(description="The code of their size, like 2cpu4gb.")
    availability_zone: str = strawberry.field(description="The code of their availability zone.")


def _nodes_in(asked: Sequence[ClusterNodesInput]) -> tuple[nodes.Asked, ...]:
    return tuple(nodes.Asked(each.count, each.sizing, each.availability_zone) for each in asked)


@strawberry.input(description="The cluster to create.")
class CreateClusterInput(CommonInput):
    """The cluster to create."""

    service_id: ID = strawberry.field(description="The Service that it will belong to.")
    name: str = strawberry.field(
        description="Its name, unique in the Service: a to z, 0 to 9 and -, at most"
        f" {commands.LONGEST_NAME} characters. Its nodes are called after it."
    )
    kubernetes_version: str = strawberry.field(description="A version of Kubernetes in the catalogue, like 1.34.")
    ingress: IngressController = strawberry.field(description="What lets traffic into it.")
    high_availability: bool = strawberry.field(
        default=False, description="Whether its nodes are in two data centers; they are in one otherwise."
    )
    nodes: list[ClusterNodesInput] = strawberry.field(description=f"Its nodes, at most {nodes.MOST_NODES} in all.")
    environment: str = strawberry.field(default="production", description="The code of its environment.")
    tags: list[TagInput] | None = strawberry.field(default=UNSET, description="Its tags, at most 50.")


@strawberry.type(description="What came of creating a cluster.")
class CreateClusterPayload(Payload):
    """What came of creating a cluster."""

    subject_name, loader = "kubernetes_cluster", "resource_by_id"

    kubernetes_cluster: KubernetesCluster | None = strawberry.field(
        description="The cluster, with its nodes in preparation; null if nothing was done."
    )


def _new_cluster(asked: CreateClusterInput) -> commands.NewCluster:
    return commands.NewCluster(
        name=asked.name,
        kubernetes_version=asked.kubernetes_version,
        ingress=asked.ingress,
        highly_available=asked.high_availability,
        nodes=_nodes_in(asked.nodes),
        environment=asked.environment,
        tags=tuple(tags_in(given(asked.tags))),
    )


@action(
    Action.CREATE_CLUSTER,
    payload=CreateClusterPayload,
    check=lambda asked, _now: commands.check_cluster(_new_cluster(asked)),
)
def create_cluster(caller: Caller, input: CreateClusterInput) -> Change:  # noqa: A002
    """Create a Kubernetes cluster in a Service."""
    return commands.create_cluster(key_in(input.service_id), _new_cluster(input), caller.principal.email)


@strawberry.input(description="The namespace to create.")
class CreateClusterNamespaceInput(ChangeInput):
    """The namespace to create."""

    kubernetes_cluster_id: ID = strawberry.field(description="The cluster.")
    name: str = strawberry.field(description="Its name, unique in the cluster, and not one of the cluster's own.")
    cpu_limit: int | None = strawberry.field(
        default=UNSET, description="How many CPU cores it may use; no limit if absent."
    )
    ram_limit_gb: int | None = strawberry.field(
        default=UNSET, description="How much RAM it may use, in GB; no limit if absent."
    )


@strawberry.type(description="What came of creating a namespace.")
class CreateClusterNamespacePayload(Payload):
    """What came of creating a namespace."""

    subject_name, loader = "namespace", "namespace_by_id"

    namespace: Namespace | None = strawberry.field(description="The namespace; null if nothing was done.")


def _new_namespace(asked: CreateClusterNamespaceInput) -> namespaces.NewNamespace:
    return namespaces.NewNamespace(asked.name, given(asked.cpu_limit), given(asked.ram_limit_gb))


@action(
    Action.CREATE_CLUSTER_NAMESPACE,
    payload=CreateClusterNamespacePayload,
    check=lambda asked, _now: namespaces.check_namespace(_new_namespace(asked)),
)
def create_cluster_namespace(caller: Caller, input: CreateClusterNamespaceInput) -> Change:  # noqa: A002
    """Create a namespace in a cluster."""
    return namespaces.create_namespace(key_in(input.kubernetes_cluster_id), _new_namespace(input), revision_in(input))


@strawberry.input(description="Which namespace to delete.")
class DeleteClusterNamespaceInput(ChangeInput):
    """Which namespace to delete."""

    namespace_id: ID = strawberry.field(description="The namespace; not one of the cluster's own.")


@strawberry.type(description="What came of deleting a namespace.")
class DeleteClusterNamespacePayload(Payload):
    """What came of deleting a namespace."""

    subject_name, loader = "namespace", "namespace_by_id"

    namespace: Namespace | None = strawberry.field(description="The namespace, as long as it is there.")


@action(Action.DELETE_CLUSTER_NAMESPACE, payload=DeleteClusterNamespacePayload)
def delete_cluster_namespace(caller: Caller, input: DeleteClusterNamespaceInput) -> Change:  # noqa: A002
    """Delete a namespace of a cluster."""
    return namespaces.delete_namespace(key_in(input.namespace_id), revision_in(input))


@strawberry.input(description="The nodes to add to a cluster.")
class CreateClusterNodesInput(ChangeInput):
    """The nodes to add to a cluster."""

    kubernetes_cluster_id: ID = strawberry.field(description="The cluster; it must be active.")
    nodes: list[ClusterNodesInput] = strawberry.field(
        description=f"The nodes, in the data centers that it has; it has at most {nodes.MOST_NODES} in all."
    )


@strawberry.type(description="What came of adding nodes to a cluster.")
class CreateClusterNodesPayload(Payload):
    """What came of adding nodes to a cluster."""

    subject_name, loader = "kubernetes_cluster", "resource_by_id"

    kubernetes_cluster: KubernetesCluster | None = strawberry.field(
        description="The cluster, with the new nodes in preparation; null if nothing was done."
    )


@action(
    Action.CREATE_CLUSTER_NODES,
    payload=CreateClusterNodesPayload,
    check=lambda asked, _now: nodes.check_nodes(_nodes_in(asked.nodes)),
)
def create_cluster_nodes(caller: Caller, input: CreateClusterNodesInput) -> Change:  # noqa: A002
    """Add nodes to an active cluster."""
    return nodes.create_nodes(key_in(input.kubernetes_cluster_id), _nodes_in(input.nodes), revision_in(input))


@strawberry.input(description="The nodes to remove from a cluster.")
class DeleteClusterNodesInput(ChangeInput):
    """The nodes to remove from a cluster."""

    kubernetes_cluster_id: ID = strawberry.field(description="The cluster.")
    nodes: list[ID] = strawberry.field(
        description=f"Nodes of it, at most {nodes.MOST_NODES}: neither all nor all that traffic enters through; of a"
        " highly available cluster, some stay in each data center."
    )


@strawberry.type(description="What came of removing nodes from a cluster.")
class DeleteClusterNodesPayload(Payload):
    """What came of removing nodes from a cluster."""

    subject_name, loader = "kubernetes_cluster", "resource_by_id"

    kubernetes_cluster: KubernetesCluster | None = strawberry.field(
        description="The cluster, as it is now; null if nothing was done."
    )


def _node_key(value: str) -> UUID | str | None:
    try:
        return key_of(value, "ClusterNode", argument="input.nodes")
    except BadUserInput:
        return value


@action(
    Action.DELETE_CLUSTER_NODES,
    payload=DeleteClusterNodesPayload,
    check=lambda asked, _now: nodes.check_ids([_node_key(value) for value in asked.nodes]),
)
def delete_cluster_nodes(caller: Caller, input: DeleteClusterNodesInput) -> Change:  # noqa: A002
    """Remove nodes from a cluster."""
    keys = [key_in(value) for value in input.nodes]
    return nodes.delete_nodes(key_in(input.kubernetes_cluster_id), keys, revision_in(input))
