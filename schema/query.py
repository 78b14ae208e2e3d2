"""The entry points of the graph."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from strawberry import ID, UNSET

from auth.errors import BadUserInput, LimitExceeded
from resolvers.context import Context
from resolvers.reads.accounts import ALL_ACCOUNT_REQUESTS
from resolvers.reads.predicates import All, In, Match, Text
from resolvers.reads.sources import ALL_OPERATIONS, ALL_ORGANIZATIONS, ALL_RESOURCES, ALL_SERVICES, ALL_TAG_KEYS
from resolvers.reads.topology import Topology
from schema.account_requests import AccountRequest
from schema.accounts import Viewer
from schema.clusters import KubernetesCluster
from schema.conditions import given
from schema.connections import (
    After,
    Before,
    Connection,
    First,
    Last,
    ResourcesConnection,
    connection_of,
    list_pages,
    resources_of,
    services_of,
)
from schema.edge import Column, Info, by_column, caller_of
from schema.enums import RequestStatus
from schema.ids import RESOURCE_TYPES, parse_id
from schema.instances import Instance
from schema.load_balancers import LoadBalancer
from schema.node import Node, load_node
from schema.object_stores import ObjectStore
from schema.operations import Operation, OperationFilter
from schema.organizations import Cloud, Organization, Service
from schema.privileges import MATRIX, Privilege
from schema.resources import Resource
from schema.topology import AvailabilityZone, Region, from_topology

MOST_NODES = 100


@strawberry.type(description="A tag key, for completing what people type.")
class TagKey:
    """A tag key."""

    key: str = strawberry.field(description="The key.")
    count: int = by_column(
        lambda keys, info: [key.resources for key in keys],
        description="How many resources that the caller sees carry it.",
    )


def _viewer(info: Info) -> Any:
    context: Context = info.context
    return None if context.caller is None else context.caller.principal


def _by_id(*types: str) -> Any:
    async def resolve(info: Info, id: Annotated[ID, strawberry.argument(description="Its id.")]) -> Any:  # noqa: A002
        caller = caller_of(info)
        type_, key = parse_id(id, argument="id")
        return await load_node(caller, type_, key) if not types or type_ in types else None

    return resolve


async def _nodes(
    info: Info, ids: Annotated[list[ID], strawberry.argument(description=f"Their ids, at most {MOST_NODES}.")]
) -> Any:
    caller = caller_of(info)
    if len(ids) > MOST_NODES:
        raise LimitExceeded(
            f"`ids` has {len(ids)} ids; at most {MOST_NODES} are read at once.",
            limit="nodes",
            value=len(ids),
            maximum=MOST_NODES,
        )
    keys = [parse_id(value, argument="ids") for value in ids]
    return await asyncio.gather(*[load_node(caller, type_, key) for type_, key in keys])


async def _by_path(
    info: Info,
    path: Annotated[
        str,
        strawberry.argument(
            description="organization/cloud/service/resource: two codes and two names, like acme/alpha/shop/web-01."
        ),
    ],
) -> Any:
    loaders = caller_of(info).loaders
    parts = tuple(path.split("/"))
    if len(parts) != 4:
        raise BadUserInput("A path is organization/cloud/service/resource.", argument="path")
    return await loaders.resource_by_path.load(parts)


def _regions(roots: Sequence[Any], info: Info) -> Column:
    return from_topology(info, lambda topology: [list(topology.regions.values())])


def _zones(
    roots: Sequence[Any],
    info: Info,
    region: Annotated[
        str | None, strawberry.argument(description="The code of a region; zones of all regions if absent.")
    ] = UNSET,
) -> Column:
    def zones(topology: Topology) -> list[Any]:
        return [
            zone
            for zone in topology.zones.values()
            if not given(region) or topology.data_centers[zone.data_center_code].region_code == region
        ]

    return from_topology(info, lambda topology: [zones(topology)])


def _tag_keys(
    roots: Sequence[Any],
    info: Info,
    starts_with: Annotated[
        str | None, strawberry.argument(description="Only keys that start with this; all if absent.")
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Column:
    where = Text("key", Match.STARTS_WITH, starts_with) if starts_with else All(())
    return list_pages(ALL_TAG_KEYS, info, (first, after, last, before), where=where)


def _operations(
    roots: Sequence[Any],
    info: Info,
    filter: Annotated[  # noqa: A002 - the argument's public name
        OperationFilter | None, strawberry.argument(description="Which operations; all if absent.")
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Column:
    where = filter.predicate() if filter else All(())
    return list_pages(ALL_OPERATIONS, info, (first, after, last, before), where=where)


def _account_requests(
    roots: Sequence[Any],
    info: Info,
    status: Annotated[
        RequestStatus | None, strawberry.argument(description="Only those that stand so; all if absent.")
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Column:
    where = In("status", (status.value,)) if status else All(())
    return list_pages(ALL_ACCOUNT_REQUESTS, info, (first, after, last, before), where=where)


def _privileges(roots: Sequence[Any], info: Info) -> Column:
    caller_of(info)
    return [MATRIX]


def _only(type_: str) -> In:
    return In("type", (type_,))


@strawberry.type(description="The entry points of the graph. All but `viewer` need an access token.")
class Query:
    """The entry points of the graph."""

    viewer: Viewer | None = strawberry.field(resolver=_viewer, description="The caller; null for the anonymous.")
    node: Node | None = strawberry.field(
        resolver=_by_id(), description="A thing by its id; null if there is none that the caller sees."
    )
    nodes: list[Node | None] = strawberry.field(
        resolver=_nodes, description="Things by their ids, in their order; null for each that the caller does not see."
    )
    organizations: Connection[Organization] = connection_of(
        ALL_ORGANIZATIONS, description="The organizations that the caller sees, by name."
    )
    organization: Organization | None = strawberry.field(
        resolver=_by_id("Organization"), description="An organization by its id."
    )
    cloud: Cloud | None = strawberry.field(resolver=_by_id("Cloud"), description="A Cloud by its id.")
    service: Service | None = strawberry.field(resolver=_by_id("Service"), description="A Service by its id.")
    services: Connection[Service] = services_of(ALL_SERVICES, description="The Services that the caller sees.")
    resource: Resource | None = strawberry.field(
        resolver=_by_id(*RESOURCE_TYPES.values()), description="A resource of any type by its id."
    )
    resource_by_path: Resource | None = strawberry.field(
        resolver=_by_path, description="A resource by where it stands, like acme/alpha/shop/web-01."
    )
    resources: ResourcesConnection[Resource] = resources_of(
        ALL_RESOURCES, description="The resources that the caller sees, of any type."
    )
    instances: ResourcesConnection[Instance] = resources_of(
        ALL_RESOURCES, only=_only("INSTANCE"), description="The instances that the caller sees."
    )
    load_balancers: ResourcesConnection[LoadBalancer] = resources_of(
        ALL_RESOURCES, only=_only("LOAD_BALANCER"), description="The load balancers that the caller sees."
    )
    object_stores: ResourcesConnection[ObjectStore] = resources_of(
        ALL_RESOURCES, only=_only("OBJECT_STORE"), description="The object stores that the caller sees."
    )
    kubernetes_clusters: ResourcesConnection[KubernetesCluster] = resources_of(
        ALL_RESOURCES, only=_only("KUBERNETES_CLUSTER"), description="The Kubernetes clusters that the caller sees."
    )
    regions: list[Region] = by_column(_regions, list_size=5, description="The regions, by code.")
    availability_zones: list[AvailabilityZone] = by_column(
        _zones, description="The availability zones, by region, data center and code."
    )
    tag_keys: Connection[TagKey] = by_column(
        _tag_keys, description="The tag keys that resources carry, by key, with their number of resources."
    )
    operations: Connection[Operation] = by_column(
        _operations, description="The operations in the Clouds that the caller sees, the last first."
    )
    account_requests: Connection[AccountRequest] = by_column(
        _account_requests,
        description="The accounts that were requested, the last first: everywhere, for the platform; for a security"
        " representative in the organizations that they represent.",
    )
    privileges: list[Privilege] = by_column(_privileges, description="The privilege matrix, for a console to render.")
