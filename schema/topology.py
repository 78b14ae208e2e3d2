"""Where resources are placed: regions, data centers and availability zones."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.reads import rows
from resolvers.reads.sources import RESOURCES_OF_ZONE
from resolvers.reads.topology import Topology
from schema.connections import ResourcesConnection, resources_of
from schema.edge import Column, Info, by_column, caller_of, then
from schema.enums import ZoneAudience
from schema.node import Node

if TYPE_CHECKING:
    from schema.resources import Resource


def from_topology(info: Info, look_up: Callable[[Topology], list[Any]]) -> Column:
    """Look something up in the topology of the operation's snapshot."""
    return then(caller_of(info).loaders.topology.load_column(["all"]), lambda found: look_up(found[0]))


def _centers_of_regions(regions: Sequence[rows.RegionRow], info: Info) -> Column:
    return from_topology(
        info,
        lambda topology: [
            [center for center in topology.data_centers.values() if center.region_code == region.code]
            for region in regions
        ],
    )


def _regions_of_centers(centers: Sequence[rows.DataCenterRow], info: Info) -> Column:
    return from_topology(info, lambda topology: [topology.regions[center.region_code] for center in centers])


def _zones_of_centers(centers: Sequence[rows.DataCenterRow], info: Info) -> Column:
    return from_topology(
        info,
        lambda topology: [
            [zone for zone in topology.zones.values() if zone.data_center_code == center.code] for center in centers
        ],
    )


def _centers_of_zones(zones: Sequence[rows.AvailabilityZoneRow], info: Info) -> Column:
    return from_topology(info, lambda topology: [topology.data_centers[zone.data_center_code] for zone in zones])


@strawberry.type(description="A group of data centers with low latency between them (< 1 ms).")
class Region(Node):
    """A region."""

    code: str = strawberry.field(description="Its code, like EB.")
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(description="Where it is.")
    data_centers: list["DataCenter"] = by_column(
        _centers_of_regions, list_size=3, description="Its data centers, by code."
    )


@strawberry.type(description="A data center of a region.")
class DataCenter(Node):
    """A data center."""

    code: str = strawberry.field(description="Its code, like EB4.")
    name: str = strawberry.field(description="Its name: the town it is in.")
    region: Region = by_column(_regions_of_centers, description="Its region.")
    availability_zones: list["AvailabilityZone"] = by_column(
        _zones_of_centers, list_size=4, description="Its availability zones, by code; it may have none."
    )


@strawberry.type(description="A set of dedicated infrastructure components in a data center.")
class AvailabilityZone(Node):
    """An availability zone."""

    code: str = strawberry.field(description="Its code, like EB-HDS-A.")
    description: str = strawberry.field(description="What it is for.")
    audience: ZoneAudience = strawberry.field(description="For whom it is.")
    data_center: DataCenter = by_column(_centers_of_zones, description="Its data center.")
    resources: ResourcesConnection[Annotated["Resource", strawberry.lazy("schema.resources")]] = resources_of(
        RESOURCES_OF_ZONE, parent="code", description="The resources in it."
    )
