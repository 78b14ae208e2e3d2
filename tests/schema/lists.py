"""Every list of the graph: below which parents it is, which rows it has, and in which order when none is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from auth.tables import Cloud, Membership, Organization
from resolvers.reference import AVAILABILITY_ZONES, reference_id
from resolvers.tables import (
    ClusterNode,
    DnsAlias,
    Indicator,
    Instance,
    KubernetesCluster,
    LoadBalancer,
    LoadBalancerMember,
    Maintenance,
    MaintenanceSubject,
    Namespace,
    ObjectStore,
    ObjectStoreUser,
    Operation,
    Resource,
    ResourceType,
    Service,
    Snapshot,
)
from schema.ids import global_id
from tests.schema.evaluation import resource_id
from tests.schema.world import WIDE, World

Rows = Sequence[Any]

NO_PARENT = "_" + "0" * 32


@dataclass(frozen=True)
class GraphList:
    """A field that is a connection: of `Query`, or of every parent of a type, for one caller.

    `keys` are the parents', and `below` gives the rows of one of them. `identify` gives what a node's `selection` says
    of a row under `id`. `order` are attributes, and whether descending.
    """

    parent: str
    field: str
    keys: Callable[[World], Sequence[UUID]]
    below: Callable[[World, UUID], Rows]
    identify: Callable[[Any], str]
    order: tuple[tuple[str, bool], ...] = (("name", False),)
    takes: str = ""
    """What it can be filtered and ordered as, if it can: Resource or Service."""
    selection: str = "id"

    def __str__(self) -> str:
        return f"{self.parent}.{self.field}"

    def parents(self, world: World) -> list[str]:
        """Give the ids of its parents that the caller sees; a list of `Query` has none."""
        return [global_id(self.parent, key) for key in self.keys(world)]

    def one_parent(self, world: World) -> list[list[str]]:
        """Give each parent alone, or no parent as the one choice there is."""
        return [[parent] for parent in self.parents(world)] or [[]]

    def rows(self, world: World, parents: Sequence[str]) -> Rows:
        """Give what it has below one parent, or below none, in the order that it has by itself."""
        (key,) = (UUID(parent.partition("_")[2]) for parent in parents or [NO_PARENT])
        rows = list(self.below(world, key))
        for attribute, descending in reversed((*self.order, ("id", bool(self.order) and self.order[-1][1]))):
            rows.sort(key=lambda row: getattr(row, attribute), reverse=descending)
        return rows

    def identity(self, node: dict[str, Any]) -> str:
        """Tell what a node is."""
        while "id" not in node:
            (node,) = node.values()
        return str(node["id"])


def _id(type_: str) -> Callable[[Any], str]:
    return lambda row: global_id(type_, row.id)


def _seen(model: type[Any]) -> Callable[[World, UUID], Rows]:
    return lambda world, _: world.seen(model, WIDE)


def _where(model: type[Any], column: str) -> Callable[[World, UUID], Rows]:
    return lambda world, parent: [row for row in world.seen(model, WIDE) if getattr(row, column) == parent]


def _resources(*kinds: type[Any]) -> Callable[[World], list[UUID]]:
    return lambda world: [row.id for row in world.seen(Resource, WIDE) if isinstance(world.details[row.id], kinds)]


def _of_type(type_: ResourceType) -> Callable[[World], list[UUID]]:
    return lambda world: [row.id for row in world.seen(Resource, WIDE) if row.type == type_]


def _organizations(world: World) -> list[Organization]:
    held = {world.clouds[key].organization_id for key in world.open_clouds(WIDE)}
    return [row for row in world.all(Organization) if row.id in held]


def _clouds(world: World) -> list[Cloud]:
    return [world.clouds[key] for key in world.open_clouds(WIDE)]


def _keys(model: type[Any]) -> Callable[[World], list[UUID]]:
    return lambda world: [row.id for row in world.seen(model, WIDE)]


def _in_zone(world: World, zone: UUID) -> Rows:
    (code,) = (code for code in AVAILABILITY_ZONES if reference_id("availability_zone", code) == zone)
    return [row for row in world.seen(Resource, WIDE) if code in row.availability_zones]


def _load_balancers(world: World, instance: UUID) -> Rows:
    keys = {row.resource_id for row in world.all(LoadBalancerMember) if row.instance_id == instance}
    return [row for row in world.seen(Resource, WIDE) if row.id in keys]


def _subjects(model: type[Any], column: str) -> Callable[[World, UUID], Rows]:
    def rows(world: World, maintenance: UUID) -> Rows:
        subjects = [row for row in world.all(MaintenanceSubject) if row.maintenance_id == maintenance]
        keys = {getattr(row, column) for row in subjects}
        return [row for row in world.seen(model, WIDE) if row.id in keys]

    return rows


@dataclass(frozen=True)
class _Held:
    """A Cloud in which the caller holds something; memberships are listed by it."""

    id: UUID


def _memberships(world: World, account: UUID) -> Rows:
    return [_Held(key) for key in {row.cloud_id for row in world.all(Membership) if row.account_id == account}]


@dataclass(frozen=True)
class _TagKey:
    """A tag key is known by itself."""

    id: str


def _tag_keys(world: World, _: UUID) -> Rows:
    return [_TagKey(key) for key in {key for row in world.seen(Resource, WIDE) for key in row.tags}]


def _no_parents(_: World) -> list[UUID]:
    return []


LAST_FIRST = (("submitted_at", True),)

LISTS: tuple[GraphList, ...] = (
    GraphList("Query", "organizations", _no_parents, lambda world, _: _organizations(world), _id("Organization")),
    GraphList("Query", "services", _no_parents, _seen(Service), _id("Service"), takes="Service"),
    GraphList("Query", "resources", _no_parents, _seen(Resource), resource_id, takes="Resource"),
    GraphList("Query", "operations", _no_parents, _seen(Operation), _id("Operation"), LAST_FIRST),
    GraphList("Query", "tagKeys", _no_parents, _tag_keys, lambda row: row.id, (), selection="id: key"),
    GraphList(
        "Organization",
        "clouds",
        lambda world: [row.id for row in _organizations(world)],
        lambda world, parent: [row for row in _clouds(world) if row.organization_id == parent],
        _id("Cloud"),
    ),
    GraphList(
        "Organization",
        "resources",
        lambda world: [row.id for row in _organizations(world)],
        _where(Resource, "organization_id"),
        resource_id,
        takes="Resource",
    ),
    GraphList(
        "Cloud",
        "services",
        lambda world: [row.id for row in _clouds(world)],
        _where(Service, "cloud_id"),
        _id("Service"),
        takes="Service",
    ),
    GraphList(
        "Cloud",
        "resources",
        lambda world: [row.id for row in _clouds(world)],
        _where(Resource, "cloud_id"),
        resource_id,
        takes="Resource",
    ),
    GraphList(
        "Cloud",
        "maintenances",
        lambda world: [row.id for row in _clouds(world)],
        _where(Maintenance, "cloud_id"),
        _id("Maintenance"),
        (("starts_at", True),),
    ),
    GraphList("Service", "resources", _keys(Service), _where(Resource, "service_id"), resource_id, takes="Resource"),
    GraphList("Service", "indicators", _keys(Service), _where(Indicator, "service_id"), _id("Indicator")),
    GraphList(
        "AvailabilityZone",
        "resources",
        lambda _: [reference_id("availability_zone", code) for code in AVAILABILITY_ZONES],
        _in_zone,
        resource_id,
        takes="Resource",
    ),
    GraphList(
        "Instance",
        "snapshots",
        _resources(Instance),
        _where(Snapshot, "resource_id"),
        _id("Snapshot"),
        (("created_at", True),),
    ),
    GraphList(
        "Instance",
        "dnsAliases",
        _resources(Instance),
        _where(DnsAlias, "resource_id"),
        _id("DnsAlias"),
        (("fqdn", False),),
    ),
    GraphList("Instance", "loadBalancers", _resources(Instance), _load_balancers, resource_id),
    GraphList(
        "Instance", "operations", _resources(Instance), _where(Operation, "resource_id"), _id("Operation"), LAST_FIRST
    ),
    GraphList(
        "LoadBalancer",
        "members",
        _resources(LoadBalancer),
        _where(LoadBalancerMember, "resource_id"),
        _id("LoadBalancerMember"),
        (),
    ),
    GraphList(
        "LoadBalancer",
        "dnsAliases",
        _resources(LoadBalancer),
        _where(DnsAlias, "resource_id"),
        _id("DnsAlias"),
        (("fqdn", False),),
    ),
    GraphList(
        "ObjectStore",
        "users",
        _resources(ObjectStore),
        _where(ObjectStoreUser, "resource_id"),
        _id("ObjectStoreUser"),
        (("label", False),),
    ),
    GraphList(
        "KubernetesCluster",
        "namespaces",
        _resources(KubernetesCluster),
        _where(Namespace, "resource_id"),
        _id("Namespace"),
    ),
    GraphList(
        "KubernetesCluster",
        "nodes",
        _resources(KubernetesCluster),
        _where(ClusterNode, "resource_id"),
        _id("ClusterNode"),
    ),
    GraphList(
        "ManagedDatabase",
        "nodes",
        _of_type(ResourceType.MANAGED_DATABASE),
        _where(ClusterNode, "resource_id"),
        _id("ClusterNode"),
    ),
    GraphList("Maintenance", "services", _keys(Maintenance), _subjects(Service, "service_id"), _id("Service")),
    GraphList(
        "Maintenance",
        "resources",
        _keys(Maintenance),
        _subjects(Resource, "resource_id"),
        resource_id,
        takes="Resource",
    ),
    GraphList(
        "Viewer",
        "memberships",
        lambda world: [world.account(WIDE).id],
        _memberships,
        _id("Cloud"),
        (),
        selection="cloud { id }",
    ),
)
