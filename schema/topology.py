"""Where resources are placed: regions, data centers and availability zones."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent

from resolvers.reads import rows
from resolvers.reads.lookups import Topology
from resolvers.reads.sources import RESOURCES_OF_ZONE
from schema.connections import ResourcesConnection, resources_of
from schema.edge import caller_of
from schema.enums import ZoneAudience
from schema.node import Node

if TYPE_CHECKING:
    from schema.resources import Resource

Info = strawberry.Info[Any, Any]


async def topology_of(info: Info) -> Topology:
    """Give the topology of the operation's snapshot."""
    return await caller_of(info).loaders.topology()


async def _centers_of_region(root: Parent[rows.RegionRow], info: Info) -> Any:
    return [row for row in (await topology_of(info)).data_centers.values() if row.region_code == root.code]


async def _region_of_center(root: Parent[rows.DataCenterRow], info: Info) -> Any:
    return (await topology_of(info)).regions[root.region_code]


async def _zones_of_center(root: Parent[rows.DataCenterRow], info: Info) -> Any:
    return [row for row in (await topology_of(info)).zones.values() if row.data_center_code == root.code]


async def _center_of_zone(root: Parent[rows.AvailabilityZoneRow], info: Info) -> Any:
    return (await topology_of(info)).data_centers[root.data_center_code]


@strawberry.type(description="A group of data centers with low latency between them (< 1 ms).")
class Region(Node):
    """A region."""

    code: str = strawberry.field(description="Its code, like EB.")
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(description="Where it is.")
    data_centers: list["DataCenter"] = strawberry.field(
        resolver=_centers_of_region, metadata={"list_size": 3}, description="Its data centers, by code."
    )


@strawberry.type(description="A data center of a region.")
class DataCenter(Node):
    """A data center."""

    code: str = strawberry.field(description="Its code, like EB4.")
    name: str = strawberry.field(description="Its name: the town it is in.")
    region: Region = strawberry.field(resolver=_region_of_center, description="Its region.")
    availability_zones: list["AvailabilityZone"] = strawberry.field(
        resolver=_zones_of_center,
        metadata={"list_size": 4},
        description="Its availability zones, by code; it may have none.",
    )


@strawberry.type(description="A set of dedicated infrastructure components in a data center.")
class AvailabilityZone(Node):
    """An availability zone."""

    code: str = strawberry.field(description="Its code, like EB-HDS-A.")
    description: str = strawberry.field(description="What it is for.")
    audience: ZoneAudience = strawberry.field(description="For whom it is.")
    data_center: DataCenter = strawberry.field(resolver=_center_of_zone, description="Its data center.")
    resources: ResourcesConnection[Annotated["Resource", strawberry.lazy("schema.resources")]] = resources_of(
        RESOURCES_OF_ZONE, parent="code", description="The resources in it."
    )
