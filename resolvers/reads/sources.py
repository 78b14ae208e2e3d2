"""Where each kind of row comes from, in which orders, what filters may name, and what of it a caller may see."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    FromClause,
    Table,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    false,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from auth.principal import Scope
from auth.tables import TenantRow, table
from resolvers import tables as t
from resolvers.reads import rows
from resolvers.reads.predicates import Fields
from resolvers.reads.relations import (
    CLOUD,
    MEMBER,
    MEMBERSHIP,
    OPERATION,
    ORGANIZATION,
    PLACEMENT,
    RESOURCE,
    RESOURCE_FIELDS,
    SERVICE,
    SIZING,
    SUBJECT,
    TAG,
)

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Source(Generic[R]):
    """A kind of row: its columns, `from` clause, orders (never null), what filters may name, and who may see it."""

    name: str
    row: Callable[..., R]
    """The named tuple of a row, whose fields are the columns in their order."""
    columns: tuple[ColumnElement[Any], ...]
    table: FromClause
    id: Column[Any]
    orders: Mapping[str, ColumnElement[Any]]
    order: tuple[tuple[str, bool], ...]
    """The order when none is asked for: names and whether descending; `id` always follows."""
    visible: Callable[[Scope], ColumnElement[bool]]
    fields: Fields = field(default_factory=lambda: Fields({}))
    grouped: bool = False
    """Whether a row stands for a group of table rows with the same `id`."""
    part: Callable[[tuple[str, ...]], Any] | None = None
    """Makes the class of rows that have only some of the columns, where there are such rows."""
    attach: Callable[[FromClause], FromClause] | None = None
    """Joins rows of the table alone with those that other columns are of, by `keys`; so a page is limited first."""
    keys: tuple[Column[Any], ...] = ()

    @property
    def counted(self) -> FromClause:
        """The table alone: joins only add columns, so that counts do without them."""
        return cast("FromClause", self.id.table)

    @cached_property
    def named(self) -> Mapping[str, ColumnElement[Any]]:
        """The columns by the names of the row's fields."""
        return dict(zip(cast("Any", self.row)._fields, self.columns, strict=True))

    def make(self, names: tuple[str, ...] | None) -> Callable[[Iterable[Any]], Any]:
        """What makes a row of the columns of these names, or of all."""
        return rows.maker(self.row if names is None or self.part is None else self.part(names))

    def is_own(self, name: str) -> bool:
        """Whether the column of this name is made of nothing but the table's own."""
        return all(of.table is self.counted for of in self.named[name].base_columns if isinstance(of, Column))


@dataclass(frozen=True, eq=False)
class ListOf(Generic[R]):
    """A list in the graph: all of a source, or those that `belongs` ties to a parent of SQL type `key`."""

    name: str
    source: Source[R]
    belongs: Callable[[ColumnElement[Any]], ColumnElement[bool]] | None = None
    key: TypeEngine[Any] = field(default_factory=Uuid)


def _among(column: ColumnElement[Any], scope: Scope, name: str) -> ColumnElement[bool]:
    """Hold a column to what the scope holds under a name; one is an equality, which keeps the order of an index."""
    held = getattr(scope, name)
    if not held:
        return false()
    return column == (bindparam(name, type_=Uuid()) if len(held) == 1 else any_(bindparam(name, type_=ARRAY(Uuid()))))


# -- what a caller may see -------------------------------------------------------------------------------------------


def named_organizations(scope: Scope) -> ColumnElement[bool]:
    """Organizations that the caller sees by name."""
    return true() if scope.all_names else _among(ORGANIZATION.c.id, scope, "organizations")


def named_clouds(scope: Scope) -> ColumnElement[bool]:
    """Clouds that the caller sees by name."""
    return true() if scope.all_names else _among(CLOUD.c.id, scope, "clouds")


def in_open_clouds(of: FromClause) -> Callable[[Scope], ColumnElement[bool]]:
    """Rows of Clouds whose content the caller sees."""
    return lambda scope: and_(
        _among(of.c.organization_id, scope, "resource_organizations"), _among(of.c.cloud_id, scope, "resource_clouds")
    )


def named_to_representatives(of: FromClause) -> Callable[[Scope], ColumnElement[bool]]:
    """Rows of organizations that the platform, and of each its security representatives, see by name."""
    return lambda scope: true() if scope.all_names else _among(of.c.organization_id, scope, "represented")


def everyone(_: Scope) -> ColumnElement[bool]:
    """Rows that every authenticated caller sees."""
    return true()


# -- the kinds of row ------------------------------------------------------------------------------------------------

ORGANIZATIONS = Source(
    name="organization",
    row=rows.OrganizationRow,
    columns=tuple(ORGANIZATION.c[name] for name in rows.OrganizationRow._fields),
    table=ORGANIZATION,
    id=ORGANIZATION.c.id,
    orders={"NAME": ORGANIZATION.c.name},
    order=(("NAME", False),),
    visible=named_organizations,
)

CLOUDS = Source(
    name="cloud",
    row=rows.CloudRow,
    columns=tuple(CLOUD.c[name] for name in rows.CloudRow._fields),
    table=CLOUD,
    id=CLOUD.c.id,
    orders={"NAME": CLOUD.c.name},
    order=(("NAME", False),),
    visible=named_clouds,
)

SERVICES = Source(
    name="service",
    row=rows.ServiceRow,
    columns=tuple(SERVICE.c[name] for name in rows.ServiceRow._fields),
    table=SERVICE,
    id=SERVICE.c.id,
    orders={"NAME": SERVICE.c.name},
    order=(("NAME", False),),
    visible=in_open_clouds(SERVICE),
    fields=Fields({"name": SERVICE.c.name, "organization": SERVICE.c.organization_id, "cloud": SERVICE.c.cloud_id}),
)

_AS_TEXT = {
    "tags": RESOURCE.c.tags.cast(Text()).label("tags"),
    **{
        name: func.array_to_string(RESOURCE.c[name], rows.SEPARATOR).label(name)
        for name in ("availability_zones", "data_centers")
    },
}


def _with_service(of: FromClause) -> FromClause:
    # Every resource has its Service by foreign key, so the join adds columns and never takes a row away.
    # With the Cloud the condition is the whole foreign key, by which PostgreSQL knows how many rows to expect.
    keys = [SERVICE.c[name] == of.c[name] for name in ("organization_id", "cloud_id")]
    return of.join(SERVICE, and_(*keys, SERVICE.c.id == of.c.service_id))


RESOURCES = Source(
    name="resource",
    row=rows.ResourceRow,
    columns=(
        *(
            _AS_TEXT[name] if name in _AS_TEXT else RESOURCE.c[name]
            for name in rows.ResourceRow._fields
            if name in RESOURCE.c
        ),
        SERVICE.c.name.label("service_name"),
        SERVICE.c.description.label("service_description"),
    ),
    part=rows.part_of_resource_row,
    table=_with_service(RESOURCE),
    attach=_with_service,
    keys=(RESOURCE.c.organization_id, RESOURCE.c.cloud_id, RESOURCE.c.service_id),
    id=RESOURCE.c.id,
    orders={
        "NAME": RESOURCE.c.name,
        "TYPE": RESOURCE.c.type,
        "STATUS": RESOURCE.c.status,
        "ENVIRONMENT": RESOURCE.c.environment,
        "CREATED_AT": RESOURCE.c.created_at,
        "UPDATED_AT": RESOURCE.c.updated_at,
    },
    order=(("NAME", False),),
    visible=in_open_clouds(RESOURCE),
    fields=RESOURCE_FIELDS,
)


def objects(model: type[SQLModel], on: Callable[[FromClause], ColumnElement[bool]], order: str, *names: str) -> Any:
    """Gather the few rows that belong to another row into one column, as a list of objects of some of their columns."""
    of = table(model).alias()
    named = [part for name in names for part in (literal(name, Text), of.c[name])]
    gathered = func.jsonb_agg(aggregate_order_by(func.jsonb_build_object(*named), of.c[order]))
    return func.coalesce(select(gathered).where(on(of)).scalar_subquery(), literal([], JSONB))


def _parts(
    name: str,
    model: type[TenantRow],
    row: Any,
    order: str,
    *,
    descending: bool = False,
    gathered: Mapping[str, ColumnElement[Any]] | None = None,
) -> Source[Any]:
    """Rows of one table with a Cloud, listed in one order, with rows of others gathered into columns."""
    of = table(model)
    gathered = gathered or {}
    return Source(
        name=name,
        row=row,
        columns=tuple(gathered[name] if name in gathered else of.c[name] for name in row._fields),
        table=of,
        id=of.c.id,
        orders={} if order == "id" else {order.upper(): of.c[order]},
        order=() if order == "id" else ((order.upper(), descending),),
        visible=in_open_clouds(of),
        fields=Fields({column.name: column for column in of.c}),
    )


SNAPSHOTS = _parts("snapshot", t.Snapshot, rows.SnapshotRow, "created_at", descending=True)
DNS_ALIASES = _parts("dnsAlias", t.DnsAlias, rows.DnsAliasRow, "fqdn")
LOAD_BALANCER_MEMBERS = _parts("loadBalancerMember", t.LoadBalancerMember, rows.LoadBalancerMemberRow, "id")
OBJECT_STORE_USERS = _parts("objectStoreUser", t.ObjectStoreUser, rows.ObjectStoreUserRow, "label")
NAMESPACES = _parts("namespace", t.Namespace, rows.NamespaceRow, "name")
MAINTENANCES = _parts("maintenance", t.Maintenance, rows.MaintenanceRow, "starts_at", descending=True)
INDICATORS = _parts("indicator", t.Indicator, rows.IndicatorRow, "name")
OPERATIONS = _parts(
    "operation",
    t.Operation,
    rows.OperationRow,
    "submitted_at",
    descending=True,
    gathered={
        "steps": objects(
            t.OperationStep,
            lambda step: and_(
                step.c.organization_id == OPERATION.c.organization_id, step.c.operation_id == OPERATION.c.id
            ),
            "position",
            "name",
            "status",
            "started_at",
            "completed_at",
        ).label("steps")
    },
)
SMS_SUBSCRIPTIONS = _parts("smsSubscription", t.SmsSubscription, rows.SmsSubscriptionRow, "created_at")

_NODE = table(t.ClusterNode)
CLUSTER_NODES = Source(
    name="clusterNode",
    row=rows.ClusterNodeRow,
    columns=tuple(SIZING.c[c] if c in ("cpu", "ram_gb") else _NODE.c[c] for c in rows.ClusterNodeRow._fields),
    table=_NODE.join(SIZING, SIZING.c.code == _NODE.c.sizing_code),
    id=_NODE.c.id,
    orders={"NAME": _NODE.c.name},
    order=(("NAME", False),),
    visible=in_open_clouds(_NODE),
)

TAG_KEYS = Source(
    name="tagKey",
    row=rows.TagKeyRow,
    columns=(TAG.c.key, func.count().label("resources")),
    table=TAG,
    id=TAG.c.key,
    orders={},
    order=(),
    visible=in_open_clouds(TAG),
    fields=Fields({"key": TAG.c.key}),
    grouped=True,
)

MEMBERSHIPS = Source(
    name="membership",
    row=rows.MembershipRow,
    columns=(
        MEMBERSHIP.c.cloud_id,
        func.max(MEMBERSHIP.c.account_id.cast(Text)).cast(Uuid),
        func.array_agg(MEMBERSHIP.c.profile),
    ),
    table=MEMBERSHIP,
    id=MEMBERSHIP.c.cloud_id,
    orders={},
    order=(),
    # Listed below their own account only.
    visible=everyone,
    grouped=True,
)

# -- the lists of the graph ------------------------------------------------------------------------------------------


def _equal(column: ColumnElement[Any]) -> Callable[[ColumnElement[Any]], ColumnElement[bool]]:
    return lambda parent: column == parent


def _related(of: Table, *on: ColumnElement[bool]) -> ColumnElement[bool]:
    # Left to itself, SQLAlchemy would list the parent, which is two selects up, in this one again: every parent's rows.
    return select(literal(1)).where(*on).correlate_except(of).exists()


def _in_zone(parent: ColumnElement[Any]) -> ColumnElement[bool]:
    return _related(
        PLACEMENT,
        PLACEMENT.c.organization_id == RESOURCE.c.organization_id,
        PLACEMENT.c.resource_id == RESOURCE.c.id,
        PLACEMENT.c.availability_zone_code == parent,
    )


def _balances(parent: ColumnElement[Any]) -> ColumnElement[bool]:
    return _related(
        MEMBER,
        MEMBER.c.organization_id == RESOURCE.c.organization_id,
        MEMBER.c.resource_id == RESOURCE.c.id,
        MEMBER.c.instance_id == parent,
    )


def _subject_of(of: Table, key: str) -> Callable[[ColumnElement[Any]], ColumnElement[bool]]:
    return lambda parent: _related(
        SUBJECT,
        SUBJECT.c.organization_id == of.c.organization_id,
        SUBJECT.c[key] == of.c.id,
        SUBJECT.c.maintenance_id == parent,
    )


ALL_ORGANIZATIONS = ListOf("organizations", ORGANIZATIONS)
ALL_SERVICES = ListOf("services", SERVICES)
ALL_RESOURCES = ListOf("resources", RESOURCES)
ALL_OPERATIONS = ListOf("operations", OPERATIONS)
ALL_TAG_KEYS = ListOf("tagKeys", TAG_KEYS)
CLOUDS_OF_ORGANIZATION = ListOf("Organization.clouds", CLOUDS, _equal(CLOUD.c.organization_id))
SERVICES_OF_CLOUD = ListOf("Cloud.services", SERVICES, _equal(SERVICE.c.cloud_id))
RESOURCES_OF_ORGANIZATION = ListOf("Organization.resources", RESOURCES, _equal(RESOURCE.c.organization_id))
RESOURCES_OF_CLOUD = ListOf("Cloud.resources", RESOURCES, _equal(RESOURCE.c.cloud_id))
RESOURCES_OF_SERVICE = ListOf("Service.resources", RESOURCES, _equal(RESOURCE.c.service_id))
RESOURCES_OF_ZONE = ListOf("AvailabilityZone.resources", RESOURCES, _in_zone, Text())
LOAD_BALANCERS_OF_INSTANCE = ListOf("Instance.loadBalancers", RESOURCES, _balances)
MAINTENANCES_OF_CLOUD = ListOf("Cloud.maintenances", MAINTENANCES, _equal(MAINTENANCES.table.c.cloud_id))
INDICATORS_OF_SERVICE = ListOf("Service.indicators", INDICATORS, _equal(INDICATORS.table.c.service_id))
SNAPSHOTS_OF_INSTANCE = ListOf("Instance.snapshots", SNAPSHOTS, _equal(SNAPSHOTS.table.c.resource_id))
DNS_ALIASES_OF_RESOURCE = ListOf("Resource.dnsAliases", DNS_ALIASES, _equal(DNS_ALIASES.table.c.resource_id))
MEMBERS_OF_LOAD_BALANCER = ListOf(
    "LoadBalancer.members", LOAD_BALANCER_MEMBERS, _equal(LOAD_BALANCER_MEMBERS.table.c.resource_id)
)
USERS_OF_OBJECT_STORE = ListOf("ObjectStore.users", OBJECT_STORE_USERS, _equal(OBJECT_STORE_USERS.table.c.resource_id))
NAMESPACES_OF_CLUSTER = ListOf("KubernetesCluster.namespaces", NAMESPACES, _equal(NAMESPACES.table.c.resource_id))
NODES_OF_RESOURCE = ListOf("Resource.nodes", CLUSTER_NODES, _equal(_NODE.c.resource_id))
SERVICES_OF_MAINTENANCE = ListOf("Maintenance.services", SERVICES, _subject_of(SERVICE, "service_id"))
RESOURCES_OF_MAINTENANCE = ListOf("Maintenance.resources", RESOURCES, _subject_of(RESOURCE, "resource_id"))
MEMBERSHIPS_OF_ACCOUNT = ListOf("Viewer.memberships", MEMBERSHIPS, _equal(MEMBERSHIP.c.account_id))
OPERATIONS_OF_RESOURCE = ListOf("Resource.operations", OPERATIONS, _equal(OPERATION.c.resource_id))
