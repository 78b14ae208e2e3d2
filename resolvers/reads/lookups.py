"""Rows by key: the to-one edges of the graph, the short lists that are never paged, and the topology."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Column, Table, Uuid, and_, any_, literal, select, tuple_
from sqlmodel import SQLModel

from auth.principal import Scope
from auth.tables import table
from resolvers import tables as t
from resolvers.reads import rows
from resolvers.reads.sources import (
    AREA,
    CLOUD,
    NETWORK,
    ORGANIZATION,
    PRODUCT,
    RESOURCE,
    RESOURCES,
    SERVICE,
    Source,
    in_open_clouds,
    objects,
)
from resolvers.snapshot import Snapshot

R = TypeVar("R")
ResourceKey = tuple[UUID, str]
"""A resource's id and its type."""
Path = tuple[str, str, str, str]
"""The codes of an organization and a Cloud, the names of a Service and a resource."""


def _ids(column: Column[Any], keys: Sequence[UUID]) -> Any:
    return column == any_(literal(list(keys), ARRAY(Uuid())))


async def rows_by_key(
    snapshot: Snapshot, scope: Scope, of: Source[R], column: Column[Any], keys: Sequence[UUID]
) -> list[R | None]:
    """Read rows of one kind by a unique column; None where there is none that the caller may see."""
    statement = select(column, *of.columns).select_from(of.table).where(_ids(column, keys), of.visible(scope))
    found = {key: of.row(*columns) for key, *columns in await snapshot.fetch(statement)}
    return [found.get(key) for key in keys]


async def resources_by_path(snapshot: Snapshot, scope: Scope, paths: Sequence[Path]) -> list[rows.ResourceRow | None]:
    """Read resources by the codes of their organization and Cloud and the names of their Service and themselves."""
    joined = RESOURCES.table.join(ORGANIZATION, ORGANIZATION.c.id == RESOURCE.c.organization_id).join(
        CLOUD, and_(CLOUD.c.organization_id == RESOURCE.c.organization_id, CLOUD.c.id == RESOURCE.c.cloud_id)
    )
    names = (ORGANIZATION.c.code, CLOUD.c.code, SERVICE.c.name, RESOURCE.c.name)
    statement = (
        select(*names, *RESOURCES.columns)
        .select_from(joined)
        .where(tuple_(*names).in_(paths), RESOURCES.visible(scope))
    )
    found = {tuple(row[:4]): rows.ResourceRow(*row[4:]) for row in await snapshot.fetch(statement)}
    return [found.get(path) for path in paths]


# -- details: one statement for every type among the resources -------------------------------------------------------

_DETAILS: Mapping[str, tuple[type[SQLModel], Any]] = {
    "INSTANCE": (t.Instance, rows.InstanceRow),
    "LOAD_BALANCER": (t.LoadBalancer, rows.LoadBalancerRow),
    "OBJECT_STORE": (t.ObjectStore, rows.ObjectStoreRow),
    "KUBERNETES_CLUSTER": (t.KubernetesCluster, rows.KubernetesClusterRow),
    "MANAGED_DATABASE": (t.Middleware, rows.MiddlewareRow),
    "MESSAGE_BROKER": (t.Middleware, rows.MiddlewareRow),
    "APPLICATION_SERVER": (t.Middleware, rows.MiddlewareRow),
    "FILE_STORAGE": (t.Middleware, rows.MiddlewareRow),
}
_FILE_SYSTEMS = objects(
    t.FileSystem,
    lambda system: and_(system.c.organization_id == RESOURCE.c.organization_id, system.c.resource_id == RESOURCE.c.id),
    "mount_point",
    "id",
    "mount_point",
    "type",
    "size_gb",
    "free_gb",
)
_ATTRIBUTES = (
    *(RESOURCE.c[name] for name in ("id", "comment", "created_by", "external_id", "support_level", "support_phase")),
    PRODUCT.c.id,
    PRODUCT.c.code,
    PRODUCT.c.name,
    PRODUCT.c.version,
    RESOURCE.c.ip_addresses,
    NETWORK.c.id,
    NETWORK.c.vlan,
    NETWORK.c.cidr,
    NETWORK.c.scope,
    AREA.c.code,
)


async def details_by_resource(
    snapshot: Snapshot, scope: Scope, keys: Sequence[ResourceKey]
) -> list[rows.ResourceDetail | None]:
    """Read what lists do not show of resources of any types, in one statement that joins only the types at hand."""
    joined: Any = (
        RESOURCE.outerjoin(PRODUCT, PRODUCT.c.id == RESOURCE.c.product_id)
        .outerjoin(
            NETWORK,
            and_(NETWORK.c.organization_id == RESOURCE.c.organization_id, NETWORK.c.id == RESOURCE.c.network_id),
        )
        .outerjoin(AREA, and_(AREA.c.organization_id == NETWORK.c.organization_id, AREA.c.id == NETWORK.c.area_id))
    )
    columns: list[Any] = list(_ATTRIBUTES)
    where: dict[type[SQLModel], slice] = {}
    for kind in sorted({kind for _, kind in keys}):
        model, row = _DETAILS[kind]
        if model in where:
            continue
        detail = table(model)
        joined = joined.outerjoin(
            detail, and_(detail.c.organization_id == RESOURCE.c.organization_id, detail.c.resource_id == RESOURCE.c.id)
        )
        where[model] = slice(len(columns), len(columns) + len(row._fields))
        columns += [_FILE_SYSTEMS if name == "file_systems" else detail.c[name] for name in row._fields]
    kinds = dict(keys)
    statement = (
        select(*columns).select_from(joined).where(_ids(RESOURCE.c.id, list(kinds)), in_open_clouds(RESOURCE)(scope))
    )
    found: dict[UUID, rows.ResourceDetail] = {}
    for columns_of_row in await snapshot.fetch(statement):
        model, row = _DETAILS[kinds[columns_of_row[0]]]
        attributes = rows.AttributesRow(*columns_of_row[: len(_ATTRIBUTES)])
        found[attributes.id] = rows.ResourceDetail(attributes, row(*columns_of_row[where[model]]))
    return [found.get(key) for key, _ in keys]


# -- topology: small, shared, read whole -----------------------------------------------------------------------------


class Topology(NamedTuple):
    """Every region, data center and availability zone, by code, in the order of their codes."""

    regions: dict[str, rows.RegionRow]
    data_centers: dict[str, rows.DataCenterRow]
    zones: dict[str, rows.AvailabilityZoneRow]


async def load_topologies(snapshot: Snapshot, keys: Sequence[str]) -> list[Topology]:
    """Read the topology for the one key that there is, "all", in one statement."""
    region, center, zone = table(t.Region), table(t.DataCenter), table(t.AvailabilityZone)
    kinds: tuple[tuple[Table, Any], ...] = (
        (region, rows.RegionRow),
        (center, rows.DataCenterRow),
        (zone, rows.AvailabilityZoneRow),
    )
    statement = (
        select(*[of.c[name] for of, row in kinds for name in row._fields])
        .select_from(
            region.outerjoin(center, center.c.region_code == region.c.code).outerjoin(
                zone, zone.c.data_center_code == center.c.code
            )
        )
        .order_by(region.c.code, center.c.code, zone.c.code)
    )
    found: tuple[dict[str, Any], ...] = ({}, {}, {})
    for columns in await snapshot.fetch(statement):
        start = 0
        for (_, row), by_code in zip(kinds, found, strict=True):
            values = columns[start : start + len(row._fields)]
            start += len(row._fields)
            if values[0] is not None:
                place = row(*values)
                by_code[place.code] = place
    return [Topology(*found) for _ in keys]
