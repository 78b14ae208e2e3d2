"""Resources: what every type has, and the edges from a resource to everything around it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import ID, UNSET, Parent

from resolvers.reads import rows
from resolvers.reads.sources import OPERATIONS_OF_RESOURCE
from schema.connections import Connection, connection_of
from schema.edge import caller_of, edge
from schema.enums import NetworkScope, ResourceStatus, ResourceType, SupportPhase
from schema.ids import global_id
from schema.node import Node
from schema.organizations import Cloud, Organization, Service
from schema.topology import AvailabilityZone, DataCenter, topology_of

if TYPE_CHECKING:
    from schema.operations import Operation

Info = strawberry.Info[Any, Any]
ResourceParent = Parent[rows.ResourceRow]


@strawberry.type(description="A key and a value that a resource is tagged with; one value per key.")
class Tag:
    """A tag."""

    key: str = strawberry.field(description="The key: no colon in it, no exclamation mark before it.")
    value: str = strawberry.field(description="The value.")


@strawberry.type(description="A product of the platform's catalogue.")
class Product:
    """A product."""

    id: ID = strawberry.field(description="Its id.")
    code: str = strawberry.field(description="Its code.")
    name: str = strawberry.field(description="Its name.")
    version: str = strawberry.field(description="Its version.")


@strawberry.type(description="The network that a resource is in.")
class Network:
    """A network."""

    id: ID = strawberry.field(description="Its id.")
    vlan: int = strawberry.field(description="Its VLAN.")
    cidr: str = strawberry.field(description="Its addresses, like 10.1.0.0/24.")
    scope: NetworkScope = strawberry.field(description="From where it is reached.")
    area: str = strawberry.field(description="The code of its area: the tenant's isolation inside a region.")


async def detail_of(root: rows.ResourceRow, info: Info) -> rows.ResourceDetail:
    """Load what lists do not show of a resource; its detail is there by the model's foreign keys."""
    detail = await caller_of(info).loaders.detail_by_resource.load((root.id, root.type))
    if detail is None:
        raise LookupError(f"the resource {root.id} has no detail row")
    return detail


def detail(name: str, *, description: str) -> Any:
    """Declare a field of the detail of a resource's type."""

    async def resolve(root: Parent[rows.ResourceRow], info: Info) -> Any:
        return getattr((await detail_of(root, info)).type, name)

    return strawberry.field(resolver=resolve, description=description)


def attribute(name: str, *, description: str) -> Any:
    """Declare a field that every resource has beside its list row."""

    async def resolve(root: Parent[rows.ResourceRow], info: Info) -> Any:
        return getattr((await detail_of(root, info)).attributes, name)

    return strawberry.field(resolver=resolve, description=description)


async def _product(root: ResourceParent, info: Info) -> Product | None:
    found = (await detail_of(root, info)).attributes
    if not (found.product_id and found.product_code and found.product_name and found.product_version):
        return None
    return Product(
        id=ID(global_id("Product", found.product_id)),
        code=found.product_code,
        name=found.product_name,
        version=found.product_version,
    )


async def _network(root: ResourceParent, info: Info) -> Network | None:
    found = (await detail_of(root, info)).attributes
    if not (found.network_id and found.vlan and found.cidr and found.network_scope and found.area):
        return None
    return Network(
        id=ID(global_id("Network", found.network_id)),
        vlan=found.vlan,
        cidr=found.cidr,
        scope=NetworkScope(found.network_scope),
        area=found.area,
    )


async def _ip_addresses(root: ResourceParent, info: Info) -> list[str]:
    return [str(address) for address in (await detail_of(root, info)).attributes.ip_addresses]


def _tags(
    root: ResourceParent,
    keys: Annotated[
        list[str] | None, strawberry.argument(description="Only tags of these keys; all if absent.")
    ] = UNSET,
) -> list[Tag]:
    wanted = root.tags if keys is UNSET or keys is None else {key: root.tags[key] for key in keys if key in root.tags}
    return [Tag(key=key, value=wanted[key]) for key in sorted(wanted)]


def _tag(root: ResourceParent, key: Annotated[str, strawberry.argument(description="The key.")]) -> str | None:
    return root.tags.get(key)


def _service(root: ResourceParent) -> Any:
    return rows.ServiceRow(
        root.organization_id, root.cloud_id, root.service_id, root.service_name, root.service_description
    )


async def _zones(root: ResourceParent, info: Info) -> Any:
    zones = (await topology_of(info)).zones
    return [zones[code] for code in root.availability_zones]


async def _data_centers(root: ResourceParent, info: Info) -> Any:
    data_centers = (await topology_of(info)).data_centers
    return [data_centers[code] for code in root.data_centers]


@strawberry.interface(description="An infrastructure or middleware component; it belongs to exactly one Service.")
class Resource(Node):
    """A resource."""

    type: ResourceType = strawberry.field(description="What it is.")
    name: str = strawberry.field(description="Its name, unique in its Service.")
    status: ResourceStatus = strawberry.field(description="Its status.")
    environment: str = strawberry.field(description="The code of its environment: production, qa, dev, test and so on.")
    revision: int = strawberry.field(description="A number that grows with every change of it.")
    tags: list[Tag] = strawberry.field(
        resolver=_tags, metadata={"list_size": 3}, description="Its tags, by key; at most 50."
    )
    tag: str | None = strawberry.field(resolver=_tag, description="The value of one of its tags.")
    service: Service = strawberry.field(resolver=_service, description="Its Service.")
    cloud: Cloud = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="Its Cloud.")
    organization: Organization = edge(
        lambda loaders: loaders.organization_by_id, key="organization_id", description="Its organization."
    )
    availability_zones: list[AvailabilityZone] = strawberry.field(
        resolver=_zones,
        metadata={"list_size": 1},
        description="Its availability zones: one for an instance, several for a cluster over two data centers.",
    )
    data_centers: list[DataCenter] = strawberry.field(
        resolver=_data_centers,
        metadata={"list_size": 1},
        description="Its data centers, also where it has no availability zone.",
    )
    monitoring_enabled: bool = strawberry.field(description="Whether it is monitored.")
    on_call: bool = strawberry.field(description="Whether somebody is on call for it, day and night.")
    comment: str | None = attribute("comment", description="What people noted about it.")
    created_by: str | None = attribute("created_by", description="Who created it.")
    external_id: str | None = attribute("external_id", description="Its id in the system it was imported from.")
    product: Product | None = strawberry.field(resolver=_product, description="Its product in the catalogue.")
    support_level: str | None = attribute("support_level", description="Its level of support.")
    support_phase: SupportPhase | None = attribute("support_phase", description="Where its product stands in its life.")
    network: Network | None = strawberry.field(resolver=_network, description="Its network.")
    ip_addresses: list[str] = strawberry.field(resolver=_ip_addresses, description="Its IP addresses.")
    created_at: datetime = strawberry.field(description="When it was created.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    operations: Connection[Annotated["Operation", strawberry.lazy("schema.operations")]] = connection_of(
        OPERATIONS_OF_RESOURCE, parent="id", description="What was asked for it, the last first."
    )
