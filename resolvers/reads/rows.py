"""Rows as the reads give them: plain named tuples, one per kind, with the columns in the order they are selected."""

from collections import namedtuple
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple
from uuid import UUID

import orjson


class OrganizationRow(NamedTuple):
    """An organization."""

    id: UUID
    code: str
    name: str
    is_group: bool


class CloudRow(NamedTuple):
    """A Cloud."""

    organization_id: UUID
    id: UUID
    code: str
    name: str
    is_default: bool


class ServiceRow(NamedTuple):
    """A Service."""

    organization_id: UUID
    cloud_id: UUID
    id: UUID
    name: str
    description: str | None


SEPARATOR = "\x1f"
"""Between the codes of a resource's places: the driver makes a text in a tenth of the time of a list."""


class ResourceRow(NamedTuple):
    """What lists of resources show, with the Service that every resource has.

    Its tags are a JSON object, and its places codes with separators between them, as texts: whoever shows them takes
    them apart, once for all resources that have the same.
    """

    organization_id: UUID
    cloud_id: UUID
    service_id: UUID
    id: UUID
    type: str
    name: str
    status: str
    environment: str
    revision: int
    tags: str
    availability_zones: str
    data_centers: str
    monitoring_enabled: bool
    on_call: bool
    created_at: datetime
    updated_at: datetime
    service_name: str
    service_description: str | None


class PartOfResourceRow:
    """A row that has only some of the columns of a `ResourceRow`, by the same names."""

    __slots__ = ()


def maker(row: Any) -> Callable[[Iterable[Any]], Any]:
    """Make what makes rows of a class, of their columns in order.

    It is a call of C, a third of the time of `_make`, which is Python and counts the columns.
    """
    return partial(tuple.__new__, row)


@lru_cache(maxsize=256)
def part_of_resource_row(names: tuple[str, ...]) -> Any:
    """Make the class of the rows that have these columns of a resource."""
    return type("PartOfResourceRow", (PartOfResourceRow, namedtuple("Columns", names)), {"__slots__": ()})


class TagRow(NamedTuple):
    """A tag of a resource."""

    key: str
    value: str


@lru_cache(maxsize=8192)
def tags_from(text: str) -> tuple[TagRow, ...]:
    """Make the tags of a resource, by key, of their JSON; the same text, which many resources have, is parsed once."""
    return tuple(map(maker(TagRow), sorted(orjson.loads(text).items())))


class AttributesRow(NamedTuple):
    """What is known of a resource beyond its list row, whatever its type."""

    id: UUID
    comment: str | None
    created_by: str | None
    external_id: str | None
    support_level: str | None
    support_phase: str | None
    product_id: UUID | None
    product_code: str | None
    product_name: str | None
    product_version: str | None
    ip_addresses: list[IPv4Address | IPv6Address]
    network_id: UUID | None
    vlan: int | None
    cidr: str | None
    network_scope: str | None
    area: str | None


class InstanceRow(NamedTuple):
    """The detail of an instance; its file systems are objects of their columns, by mount point."""

    family: str
    os_type: str
    cpu: int
    ram_gb: int
    disk_gb: int
    backup_policy: str | None
    backup_last_at: datetime | None
    backup_size_gb: float | None
    recovery: bool
    patching_group: str | None
    patching_next_at: datetime | None
    patching_excluded: bool
    patching_excluded_reason: str | None
    file_systems: list[dict[str, Any]]


class LoadBalancerRow(NamedTuple):
    """The detail of a load balancer."""

    url: str | None
    domain: str | None
    protocol: str
    port: int
    mode: str | None
    persistence: str | None
    fallback_persistence: str | None
    health_check: str | None
    tls_profile: str | None
    redirect_to_https: bool


class ObjectStoreRow(NamedTuple):
    """The detail of an object store."""

    geo_replicated: bool
    quota_gb: int
    used_gb: float


class KubernetesClusterRow(NamedTuple):
    """The detail of a cluster."""

    kubernetes_version: str
    ingress: str
    high_availability: bool
    backup_policy: str | None


class MiddlewareRow(NamedTuple):
    """The detail of a database, a broker, an application server or a file storage."""

    family: str
    version: str | None
    topology: str | None
    disk_gb: int | None
    tls_enabled: bool


class ResourceDetail(NamedTuple):
    """A resource's attributes and, under `type`, the row of its own type."""

    attributes: AttributesRow
    type: Any


class RegionRow(NamedTuple):
    """A region."""

    id: UUID
    code: str
    name: str
    description: str


class DataCenterRow(NamedTuple):
    """A data center."""

    id: UUID
    region_code: str
    code: str
    name: str


class AvailabilityZoneRow(NamedTuple):
    """An availability zone."""

    id: UUID
    data_center_code: str
    code: str
    description: str
    audience: str


class SnapshotRow(NamedTuple):
    """A snapshot of an instance."""

    id: UUID
    resource_id: UUID
    label: str
    description: str | None
    size_gb: float
    created_by: str | None
    created_at: datetime
    recovered_at: datetime | None
    expires_at: datetime | None
    change_reference: str | None


class DnsAliasRow(NamedTuple):
    """A DNS alias of an instance or a load balancer."""

    id: UUID
    resource_id: UUID
    fqdn: str
    created_at: datetime


class LoadBalancerMemberRow(NamedTuple):
    """A member of a load balancer."""

    id: UUID
    resource_id: UUID
    instance_id: UUID
    port: int
    state: str
    status: str


class ObjectStoreUserRow(NamedTuple):
    """A user of an object store."""

    id: UUID
    resource_id: UUID
    label: str
    access_key: str
    locked: bool
    created_at: datetime


class NamespaceRow(NamedTuple):
    """A namespace of a cluster."""

    id: UUID
    resource_id: UUID
    name: str
    cpu_limit: int | None
    ram_limit_gb: int | None


class ClusterNodeRow(NamedTuple):
    """A node of a cluster, a database or a broker, with its sizing."""

    id: UUID
    resource_id: UUID
    name: str
    sizing_code: str
    cpu: int
    ram_gb: int
    availability_zone_code: str
    is_ingress: bool
    status: str


class MaintenanceRow(NamedTuple):
    """A maintenance window."""

    id: UUID
    cloud_id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str
    revision: int
    created_by: str | None
    created_at: datetime


class IndicatorRow(NamedTuple):
    """An indicator of a Service."""

    id: UUID
    service_id: UUID
    name: str
    kind: str
    target: str
    threshold: float | None
    revision: int
    created_at: datetime


class SmsSubscriptionRow(NamedTuple):
    """The SMS subscription of a Service."""

    id: UUID
    service_id: UUID
    sender: str
    per_minute: int
    per_hour: int
    allowed_numbers: list[str]
    created_at: datetime


class OperationRow(NamedTuple):
    """An operation; its steps are objects of their columns, in order."""

    id: UUID
    cloud_id: UUID
    action: str
    status: str
    progress: int
    message: str | None
    resource_id: UUID | None
    resource_name: str | None
    resource_type: str | None
    submitted_by: str
    submitted_at: datetime
    last_updated_at: datetime
    completed_at: datetime | None
    change_reference: str | None
    steps: list[dict[str, Any]]


class TagKeyRow(NamedTuple):
    """A tag key that visible resources carry, and how many."""

    key: str
    resources: int


class MembershipRow(NamedTuple):
    """The profiles that an account holds in one Cloud."""

    cloud_id: UUID
    account_id: UUID
    profiles: list[str]
