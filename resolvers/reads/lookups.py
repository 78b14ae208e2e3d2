"""Rows by key: the to-one edges of the graph, the short lists that are never paged, and the topology."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Column, ColumnElement, Select, Text, Uuid, and_, any_, bindparam, func, select
from sqlmodel import SQLModel

from auth.principal import Scope
from auth.tables import table
from resolvers import tables as t
from resolvers.reads import rows
from resolvers.reads.relations import AREA, CLOUD, NETWORK, ORGANIZATION, PRODUCT, RESOURCE, SERVICE
from resolvers.reads.sources import RESOURCES, Source, in_open_clouds, objects
from resolvers.snapshot import Snapshot

R = TypeVar("R")
ResourceKey = tuple[UUID, str]
"""A resource's id and its type."""
Path = tuple[str, str, str, str]
"""The codes of an organization and a Cloud, the names of a Service and a resource."""


def _by_keys(column: Column[Any]) -> ColumnElement[bool]:
    return column == any_(bindparam("keys", type_=ARRAY(Uuid())))


async def rows_by_key(
    snapshot: Snapshot, scope: Scope, of: Source[R], column: Column[Any], keys: Sequence[UUID]
) -> list[R | None]:
    """Read rows of one kind by a unique column; None where there is none that the caller may see."""

    def build() -> Select[Any]:
        return select(*of.columns, column).select_from(of.table).where(_by_keys(column), of.visible(scope))

    statement = snapshot.statement(("rows", of.name, column.name, scope.shape), build)
    found = {}
    for *columns, key in await snapshot.fetch(statement, {**scope.values, "keys": keys}):
        found[key] = of.row(*columns)
    return [found.get(key) for key in keys]


async def resources_by_path(snapshot: Snapshot, scope: Scope, paths: Sequence[Path]) -> list[rows.ResourceRow | None]:
    """Read resources by the codes of their organization and Cloud and the names of their Service and themselves."""
    names = (ORGANIZATION.c.code, CLOUD.c.code, SERVICE.c.name, RESOURCE.c.name)

    def build() -> Select[Any]:
        asked = func.unnest(*[bindparam(f"names{n}", type_=ARRAY(Text())) for n in range(len(names))])
        path = asked.table_valued(*[f"name{n}" for n in range(len(names))]).render_derived(name="path")
        joined = (
            RESOURCES.table.join(ORGANIZATION, ORGANIZATION.c.id == RESOURCE.c.organization_id)
            .join(CLOUD, and_(CLOUD.c.organization_id == RESOURCE.c.organization_id, CLOUD.c.id == RESOURCE.c.cloud_id))
            .join(path, and_(*[name == part for name, part in zip(names, path.c, strict=True)]))
        )
        return select(*names, *RESOURCES.columns).select_from(joined).where(RESOURCES.visible(scope))

    statement = snapshot.statement(("paths", scope.shape), build)
    values = {f"names{n}": [path[n] for path in paths] for n in range(len(names))}
    found = {
        tuple(row[:4]): rows.ResourceRow(*row[4:])
        for row in await snapshot.fetch(statement, {**scope.values, **values})
    }
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
    kinds = dict(keys)
    details = list(dict.fromkeys(_DETAILS[kind] for kind in sorted(set(kinds.values()))))
    where: dict[type[SQLModel], slice] = {}
    width = len(_ATTRIBUTES)
    for model, row in details:
        where[model] = slice(width, width + len(row._fields))
        width += len(row._fields)
    statement = snapshot.statement(("details", scope.shape, *where), lambda: _details(scope, details))
    found: dict[UUID, rows.ResourceDetail] = {}
    for columns_of_row in await snapshot.fetch(statement, {**scope.values, "keys": list(kinds)}):
        model, row = _DETAILS[kinds[columns_of_row[0]]]
        attributes = rows.AttributesRow(*columns_of_row[: len(_ATTRIBUTES)])
        found[attributes.id] = rows.ResourceDetail(attributes, row(*columns_of_row[where[model]]))
    return [found.get(key) for key, _ in keys]


def _details(scope: Scope, details: Sequence[tuple[type[SQLModel], Any]]) -> Select[Any]:
    """Select the attributes of resources, and then the columns of each kind of detail."""
    joined: Any = (
        RESOURCE.outerjoin(PRODUCT, PRODUCT.c.id == RESOURCE.c.product_id)
        .outerjoin(
            NETWORK,
            and_(NETWORK.c.organization_id == RESOURCE.c.organization_id, NETWORK.c.id == RESOURCE.c.network_id),
        )
        .outerjoin(AREA, and_(AREA.c.organization_id == NETWORK.c.organization_id, AREA.c.id == NETWORK.c.area_id))
    )
    columns: list[Any] = list(_ATTRIBUTES)
    for model, row in details:
        of = table(model)
        own = and_(of.c.organization_id == RESOURCE.c.organization_id, of.c.resource_id == RESOURCE.c.id)
        joined = joined.outerjoin(of, own)
        columns += [_FILE_SYSTEMS if name == "file_systems" else of.c[name] for name in row._fields]
    return select(*columns).select_from(joined).where(_by_keys(RESOURCE.c.id), in_open_clouds(RESOURCE)(scope))
