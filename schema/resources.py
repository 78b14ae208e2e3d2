"""Resources: what every type has, and the edges from a resource to everything around it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import ID, UNSET

from resolvers.reads import rows
from resolvers.reads.sources import OPERATIONS_OF_RESOURCE
from schema.connections import Connection, connection_of
from schema.edge import Column, Info, by_column, caller_of, edge, then
from schema.enums import NetworkScope, ResourceStatus, ResourceType, SupportPhase
from schema.ids import global_id
from schema.node import Node
from schema.organizations import Cloud, Organization, Service
from schema.topology import AvailabilityZone, DataCenter, from_topology
from schema.verdicts import Permission, viewer_permissions

if TYPE_CHECKING:
    from schema.operations import Operation


@strawberry.type(description="A key and a value that a resource is tagged with; one value per key.")
class Tag:
    """A tag."""

    key: str = strawberry.field(description="The key: no colon in it, no exclamation mark before it.")
    value: str = strawberry.field(description="The value.")


@strawberry.input(description="A key and a value to tag a resource with; one value per key.")
class TagInput:
    """A tag to be."""

    key: str = strawberry.field(description="The key: no colon in it, no exclamation mark before it.")
    value: str = strawberry.field(description="The value.")


def tags_in(tags: Sequence[TagInput] | None) -> list[tuple[str, str]]:
    """Give the tags of an input, each a key and a value; none if it says none."""
    return [(tag.key, tag.value) for tag in tags or ()]


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


def from_details(
    resources: Sequence[rows.ResourceRow], info: Info, look_up: Callable[[rows.ResourceDetail], Any]
) -> Column:
    """Look something up in what lists do not show of resources; their details are there by the model's foreign keys."""
    details = caller_of(info).loaders.detail_by_resource.load_column([(row.id, row.type) for row in resources])
    return then(details, lambda found: list(map(look_up, found)))


def detail(name: str, *, description: str) -> Any:
    """Declare a field of the detail of a resource's type."""
    return by_column(
        lambda resources, info: from_details(resources, info, attrgetter(f"type.{name}")), description=description
    )


def attribute(name: str, *, description: str) -> Any:
    """Declare a field that every resource has beside its list row."""
    return by_column(
        lambda resources, info: from_details(resources, info, attrgetter(f"attributes.{name}")), description=description
    )


def _product(detail: rows.ResourceDetail) -> Product | None:
    found = detail.attributes
    if not (found.product_id and found.product_code and found.product_name and found.product_version):
        return None
    return Product(
        id=ID(global_id("Product", found.product_id)),
        code=found.product_code,
        name=found.product_name,
        version=found.product_version,
    )


def _network(detail: rows.ResourceDetail) -> Network | None:
    found = detail.attributes
    if not (found.network_id and found.vlan and found.cidr and found.network_scope and found.area):
        return None
    return Network(
        id=ID(global_id("Network", found.network_id)),
        vlan=found.vlan,
        cidr=found.cidr,
        scope=NetworkScope(found.network_scope),
        area=found.area,
    )


def _ip_addresses(detail: rows.ResourceDetail) -> list[str]:
    return [str(address) for address in detail.attributes.ip_addresses]


def _tags(
    resources: Sequence[rows.ResourceRow],
    info: Info,
    keys: Annotated[
        list[str] | None, strawberry.argument(description="Only tags of these keys; all if absent.")
    ] = UNSET,
) -> Column:
    if keys is UNSET or keys is None:
        return [rows.tags_from(row.tags) for row in resources]
    wanted = frozenset(keys)
    return [[tag for tag in rows.tags_from(row.tags) if tag.key in wanted] for row in resources]


def _tag(
    resources: Sequence[rows.ResourceRow],
    info: Info,
    key: Annotated[str, strawberry.argument(description="The key.")],
) -> Column:
    return [next((tag.value for tag in rows.tags_from(row.tags) if tag.key == key), None) for row in resources]


def _services(resources: Sequence[rows.ResourceRow], info: Info) -> Column:
    # Of the Service, too, a row has the columns that are shown.
    columns = [
        map(attrgetter(name), resources) if hasattr(resources[0], name) else repeat(None, len(resources))
        for name in ("organization_id", "cloud_id", "service_id", "service_name", "service_description")
    ]
    return _once_for_all(rows.maker(rows.ServiceRow), list(zip(*columns, strict=True)))


def _zones(resources: Sequence[rows.ResourceRow], info: Info) -> Column:
    return from_topology(
        info,
        lambda topology: _once_for_all(partial(_places, topology.zones), [row.availability_zones for row in resources]),
    )


def _data_centers(resources: Sequence[rows.ResourceRow], info: Info) -> Column:
    return from_topology(
        info,
        lambda topology: _once_for_all(
            partial(_places, topology.data_centers), [row.data_centers for row in resources]
        ),
    )


def _places(places: Mapping[str, Any], codes: str) -> list[Any]:
    return [places[code] for code in codes.split(rows.SEPARATOR)] if codes else []


def _once_for_all(make: Callable[[Any], Any], column: Sequence[Any]) -> list[Any]:
    """Make a value for each item, one for all that are equal."""
    made = {item: make(item) for item in set(column)}
    return list(map(made.__getitem__, column))


@strawberry.interface(description="An infrastructure or middleware component; it belongs to exactly one Service.")
class Resource(Node):
    """A resource."""

    type: ResourceType = strawberry.field(description="What it is.")
    name: str = strawberry.field(description="Its name, unique in its Service.")
    status: ResourceStatus = strawberry.field(description="Its status.")
    environment: str = strawberry.field(description="The code of its environment: production, qa, dev, test and so on.")
    revision: int = strawberry.field(description="A number that grows with every change of it.")
    tags: list[Tag] = by_column(_tags, list_size=3, description="Its tags, by key; at most 50.")
    tag: str | None = by_column(_tag, description="The value of one of its tags.")
    service: Service = by_column(_services, description="Its Service.")
    cloud: Cloud = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="Its Cloud.")
    organization: Organization = edge(
        lambda loaders: loaders.organization_by_id, key="organization_id", description="Its organization."
    )
    availability_zones: list[AvailabilityZone] = by_column(
        _zones,
        list_size=1,
        description="Its availability zones: one for an instance, several for a cluster over two data centers.",
    )
    data_centers: list[DataCenter] = by_column(
        _data_centers,
        list_size=1,
        description="Its data centers, also where it has no availability zone.",
    )
    monitoring_enabled: bool = strawberry.field(description="Whether it is monitored.")
    on_call: bool = strawberry.field(description="Whether somebody is on call for it, day and night.")
    comment: str | None = attribute("comment", description="What people noted about it.")
    created_by: str | None = attribute("created_by", description="Who created it.")
    external_id: str | None = attribute("external_id", description="Its id in the system it was imported from.")
    product: Product | None = by_column(
        lambda resources, info: from_details(resources, info, _product), description="Its product in the catalogue."
    )
    support_level: str | None = attribute("support_level", description="Its level of support.")
    support_phase: SupportPhase | None = attribute("support_phase", description="Where its product stands in its life.")
    network: Network | None = by_column(
        lambda resources, info: from_details(resources, info, _network), description="Its network."
    )
    ip_addresses: list[str] = by_column(
        lambda resources, info: from_details(resources, info, _ip_addresses), description="Its IP addresses."
    )
    created_at: datetime = strawberry.field(description="When it was created.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    operations: Connection[Annotated["Operation", strawberry.lazy("schema.operations")]] = connection_of(
        OPERATIONS_OF_RESOURCE, parent="id", description="What was asked for it, the last first."
    )
    viewer_permissions: list[Permission] = viewer_permissions(
        description="What the caller may do with it now, and if not, why."
    )
